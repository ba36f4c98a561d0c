/** Stops the fleet before its program ends, where it was told to. Design §8. */
import type { InstanceSystem } from "../actors/system_port.ts";
import type { Clock } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import { sideBySide } from "../workers/side_by_side.ts";
import type { Voice } from "./voice.ts";
import { countOf } from "./words.ts";

/** What stopping a fleet needs. */
export interface StopParts {
  system: InstanceSystem;
  clock: Clock;
  voice: Voice;
  /** How long each stop may take. */
  timeoutMs: number;
}

/** Stops that are under way at once: as many as workers have slots by default. */
const STOPS_AT_ONCE = 64;
const PROGRESS_EVERY_MS = 5_000;
/** More rounds than requests can be under way one after the other in an API that is closed. */
const ROUNDS_MAX = 8;

/**
 * Stops everything that runs or may run; gives how many could not be stopped. The API must be closed before. What was
 * under way there may still begin something, so it looks again until it finds nothing.
 */
export async function stopFleet(parts: StopParts): Promise<number> {
  const givenUp = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { items } = await parts.system.list({ limit: Infinity });
    const found = items.filter((state) => mayRun(state) && !givenUp.has(state.context.instanceId));
    if (found.length === 0) break;
    for (const instanceId of await stopAll(parts, found)) givenUp.add(instanceId);
  }
  const left = givenUp.size;
  if (left > 0) {
    parts.voice.tell("warn", `${countOf(left)} could not be stopped.`, {
      hint: "What runs goes on; see its status after the next start.",
    });
  }
  return left;
}

/** Gives the ids of those that could not be stopped. */
async function stopAll(parts: StopParts, states: readonly InstanceState[]): Promise<string[]> {
  const { clock, voice } = parts;
  const left: string[] = [];
  let done = 0;
  voice.say(`Stopping ${countOf(states.length)} …`);
  let cancel = () => {};
  const tellProgress = () => {
    cancel = clock.after(PROGRESS_EVERY_MS, () => {
      voice.say(
        `  ${done} of ${states.length} done; Ctrl-C ends DRaaS and leaves the rest running.`,
      );
      tellProgress();
    });
  };
  tellProgress();
  try {
    await sideBySide(states, STOPS_AT_ONCE, async (state) => {
      if (!await isStopped(parts, state)) left.push(state.context.instanceId);
      done++;
    });
  } finally {
    cancel();
  }
  return left;
}

/** Stops one instance; one that is being deleted is waited for. */
async function isStopped({ system, timeoutMs }: StopParts, state: InstanceState): Promise<boolean> {
  const request = statusOf(state) === "Deleting"
    ? { type: "delete", force: false } as const
    : { type: "stop" } as const;
  try {
    const outcome = await system.ask(state.context.instanceId, request, {
      timeoutMs,
      wait: true,
      requestedBy: "exit",
    });
    return outcome.kind === "done";
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return false;
  }
}

/** Also what has failed: its policy may be about to start it again. */
function mayRun(state: InstanceState): boolean {
  const status = statusOf(state);
  return status !== "Created" && status !== "Stopped";
}
