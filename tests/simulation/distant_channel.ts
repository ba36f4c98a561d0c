/** A worker's channel over a network: calls take time, get lost when the log or the host is away, and outlive their caller. */
import type { Command } from "../../events/commands.ts";
import { OperationalError } from "../../events/errors.ts";
import type { AcceptOutcome, WorkerChannel } from "../../events/worker_channel.ts";
import type { Chance } from "./chance.ts";
import type { Life, VirtualTime } from "./virtual_time.ts";

export interface Distance {
  /** The channel at the log's end; null while the log is away. */
  present(): WorkerChannel | null;
  isCutOff(): boolean;
  time: VirtualTime;
  /** Of the worker: an answer reaches nobody who is dead, and a frozen one later. */
  life: Life;
  chance: Chance;
  /** Breaks rule 7: a take-over of an old generation is refused instead of settled. */
  refusesTakeover: boolean;
}

/** After this an answer that has not come is taken for lost. */
const ANSWER_WITHIN_MS = 2_000;

export function distantChannel(distance: Distance): WorkerChannel {
  const { time, life, chance } = distance;
  /** What was inherited, by id. */
  const inherited = new Map<string, Command>();
  const call = <T>(ask: (channel: WorkerChannel) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const delay = () => chance.happens(0.05) ? chance.between(50, 1_500) : chance.between(0, 5);
      // What is on its way arrives, whatever becomes of who sent it.
      time.after(delay(), () => {
        const channel = distance.isCutOff() ? null : distance.present();
        if (!channel) return;
        const answer = (settle: () => void) =>
          time.after(delay(), () => distance.isCutOff() || settle(), life);
        ask(channel).then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        );
      });
      time.after(ANSWER_WITHIN_MS, () => reject(away()), life);
    });
  return {
    register: async () => {
      const outcome = await call((channel) => channel.register());
      if (outcome.kind !== "registered") return outcome;
      for (const command of outcome.inherited) inherited.set(command.messageId, command);
      return outcome;
    },
    heartbeat: (busy) => call((channel) => channel.heartbeat(busy)),
    take: (max, waitMs) => call((channel) => channel.take(max, waitMs)),
    accept: (id) =>
      call(async (channel) => {
        const outcome = await channel.accept(id);
        const isBroken = distance.refusesTakeover && outcome.kind === "accepted" && outcome.settle;
        return isBroken ? await refuse(channel, id, outcome) : outcome;
      }),
    complete: (id, attempt, response) => call((channel) => channel.complete(id, attempt, response)),
    observe: (observation) => call((channel) => channel.observe(observation)),
    standing: (ids) => call((channel) => channel.standing(ids)),
    serveQueries: () => {},
    leave: () => call((channel) => channel.leave()),
  };

  async function refuse(
    channel: WorkerChannel,
    id: string,
    { attempt }: AcceptOutcome & { kind: "accepted" },
  ): Promise<AcceptOutcome> {
    const command = inherited.get(id);
    if (command) {
      const type = command.type.replace("Command", "Response") as "StartInstanceResponse";
      const { instanceId } = command;
      await channel.complete(id, attempt, { type, instanceId, success: false });
    }
    return { kind: "refused", reason: "ended" };
  }
}

function away(): OperationalError {
  return new OperationalError("log_unavailable", "No answer came.", true, "Try again.");
}
