/**
 * Holds what clients are told against the ledger, as it comes: whether each instance is linearizable, in O(n). Its
 * versions are the one order; no search is needed. What was written before an answer is in the ledger by then.
 */
import type { Deciding } from "../../machines/accept.ts";
import { decide } from "../../machines/decide.ts";
import { initialState } from "../../machines/evolve.ts";
import { endedCommandId } from "../../machines/reports.ts";
import { statusOf } from "../../machines/status.ts";
import type { Position } from "../../events/envelope.ts";
import type { Violation } from "../simulation/run_result.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { Operation, Read } from "./operations.ts";
import { READ_RULES } from "./read_rules.ts";
import { firstBroken, type Rules } from "./rule.ts";

/** What is known when an answer comes. */
export interface Told {
  ledger: Ledger;
  operation: Operation;
  /** The newest version that anybody had been told of the instance before this was asked, and that is not lost. */
  floor: number;
  /** What the request itself wrote, as far as it is in the log. */
  own: readonly Entry[];
  /** What was told under the same key before. */
  kept: Kept | null;
}

/** The answer that a key has. */
export interface Kept {
  digest: string;
  entry: Entry;
}

/** Asked of each answer. */
export const ANSWER_RULES: Rules<[Told]> = {
  acknowledgedIsInTheLog: {
    sentence:
      "What a client was told is in the log where it was said to be, but for what a rollback has taken since it was asked. Promise 1, traps 3.",
    holds: ({ ledger, operation }) => {
      const place = placeTold(operation);
      if (!place) return null;
      const entry = ledger.findOf(place.instanceId, place.position);
      if (!entry) return `it was told of ${place.position}, which is not in the log`;
      const { event } = entry;
      if (event.instanceId !== place.instanceId) {
        return `it was told of ${place.position}, which is about ${event.instanceId}`;
      }
      const { outcome } = operation;
      if (
        outcome?.kind === "accepted" && outcome.commandId !== null && entry.lostAt === null &&
        !ledger.commands.has(outcome.commandId)
      ) return `its command ${outcome.commandId} is not in the log`;
      const { version, eventType } = { version: null, eventType: null, ...place };
      if (version !== null && version !== event.version) {
        return `it was told of version ${version} at ${place.position}, which is version ${event.version}`;
      }
      return eventType !== null && eventType !== event.type
        ? `it was told of ${eventType} at ${place.position}, which is ${event.type}`
        : null;
    },
  },
  nothingStandsOnWhatWasLost: {
    sentence:
      "Nobody is told of what a rollback had taken before they asked. Design §5 (`HISTORY_ROLLBACK`).",
    holds: ({ ledger, operation }) => {
      const place = placeTold(operation);
      const lostAt = place && ledger.findOf(place.instanceId, place.position)?.lostAt;
      return typeof lostAt === "number" && lostAt < operation.invokedAt
        ? `it was told of ${place!.position}, which had been lost ${
          operation.invokedAt - lostAt
        } ms before it was asked`
        : null;
    },
  },
  answersAreNotOld: {
    sentence:
      "An answer stands on nothing older than what anybody had been told before it was asked. Traps 14.",
    holds: ({ operation, floor, own, ledger }) => {
      const place = placeTold(operation);
      if (own[0] && own[0].event.version <= floor) {
        return `its effect is version ${
          own[0].event.version
        }, and ${floor} had been told before it was asked`;
      }
      if (!place || operation.idempotency) return null;
      const version = ledger.findOf(place.instanceId, place.position)?.event.version ?? floor;
      return version < floor
        ? `it was told of version ${version}, and ${floor} had been told before it was asked`
        : null;
    },
  },
  effectsFollowTheirRequests: {
    sentence: "A request has its effect after it was asked. Traps 3, 4.",
    holds: ({ operation, own }) =>
      own[0] && own[0].writtenAt < operation.invokedAt
        ? `its effect at ${own[0].event.position} was there before it was asked`
        : null,
  },
  refusedHasNoEffect: {
    sentence: "A request that was refused has changed nothing. Design §4, traps 15.",
    holds: ({ operation, own }) =>
      operation.outcome?.kind === "rejected" && own[0]
        ? `it was refused (${operation.outcome.code}), and yet it is in the log at ${
          own[0].event.position
        }`
        : null,
  },
  effectsAreWhatIsDecided: {
    sentence:
      "What a request wrote is what the lifecycle decides in the state before it. Promise 3.",
    holds: ({ operation, own }) => {
      const [first] = own;
      if (!first) return null;
      const decision = decide(first.before, operation.request, decidingOn(operation));
      const expected = decision.kind === "accepted" ? decision.events.map(({ type }) => type) : [];
      const actual = own.map(({ event }) => event.type);
      return expected.join() === actual.join()
        ? null
        : `it wrote ${actual.join(", ")}, where the lifecycle says ${
          expected.join(", ") || decision.kind
        }`;
    },
  },
  answersAreWhatIsDecided: {
    sentence:
      "An answer that wrote nothing is what the lifecycle says in the state that it names. Promise 3, traps 3.",
    holds: ({ ledger, operation, own }) => {
      const { outcome } = operation;
      const place = outcome?.kind === "unchanged"
        ? outcome
        : outcome?.kind === "rejected"
        ? outcome.read
        : null;
      if (!outcome || !place || own.length > 0 || NOT_OF_THE_STATE.includes(codeOf(outcome))) {
        return null;
      }
      const state = ledger.findOf(place.instanceId, place.position)?.state ??
        initialState(place.instanceId);
      const decision = decide(state, operation.request, decidingOn(operation));
      const expected = decision.kind === "rejected" ? decision.rejection.code : decision.kind;
      // An unchanged state with a key is a kept answer, and so a fact.
      return expected === codeOf(outcome)
        ? null
        : `it was told ${codeOf(outcome)} of version ${place.version} (${
          statusOf(state)
        }), where the lifecycle says ${expected}`;
    },
  },
  nothingKnownIsDenied: {
    sentence:
      "An instance that anybody had been told of is not unknown to whoever asks later. Traps 14.",
    holds: ({ operation, floor }) =>
      operation.outcome?.kind === "rejected" && operation.outcome.code === "not_found" && floor > 0
        ? `it was told that there is none, and version ${floor} had been told before`
        : null,
  },
  namesAreNotUnique: {
    sentence: "A create is never refused for its name: names are for people. Rule 14.",
    holds: ({ operation: { request, idempotency, outcome } }) =>
      request.type === "create" && !idempotency && outcome?.kind === "rejected" &&
        (outcome.code === "already_exists" || outcome.code === "conflict")
        ? `a new instance was refused with ${outcome.code}`
        : null,
  },
  answersAreTheirOwn: {
    sentence:
      "The end that a client is told is that of the command it asked for or joined, and not from before it asked. Promises 8, 9.",
    holds: ({ ledger, operation, own }) => {
      const { outcome, request } = operation;
      const entry = outcome?.kind === "fact" || outcome?.kind === "failed"
        ? ledger.find(outcome.position)
        : undefined;
      if (!entry || operation.idempotency && own.length === 0) return null;
      if (own.includes(entry) || entry.lostAt !== null) return null;
      const ended = endedCommandId(entry.event);
      if (ended === null) return `it was told of ${entry.event.type}, which it did not write`;
      const asked = own.flatMap(({ event }) =>
        endedCommandId(event) === null && "commandId" in event.data ? [event.data.commandId] : []
      );
      if (asked.includes(ended)) return null;
      const command = ledger.commands.get(ended);
      if (command && command.kind !== request.type && own.length === 0) {
        return `its ${request.type} was answered by the end of a ${command.kind}`;
      }
      if (
        own.some(({ event }) =>
          event.type !== "RequestAnswered" && event.type !== "CommandCancelled"
        )
      ) {
        return `it asked for ${asked.join(", ")}, and was told of the end of ${ended}`;
      }
      return entry.writtenAt < operation.invokedAt && asked.length === 0
        ? `it was told of the end of ${ended}, which was before it asked`
        : null;
    },
  },
  keysAnswerTheSame: {
    sentence:
      "Whoever repeats a request under its key is told the same, and nothing else under it. Rule 11, traps 4.",
    holds: ({ ledger, operation, kept }) => {
      const { outcome, idempotency } = operation;
      if (!idempotency || !kept || kept.entry.lostAt !== null) return null;
      if (outcome?.kind !== "fact" && outcome?.kind !== "failed") return null;
      if (kept.digest !== idempotency.digest) {
        return `another request under the key ${idempotency.key} was answered`;
      }
      const entry = ledger.find(outcome.position);
      return entry && entry.lostAt === null && entry !== kept.entry
        ? `under the key ${idempotency.key} it was told of ${outcome.position}, and another one of ${kept.entry.event.position}`
        : null;
    },
  },
};

