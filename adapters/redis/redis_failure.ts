/** What Redis does wrong, told as operational errors: each with one meaning and one thing to do. `traps.md` §2 (26-28). */
import { OperationalError, reasonOf } from "../../events/errors.ts";

/** Answers by which Redis says that it did nothing, by the first word of its error. */
const NOT_DONE: Readonly<Record<string, { code: string; message: string; hint: string }>> = {
  OOM: {
    code: "redis_out_of_memory",
    message: "Redis has no memory left, so nothing new can be written.",
    hint:
      "Give Redis more memory (maxmemory), or free some; work that was begun can still be finished.",
  },
  READONLY: {
    code: "redis_read_only",
    message: "The Redis that was asked is a replica, or became one.",
    hint: "A failover may be under way: ask again in a moment.",
  },
  LOADING: {
    code: "log_unavailable",
    message: "Redis is loading its data.",
    hint: "Ask again in a moment.",
  },
  MASTERDOWN: {
    code: "log_unavailable",
    message: "Redis has lost its master.",
    hint: "A failover may be under way: ask again in a moment.",
  },
  NOREPLICAS: {
    code: "log_unavailable",
    message: "Redis has not the replicas that it must have to write.",
    hint: "See min-replicas-to-write and the replicas' state.",
  },
  CLUSTERDOWN: {
    code: "log_unavailable",
    message: "The Redis cluster is down.",
    hint: "See CLUSTER INFO; ask again when it is up.",
  },
  TRYAGAIN: {
    code: "log_unavailable",
    message: "The Redis cluster is moving its slots.",
    hint: "Ask again in a moment.",
  },
  BUSY: {
    code: "redis_busy",
    message: "Redis is busy with a long script.",
    hint: "Ask again in a moment; SCRIPT KILL or FUNCTION KILL ends it.",
  },
  MISCONF: {
    code: "log_unavailable",
    message: "Redis refuses to write, since it cannot save its data.",
    hint: "See Redis' log: its disk may be full.",
  },
  UNBLOCKED: {
    code: "log_unavailable",
    message: "Redis changed its role.",
    hint: "Ask again in a moment.",
  },
};

/** A right that is missing: told by Redis itself, or from within a function, where it has another wording. */
const REFUSED =
  /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR Client sent AUTH|ERR The user executing the script can't)/;

/** Whether Redis answered with an error of its own; anything else is the connection's fault. */
export function isAnswered(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

/** Whether Redis has no such function: nothing was done. */
export function isFunctionMissing(error: unknown): boolean {
  return isAnswered(error) && (error as Error).message.includes("Function not found");
}

/** Whether the call was never sent: the connection was not there. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/** The error for what is away: nothing was done. */
export function unavailable(reason: string): OperationalError {
  return new OperationalError(
    "log_unavailable",
    `The log cannot be reached: ${reason}.`,
    true,
    "Ask again in a moment; what runs goes on meanwhile. See that Redis runs and can be reached.",
  );
}

/**
 * The failure of a call to Redis. `isWrite`: it may have been done although its answer is lost.
 * What is not Redis' or the network's fault is given back as it is.
 */
export function failureOf(error: unknown, isWrite: boolean): unknown {
  if (error instanceof OperationalError) return error;
  if (isAnswered(error)) return answeredFailure(error as Error);
  if (isUnsent(error)) return unavailable("Redis is not connected");
  if (!(error instanceof Error)) return error;
  if (!isWrite) return unavailable(reasonOf(error));
  return new OperationalError(
    "log_indeterminate",
    `The log did not answer (${reasonOf(error)}): it is not known whether it was written.`,
    true,
    "Ask again with the same Idempotency-Key, or look at the instance's events.",
    { cause: error },
  );
}

function answeredFailure(error: Error): unknown {
  const known = NOT_DONE[error.message.split(" ", 1)[0] ?? ""];
  if (known) return new OperationalError(known.code, known.message, true, known.hint);
  if (isFunctionMissing(error)) return unavailable("Redis has lost its functions again");
  if (REFUSED.test(error.message)) {
    return new OperationalError(
      "redis_refused",
      `Redis refuses this program: ${error.message}`,
      false,
      "Check the user name, the password and the ACL of REDIS_URL; docs/security.md has the ACL that is needed.",
    );
  }
  return error;
}
