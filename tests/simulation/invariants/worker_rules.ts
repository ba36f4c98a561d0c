/** What must hold of workers: their incarnations, their labels, and when they are called lost. Design §4 rules 5, 7, 8. */
import { leasedPart } from "../../../machines/leases.ts";
import type { Entry, Ledger } from "../../history/ledger.ts";
import type { Rules } from "../../history/rule.ts";
import type { Registration, Surroundings } from "./evidence.ts";

/** What is known of the workers when an event comes. */
export interface Known {
  ledger: Ledger;
  entry: Entry;
  /** By incarnation. */
  registrations: ReadonlyMap<string, Registration>;
  /** By worker: its newest incarnation. */
  newest: ReadonlyMap<string, string>;
  /** When Redis last came back, the leader changed or connected again. */
  disturbedAt: number;
  surroundings: Surroundings;
  /** The log's clock has not jumped lately. */
  haveClocksAgreed: boolean;
}

/** A worker is silent for longer than the lease by this much before it is given up; the rest is for the looks. */
const REPLACED_WITHIN_MS = 4_000;
const MARGIN_MS = 1_000;
/** A leader looks at what is owed at once; this is for one that has just lost a race, or tries again. */
export const TIMER_LATE_MS = 2_000;
/** A fleet that comes back needs this long until someone leads: the lease of the leader before, and the recovery. */
export const SETTLED_AFTER_MS = 20_000;

export const WORKER_RULES: Rules<[Known]> = {
  supersededIncarnationsAreRefused: {
    sentence: "Only the newest incarnation of a worker accepts. Rule 7, traps 8.",
    holds: ({ entry: { event }, newest }) => {
      if (event.type !== "CommandAccepted") return null;
      const { workerId, incarnation, commandId } = event.data;
      const present = newest.get(workerId);
      return present !== undefined && present !== incarnation
        ? `${incarnation} of ${workerId} accepted ${commandId}, and ${present} had registered`
        : null;
    },
  },
  startsGoWhereTheirLabelsAre: {
    sentence: "A start is accepted only by a worker that has every label it asks for. Rule 5.",
    holds: ({ ledger, entry: { event, before }, registrations }) => {
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) return null;
      const worker = registrations.get(event.data.incarnation);
      const command = ledger.commands.get(event.data.commandId);
      if (!worker || command?.kind !== "start") return null;
      // The labels may have been changed since it was placed.
      const wanted = [before, command.asked.before].map(({ context }) =>
        context.specification?.workerLabels ?? {}
      );
      const fits = wanted.some((labels) =>
        Object.entries(labels).every(([name, value]) => worker.labels[name] === value)
      );
      return fits ? null : `${worker.workerId} has not the labels of ${command.commandId}`;
    },
  },
  nobodyIsLostWithinTheLease: {
    sentence: "A worker is given up only when it was silent for longer than the lease. Rule 8.",
    holds: ({ entry, surroundings }) => {
      const lease = lossOf(entry);
      const heardAt = lease && surroundings.heardAt(lease.workerId);
      return lease && heardAt !== null && entry.writtenAt - heardAt! < lease.leaseMs
        ? `${lease.workerId} was heard ${
          entry.writtenAt - heardAt!
        } ms before, and the lease is ${lease.leaseMs} ms`
        : null;
    },
  },
  nobodyIsLostAfterADisturbance: {
    sentence:
      "Nobody is called lost within one lease after Redis is back, a reconnect or a change of leader. Rule 8.",
    holds: ({ entry, disturbedAt }) => {
      const lease = lossOf(entry);
      return lease && entry.writtenAt - disturbedAt < lease.leaseMs
        ? `${lease.workerId} was given up ${
          entry.writtenAt - disturbedAt
        } ms after a disturbance, and the lease is ${lease.leaseMs} ms`
        : null;
    },
  },
  lostRunsAreReplacedInTime: {
    sentence:
      "What is lost is accepted elsewhere within its lease and 4 s, where another worker lives. Rule 8.",
    holds: ({ ledger, entry, surroundings }) => {
      const { event } = entry;
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) return null;
      const asked = ledger.commands.get(event.data.commandId)?.asked;
      const isMove = asked?.event.type === "StartRequested" &&
        asked.event.data.cause === "restart-policy" && asked.before.context.nextStart === null;
      const lost = isMove ? lastLoss(ledger, asked) : null;
      if (!lost) return null;
      const heardAt = surroundings.heardAt(lost.workerId);
      if (
        heardAt === null ||
        surroundings.undisturbedSince(lost.workerId) > heardAt - SETTLED_AFTER_MS
      ) {
        return null;
      }
      const tookMs = entry.writtenAt - heardAt;
      return tookMs > lost.leaseMs + REPLACED_WITHIN_MS + MARGIN_MS
        ? `it took ${tookMs} ms, with leases of ${lost.leaseMs} ms`
        : null;
    },
  },
  timersFireSoon: {
    sentence:
      "What is due is done soon after, when a leader lives and nothing is disturbed. Traps 9.",
    holds: ({ ledger, entry, surroundings, haveClocksAgreed }) => {
      const dueAt = haveClocksAgreed ? dueOf(ledger, entry) : null;
      if (dueAt === null || entry.clockAt - dueAt <= TIMER_LATE_MS) return null;
      const dueVirtual = entry.writtenAt - (entry.clockAt - dueAt);
      return surroundings.undisturbedSince(null) <= dueVirtual - SETTLED_AFTER_MS
        ? `it came ${entry.clockAt - dueAt} ms late`
        : null;
    },
  },
};

interface Loss {
  workerId: string;
  leaseMs: number;
}

/** Whom an event of the leader gives up, and the lease of what is given up; null for other events. */
function lossOf({ event, before }: Entry): Loss | null {
  if (event.meta.requestedBy !== "leader") return null;
  const isLoss = event.type === "CommandForgotten" ||
    (event.type === "RuntimeObserved" && event.data.observation === "Lost");
  const leased = isLoss ? leasedPart(before) : null;
  return leased && "workerId" in event.data
    ? { workerId: event.data.workerId, leaseMs: leased.leaseMs }
    : null;
}

/** The loss that a move follows, with the longest lease of all that its worker had: it is given up as a whole. */
function lastLoss(ledger: Ledger, { before, event }: Entry): Loss | null {
  const history = ledger.histories.get(event.instanceId) ?? [];
  const entry = history[before.context.version - 1];
  const loss = entry && lossOf(entry);
  if (!loss) return null;
  let { leaseMs } = loss;
  for (const state of ledger.states.values()) {
    const leased = leasedPart(state);
    if (leased?.workerIds.includes(loss.workerId)) leaseMs = Math.max(leaseMs, leased.leaseMs);
  }
  // What was lost with it is leased there no more.
  for (let index = ledger.order.length - 1; index >= 0; index--) {
    const other = ledger.order[index]!;
    if (entry.writtenAt - other.writtenAt > REPLACED_WITHIN_MS) break;
    const same = lossOf(other);
    if (same?.workerId === loss.workerId) leaseMs = Math.max(leaseMs, same.leaseMs);
  }
  return { ...loss, leaseMs };
}

/** When an event was due, by the log's clock; null for what is not done by time. */
function dueOf(ledger: Ledger, { event, before }: Entry): number | null {
  const isStart = event.type === "StartRequested" || event.type === "RestartRequested";
  if (isStart && event.data.cause === "restart-policy") {
    return before.context.nextStart?.at ?? null;
  }
  if (event.type !== "CommandExpired") return null;
  return ledger.commands.get(event.data.commandId)?.acceptBy ?? null;
}
