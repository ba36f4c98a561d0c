/** What clients saw: what they asked and were told, what they read. On one clock with the log's `writtenAt`. */
import type { AskOutcome } from "../../actors/system_port.ts";
import type { Position } from "../../events/envelope.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import type { InstanceRequest, InstanceStatus } from "../../machines/requests.ts";

/** One request of a client. */
export interface Operation {
  number: number;
  /** Whose it is: what one session is told never goes back. */
  session: string;
  /** Null for a create. */
  instanceId: string | null;
  request: InstanceRequest;
  /** Its `correlationId`, never used twice. */
  requestId: string;
  idempotency: { key: string; digest: string } | null;
  ifMatch?: number;
  invokedAt: number;
  /** Null while nobody has answered. */
  returnedAt: number | null;
  outcome: Outcome | null;
}

/** A place in an instance's history. */
export interface Place {
  instanceId: string;
  position: Position;
  version: number;
}

/** An answer, reduced to what can be held against the log. */
export type Outcome =
  /** It is in the log: the event that ended its command, or the fact itself. */
  | ({ kind: "fact"; eventType: string } & Place)
  /** Its command ended otherwise, by the event at this position. */
  | { kind: "failed"; instanceId: string; position: Position }
  /** The state satisfied it already. */
  | ({ kind: "unchanged" } & Place)
  /** It is in the log, and nobody waits for its end. */
  | ({ kind: "accepted"; commandId: string | null } & Place)
  /** `read` is what it was decided on; null where nothing was read, or nothing is there. */
  | { kind: "rejected"; code: string; read: Place | null }
  /** It may have been done, or not. */
  | { kind: "info"; code: string };

/** What a client read of one instance. */
export interface Read extends Place {
  session: string;
  askedAt: number;
  returnedAt: number;
  status: InstanceStatus;
  /** It demanded everything up to here. */
  atLeast: Position | null;
}

/** What an answer of the system claims about the log. An error of any kind is `info`. */
export function outcomeOf(outcome: AskOutcome): Outcome {
  switch (outcome.kind) {
    case "done":
      return outcome.event
        ? factOf(outcome.event)
        : { kind: "unchanged", ...placeOf(outcome.state) };
    case "failed":
      return {
        kind: "failed",
        instanceId: outcome.state.context.instanceId,
        position: outcome.position,
      };
    case "accepted":
      return { kind: "accepted", commandId: outcome.commandId, ...placeOf(outcome.state) };
    case "rejected":
      return {
        kind: "rejected",
        code: outcome.rejection.code,
        read: outcome.state && placeOf(outcome.state),
      };
    case "unknown":
    case "plan":
      return { kind: "info", code: outcome.kind };
  }
}

function factOf(event: { instanceId: string; position: Position; version: number; type: string }) {
  const { instanceId, position, version, type } = event;
  return { kind: "fact" as const, instanceId, position, version, eventType: type };
}

/** Where a state stands in its instance's history. */
export function placeOf({ context: { instanceId, position, version } }: InstanceState): Place {
  return { instanceId, position, version };
}
