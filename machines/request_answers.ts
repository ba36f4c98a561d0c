/** The answers to requests that begin nothing of their own: satisfied already, under way, or refused. */
import { newEvent } from "../events/instance_events.ts";
import { accept, type Deciding } from "./accept.ts";
import type { InstanceState } from "./lifecycle.ts";
import type { Decision, Rejection } from "./requests.ts";
import { allowedRequests, statusOf } from "./status.ts";

/** The state satisfies it; where it carries a key that is kept in the log. */
export function unchanged(state: InstanceState, request: string, given: Deciding): Decision {
  return given.keepsAnswer
    ? accept(state, [newEvent("RequestAnswered", { request, commandId: null })], given)
    : { kind: "unchanged" };
}

/** The command `commandId` of an earlier request does it already. */
export function joined(
  state: InstanceState,
  request: string,
  commandId: string,
  given: Deciding,
): Decision {
  if (!given.keepsAnswer) return { kind: "joined", commandId };
  return {
    ...accept(state, [newEvent("RequestAnswered", { request, commandId })], given),
    awaits: commandId,
  };
}

/** The status does not allow it. */
export function conflict(state: InstanceState, message: string): Decision {
  return rejected({
    code: "conflict",
    status: statusOf(state),
    allowed: allowedRequests(state),
    message,
  });
}

export function rejected(rejection: Rejection): Decision {
  return { kind: "rejected", rejection };
}