/** Answers that say nothing about the state. */
const NOT_OF_THE_STATE: readonly string[] = ["busy", "key_reused", "invalid"];

function codeOf(outcome: NonNullable<Operation["outcome"]>): string {
  return outcome.kind === "rejected" ? outcome.code : outcome.kind;
}

/** What a decision is given besides the state: none of it changes which events there are. */
function decidingOn({ requestId, idempotency, ifMatch, request }: Operation): Deciding {
  return {
    commandId: "model",
    correlationId: requestId,
    acceptWithinMs: 1,
    keepsAnswer: idempotency !== null && request.type !== "configure",
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
}

/** Where in the log an answer says that it stands. */
function placeTold({ outcome }: Operation):
  | { instanceId: string; position: Position; version?: number; eventType?: string }
  | null {
  switch (outcome?.kind) {
    case "fact":
    case "failed":
    case "unchanged":
    case "accepted":
      return outcome;
    case "rejected":
      return outcome.read;
    default:
      return null;
  }
}

/** Follows what is told, one thing after the other. */
export class Telling {
  /** By instance: the newest version that anybody was told of. */
  private readonly floors = new Map<string, number>();
  /** The floors of those that wait for an answer. */
  private readonly waiting = new Map<Operation, Map<string, number>>();
  /** By session and instance. */
  private readonly seen = new Map<string, Seen[]>();
  private readonly refused = new Set<string>();
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly ledger: Ledger) {}

  /** Those that nobody has answered. */
  get unanswered(): Operation[] {
    return [...this.waiting.keys()];
  }

  /** A request is asked. */
  asked(operation: Operation): Violation | null {
    const { instanceId, requestId } = operation;
    // Of a create nobody can have been told.
    const floors = new Map<string, number>();
    if (instanceId !== null) floors.set(instanceId, this.floors.get(instanceId) ?? 0);
    this.waiting.set(operation, floors);
    return this.ledger.effects.has(requestId)
      ? {
        invariant: "effectsFollowTheirRequests",
        found: `#${operation.number} has its effect, and was not asked`,
      }
      : null;
  }

  /** Its outcome is there. */
  told(operation: Operation): Violation | null {
    const { ledger } = this;
    const { outcome, idempotency, session, requestId } = operation;
    const floor = Math.max(0, ...this.waiting.get(operation)?.values() ?? []);
    this.waiting.delete(operation);
    if (!outcome) return null;
    const own = ledger.effects.get(requestId)?.entries ?? [];
    const kept = idempotency && this.kept.get(idempotency.key) || null;
    const broken = firstBroken(ANSWER_RULES, { ledger, operation, floor, own, kept });
    if (outcome.kind === "rejected") this.refused.add(requestId);
    const place = placeTold(operation);
    const entry = place && ledger.findOf(place.instanceId, place.position);
    if (entry && entry.lostAt === null) {
      const { instanceId, version } = entry.event;
      raise(this.floors, instanceId, version);
      this.saw(session, instanceId, { at: operation.returnedAt ?? Infinity, version });
      if (idempotency && (outcome.kind === "fact" || outcome.kind === "failed")) {
        const { key, digest } = idempotency;
        if (!kept || kept.entry.lostAt !== null) this.kept.set(key, { digest, entry });
      }
    }
    return broken && {
      ...broken,
      found: `#${operation.number} ${operation.request.type}: ${broken.found}`,
    };
  }

  /** Something was read. */
  read(read: Read): Violation | null {
    const { session, instanceId, version, returnedAt: at } = read;
    const known = this.seen.get(`${session} ${instanceId}`)?.findLast((one) =>
      one.at < read.askedAt
    );
    const broken = firstBroken(READ_RULES, this.ledger, read, known?.version ?? 0);
    if (this.ledger.findOf(instanceId, read.position)?.lostAt === null) {
      this.saw(session, instanceId, { at, version });
    }
    return broken && { ...broken, found: `${session}: ${broken.found}` };
  }

  /** An event came into the log: of a request that was refused before? */
  wrote(requestId: string | null): Violation | null {
    return requestId !== null && this.refused.has(requestId)
      ? { invariant: "refusedHasNoEffect", found: `${requestId} was refused, and then done` }
      : null;
  }

  /** After a rollback nobody can be held to what was told of what is gone: what is left of it counts. */
  rolledBack(): void {
    const { ledger } = this;
    for (const floors of [this.floors, ...this.waiting.values()]) {
      for (const [instanceId, version] of floors) {
        floors.set(instanceId, Math.min(version, ledger.versionOf(instanceId)));
      }
    }
    for (const [key, seen] of this.seen) {
      const version = ledger.versionOf(key.slice(key.lastIndexOf(" ") + 1));
      for (const one of seen) one.version = Math.min(one.version, version);
    }
  }

  /** Keeps the newest version that a session knows, and since when. */
  private saw(session: string, instanceId: string, told: Seen): void {
    const key = `${session} ${instanceId}`;
    const seen = this.seen.get(key);
    if (!seen) this.seen.set(key, [told]);
    else if (told.version > seen.at(-1)!.version) seen.push(told);
  }
}

/** What a session knows since when. */
interface Seen {
  at: number;
  version: number;
}

function raise(versions: Map<string, number>, instanceId: string, version: number): void {
  if (version > (versions.get(instanceId) ?? 0)) versions.set(instanceId, version);
}
