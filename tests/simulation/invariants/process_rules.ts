/** What must hold when a shim begins a server, and of the leases under which servers live. Design §4 rules 3, 6, 8. */
import type { CommandStory, Entry, Ledger } from "../../history/ledger.ts";
import type { Life } from "../../history/process_lives.ts";
import type { Rules } from "../../history/rule.ts";
import type { SpawnOrder } from "./evidence.ts";

/** What is known when a server is about to begin. */
export interface Spawning {
  ledger: Ledger;
  order: SpawnOrder;
  /** Commands of this generation, in the log or lost with a rollback. */
  commands: readonly CommandStory[];
  /** The highest fence that was spawned with on this host before. */
  before: { generation: number; attempt: number } | null;
  /** What rollbacks have taken: a worker acts on an accept that it was told of. */
  lost: readonly Entry[];
}

export const SPAWN_RULES: Rules<[Spawning]> = {
  everySpawnHasItsCommand: {
    sentence: "A server begins only for a start or restart that is in the log. Promise 4, traps 6.",
    holds: ({ commands, order }) =>
      commands.some(({ kind }) => kind === "start" || kind === "restart")
        ? null
        : `no start of generation ${order.generation} is in the log`,
  },
  expiredNeverRuns: {
    sentence:
      "What expired, was cancelled or refused before its accept never runs, nor what nobody has accepted. Rules 3, 4.",
    holds: ({ commands, order, lost }) =>
      commands.length === 0 || commands.some((one) => acceptedBy(one, order, lost))
        ? null
        : `${commands.map(tell).join(", ")}, not by attempt ${order.attempt} of ${order.workerId}`,
  },
  settledSpawnsNothing: {
    sentence: "A take-over of an old generation looks at what runs, and spawns nothing. Rule 7.",
    holds: ({ commands, order }) => {
      const old = commands.find(({ accepts, generation }) =>
        accepts.some(({ event: { data }, before }) =>
          data.attempt > 1 && data.attempt === order.attempt && data.workerId === order.workerId &&
          before.context.generation > generation
        )
      );
      return old ? `${old.commandId} was old when attempt ${order.attempt} took it over` : null;
    },
  },
  spawnsAreInTime: {
    sentence: "Nothing is spawned after its spawn deadline on the boot clock. Rule 6.",
    holds: ({ order }) =>
      order.at > order.deadline
        ? `it came ${order.at - order.deadline} ms after its deadline`
        : null,
  },
  spawnsAreInOrder: {
    sentence:
      "On one host an instance's spawns grow by generation and attempt, and each attempt spawns at most once. Rule 6.",
    holds: ({ before, order, lost }) =>
      before && compareFences(order, before) <= (isGivenTwice(order, lost) ? -1 : 0)
        ? `generation ${order.generation} attempt ${order.attempt} came after generation ${before.generation} attempt ${before.attempt}`
        : null,
  },
};

function acceptedBy(
  { commandId, accepts }: CommandStory,
  { workerId, attempt }: SpawnOrder,
  lost: readonly Entry[],
): boolean {
  return [...accepts, ...lost].some(({ event: { type, data } }) =>
    type === "CommandAccepted" && data.commandId === commandId && data.workerId === workerId &&
    data.attempt === attempt
  );
}

/** A rollback has taken an accept of this attempt, so its number was given once more. */
function isGivenTwice({ instanceId, attempt }: SpawnOrder, lost: readonly Entry[]): boolean {
  return lost.some(({ event: { type, data, instanceId: whose } }) =>
    type === "CommandAccepted" && whose === instanceId && data.attempt === attempt
  );
}

function tell({ commandId, accepts, ended }: CommandStory): string {
  const how = ended ? `ended by ${ended.event.type}` : "open";
  return `${commandId} is ${how} and was accepted ${accepts.length} times`;
}

/** Negative, zero or positive as `a` is below, at or above `b`. */
export function compareFences(
  a: { generation: number; attempt: number },
  b: { generation: number; attempt: number },
): number {
  return a.generation - b.generation || a.attempt - b.attempt;
}

/** A host ends what has lapsed within a second, and a stubborn server within another. */
const LAPSING_MS = 2_500;

export const LEASE_SENTENCES = {
  leasesAreKept:
    "What lives under a lease is ended by its host once the log has not heard its worker for so long. Rule 8.",
} as const;

/**
 * How long a server outlives its lease; null while it does not. A host that stood still has an instant after it, and so
 * has one that stood still between its last look at the lease and the server's first moment.
 */
export function overstay(
  { leaseMs, host, from }: Life,
  heardAt: number | null,
  thawedAt: number,
  now: number,
): string | null {
  if (leaseMs === null) return null;
  const end = Math.max((heardAt ?? from) + leaseMs, thawedAt, from) + LAPSING_MS;
  return now > end ? `on ${host} outlives its lease by ${now - end + LAPSING_MS} ms` : null;
}
