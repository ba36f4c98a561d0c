/** What a node answers when it cannot serve now: each says that nothing was done, and whether to come back. */
import type { Position } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";

/** The log cannot be asked. */
export function unavailable(reason: string): OperationalError {
  return new OperationalError(
    "log_unavailable",
    `The log cannot be asked now: ${reason}.`,
    true,
    "Nothing was done. Ask again in a moment; what runs goes on running.",
  );
}

/** The table is not the fleet yet, or not any more. */
export function recovering(): OperationalError {
  return new OperationalError(
    "recovering",
    "This node folds the log; what it knows of the fleet is not complete yet.",
    true,
    "Ask again in a moment, or ask another node.",
  );
}

/** The log holds what this release cannot read: it must not decide on what it knows. Design §3. */
export function readsOnly(cause: OperationalError): OperationalError {
  return new OperationalError(
    cause.code,
    `This node only reads: ${cause.message}`,
    true,
    "Ask a node of the newer release, and end this one.",
    { cause },
  );
}

/** A read demands more than is folded here. */
export function behind(folded: Position, demanded: Position): OperationalError {
  return new OperationalError(
    "behind",
    `This node has come to ${folded}; ${demanded} was asked for.`,
    true,
    "Ask again in a moment, or ask the node that gave this position.",
  );
}

/** The newest events of an instance could not be read. */
export function behindInstance(instanceId: string): OperationalError {
  return new OperationalError(
    "behind",
    `This node has not folded the newest events of ${instanceId} yet.`,
    true,
    "Ask again in a moment.",
  );
}

/** A leader's turn after its lease is over. */
export function notLeader(): OperationalError {
  return new OperationalError(
    "not_leader",
    "This node leads no more.",
    true,
    "Another node goes on with it.",
  );
}

/** The node is about to end. */
export function shuttingDown(): OperationalError {
  return new OperationalError(
    "shutting_down",
    "This node is shutting down.",
    true,
    "Ask again in a moment.",
  );
}
