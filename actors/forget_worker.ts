/** Forgets a worker at an admin's word, once it is sure that the worker is silent. Design §4 rule 8. */
import { type Clock, sleep } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";

/** Two heart-beats and a half: the log's clock may differ from ours, so it is listened to, not compared. */
const LISTEN_MS = 2_500;

/**
 * Gives `workerId` up for good; null when there is no such worker. Its servers count as gone from then on and may be
 * started elsewhere, so a worker that lives is not forgotten.
 * @throws {OperationalError} `worker_alive`
 */
export async function forgetWorker(
  { bus, clock }: { bus: CommandBus; clock: Clock },
  workerId: string,
  requestedBy?: string,
): Promise<RecordedEvent[] | null> {
  const lookAt = async () => (await bus.workers()).find((one) => one.workerId === workerId);
  const before = await lookAt();
  if (!before) return null;
  await sleep(clock, LISTEN_MS);
  const after = await lookAt();
  if (!after) return null;
  const isHeard = after.lastHeartbeatAt !== before.lastHeartbeatAt ||
    after.incarnation !== before.incarnation;
  if (isHeard) {
    throw new OperationalError(
      "worker_alive",
      `Worker ${workerId} lives: it has just been heard.`,
      false,
      "End it first; to keep new work from it, drain it. Forget is for a host that does not come back.",
    );
  }
  return await bus.forget(workerId, null, requestedBy);
}
