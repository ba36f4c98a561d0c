/** The only place where errors and rejections become HTTP statuses: `application/problem+json`, RFC 9457. Design §6. */
import type { SystemStatus } from "../actors/system_port.ts";
import type { CommandFailure } from "../machines/command_end.ts";
import { describeFaults, type Fault } from "../events/configuration.ts";
import { OperationalError } from "../events/errors.ts";
import type { JsonObject } from "../events/json.ts";
import type { Rejection } from "../machines/requests.ts";
import { isoTime } from "./iso_time.ts";

interface Kind {
  status: number;
  title: string;
  retryable: boolean;
}

const kind = (status: number, title: string, retryable = false): Kind => ({
  status,
  title,
  retryable,
});

/** Every code that the API itself gives; a worker's own codes come as `worker_failure` with their own name. */
export const KINDS = {
  invalid: kind(400, "The request is not valid"),
  malformed_json: kind(400, "The body is not JSON"),
  patch_failed: kind(400, "The patch cannot be applied"),
  unauthorized: kind(401, "A token is needed"),
  forbidden: kind(403, "Another role is needed"),
  host_refused: kind(403, "This host name is not answered to"),
  origin_refused: kind(403, "Requests from other web sites are refused"),
  not_found: kind(404, "There is no such instance"),
  version_not_found: kind(404, "The instance has no such version"),
  revision_not_found: kind(404, "There is no such revision"),
  worker_not_found: kind(404, "There is no such worker"),
  route_not_found: kind(404, "There is no such route"),
  method_not_allowed: kind(405, "The route does not know this method"),
  body_too_slow: kind(408, "The body did not arrive in time", true),
  conflict: kind(409, "The instance's state does not allow it"),
  already_exists: kind(409, "The instance exists already"),
  cancelled: kind(409, "Another request took its place"),
  patch_test_failed: kind(409, "A test of the patch failed"),
  worker_alive: kind(409, "The worker is still heard"),
  deleted: kind(410, "The instance was deleted"),
  log_truncated: kind(410, "The log was cut before this position"),
  stale_version: kind(412, "The instance has changed meanwhile"),
  plan_changed: kind(412, "The plan is another one by now"),
  body_too_large: kind(413, "The body is too large"),
  batch_too_large: kind(413, "The request is too large"),
  unsupported_media_type: kind(415, "The body must be JSON"),
  key_reused: kind(422, "The idempotency key belongs to another request"),
  busy: kind(429, "Too many requests at once", true),
  rate_limited: kind(429, "Too many requests", true),
  internal_error: kind(500, "Something went wrong inside"),
  outcome_unknown: kind(500, "The outcome is not known yet", true),
  no_worker: kind(500, "No worker took the command", true),
  workers_busy: kind(500, "No worker took the command", true),
  workers_unreachable: kind(500, "No worker took the command", true),
  not_released: kind(500, "The stop before it did not end in time", true),
  worker_failure: kind(500, "The command failed"),
  operation_failed: kind(500, "The operation failed"),
  behind: kind(503, "This node has not come that far", true),
  log_indeterminate: kind(503, "Whether it was done is not known"),
  log_unavailable: kind(503, "The log is away", true),
  not_ready: kind(503, "The node is not ready", true),
  log_unwritable: kind(503, "The log cannot be written now", true),
  log_from_newer_version: kind(503, "This node only reads", true),
  recovering: kind(503, "The node is not ready", true),
  redis_busy: kind(503, "The log cannot be written now", true),
  redis_out_of_memory: kind(503, "The log cannot be written now", true),
  redis_read_only: kind(503, "The log cannot be written now", true),
  release_mixed: kind(503, "Releases are mixed", true),
  site_unreachable: kind(503, "The instance's site does not answer", true),
  unavailable: kind(503, "Not available now", true),
} satisfies Record<string, Kind>;

/** The codes of the API's own problems. */
export type ProblemCode = keyof typeof KINDS;

/** What the predecessor's clients look for when nobody took the command. `phase-2.5.md`, scenario 3. */
const TIMED_OUT = "Operation timed out";
const RETRY_AFTER_MS = 2_000;
const STREAM_RETRY_AFTER_MS = 5_000;

interface Details {
  detail: string;
  hint: string;
  /** The predecessor's field; `detail` when left out. */
  error?: string;
  /** Replaces the kind's own code and retryability: a worker's. */
  code?: string;
  retryable?: boolean;
  retryAfterMs?: number;
  headers?: Record<string, string>;
  /** Further members. */
  extra?: JsonObject;
}

/** A refusal on its way to the client; thrown by whoever finds it, answered in one place. */
export class Problem extends Error {
  override name = "Problem";
  readonly kind: Kind;
  /** Stable, for programs. */
  readonly code: string;

  constructor(code: ProblemCode, readonly details: Details) {
    super(details.detail);
    this.kind = KINDS[code];
    this.code = details.code ?? code;
  }

  /** What it tells, as JSON. */
  body(traceId: string): JsonObject {
    const { detail, error, hint, retryable, extra } = this.details;
    return {
      type: `urn:draas:problem:${this.code}`,
      title: this.kind.title,
      status: this.kind.status,
      detail,
      error: error ?? detail,
      code: this.code,
      retryable: retryable ?? this.kind.retryable,
      hint,
      traceId,
      ...extra,
    };
  }

  /** The answer itself. */
  response(traceId: string): Response {
    const { retryAfterMs, headers } = this.details;
    return new Response(JSON.stringify(this.body(traceId)), {
      status: this.kind.status,
      headers: {
        "content-type": "application/problem+json",
        ...(retryAfterMs === undefined
          ? {}
          : { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
        ...headers,
      },
    });
  }
}

/** A request with faults, all of them named. */
export function invalidRequest(all: readonly Fault[]): Problem {
  const faults = all.slice(0, FAULTS_TOLD_MAX).map(({ path, message }) => ({ path, message }));
  const more = all.length - faults.length;
  return new Problem("invalid", {
    detail: describeFaults(faults) + (more > 0 ? `; and ${more} more` : ""),
    hint: "Correct what `faults` names; `path` says where, `?` marks a query parameter.",
    extra: { faults },
  });
}

/** Beyond any body of a person: more would only be long. */
const FAULTS_TOLD_MAX = 100;

/** No instance of this id. */
export function instanceNotFound(instanceId: string): Problem {
  return problemOfRejection({ code: "not_found", instanceId });
}

/** The instance has been through more than the log still holds. */
export function historyTruncated(instanceId: string, before: number): Problem {
  return new Problem("log_truncated", {
    detail: `The events of instance '${instanceId}' below version ${before} were cut.`,
    hint: `GET /api/server/instances/${instanceId}/events shows those that there are.`,
    extra: { firstVersion: before },
  });
}

/** No worker of this id. */
export function workerNotFound(workerId: string): Problem {
  return new Problem("worker_not_found", {
    detail: `There is no worker '${workerId}'.`,
    hint: "GET /api/workers lists the workers that have registered and were not forgotten.",
  });
}

/** A request that was understood and refused. `idempotencyKey` is the client's own spelling of its key. */
export function problemOfRejection(rejection: Rejection, idempotencyKey?: string): Problem {
  switch (rejection.code) {
    case "not_found":
      return new Problem("not_found", {
        detail: `There is no instance '${rejection.instanceId}'.`,
        hint: "GET /api/server/instances lists the instances there are.",
      });
    case "already_exists":
      return new Problem("already_exists", {
        detail: `Instance '${rejection.instanceId}' exists already.`,
        hint: `GET /api/server/instances/${rejection.instanceId} shows it.`,
      });
    case "deleted":
      return problemOfDeleted(rejection);
    case "conflict":
      return new Problem("conflict", {
        detail: rejection.message,
        hint: rejection.allowed.length > 0
          ? `The instance is ${rejection.status}; allowed now: ${rejection.allowed.join(", ")}.`
          : `The instance is ${rejection.status}; nothing more can be asked of it.`,
        extra: { instanceStatus: rejection.status, allowed: rejection.allowed },
      });
    case "stale_version":
      return new Problem("stale_version", {
        detail:
          `If-Match names version ${rejection.expected}; the instance is at ${rejection.actual}.`,
        hint: "GET the instance again, look at what changed, and repeat with its ETag.",
        headers: { etag: `"${rejection.actual}"` },
        extra: { expected: rejection.expected, actual: rejection.actual },
      });
    case "key_reused":
      return new Problem("key_reused", {
        detail: `The Idempotency-Key ${
          idempotencyKey ? `'${idempotencyKey}' ` : ""
        }was used before for a request with another body.`,
        hint: "Use a new key for a new request; repeat a request with exactly its first body.",
      });
    case "busy":
      return new Problem("busy", {
        detail: "Too many requests wait for this instance.",
        hint: "Repeat it after the time in Retry-After.",
        retryAfterMs: rejection.retryAfterMs,
      });
    case "invalid":
      return invalidRequest(rejection.faults.map(inTheApisWords));
    default:
      throw new Error(`unknown rejection ${JSON.stringify(rejection satisfies never)}`);
  }
}

/** The log's `configuration` is the API's `serverConfiguration`. */
function inTheApisWords({ path, message }: Fault): Fault {
  return { path: path.replace(/^configuration(?=\.|$)/, "serverConfiguration"), message };
}

function problemOfDeleted(rejection: Rejection & { code: "deleted" }): Problem {
  const { instanceId, deletedBy, version } = rejection;
  const deletedAt = isoTime(rejection.deletedAt);
  return new Problem("deleted", {
    detail: `Instance '${instanceId}' was deleted at ${deletedAt} by ${deletedBy}.`,
    hint: `GET /api/server/instances/${instanceId}/events shows its history.`,
    extra: { deletedAt, deletedBy, version },
  });
}

/** What to do about failures of which the code says more than whether to retry. */
const FAILURE_HINTS: Readonly<Record<string, string>> = {
  port_in_use:
    "End what uses the port, or PATCH another one; a configuration without a port gets a free one.",
  binary_missing: "Install the program on the worker's host, or PATCH the configuration.",
  host_refused:
    "Ask the owner of the worker's host (its worker.yaml), or choose another host by workerLabels.",
  secret_missing: "Put the secret on the worker's host, and repeat the request.",
  secret_empty: "Put the secret on the worker's host, and repeat the request.",
  secret_unusable: "Mend the secret on the worker's host, and repeat the request.",
  limit_not_set:
    "Give the worker control groups of its own (docs/process-worker.md), place it elsewhere by workerLabels, or PATCH limits.",
  user_refused: "Have that worker's host allow the user, or PATCH the configuration.",
  disk_full: "Make room on the worker's host and repeat the request.",
};

/** A command that ended otherwise than asked: `phase-2.5.md`, scenarios 3 and 4. */
export function problemOfFailure(failure: CommandFailure, instanceId: string): Problem {
  const { code, message, retryable } = failure;
  const at = `/api/server/instances/${instanceId}`;
  switch (code) {
    case "no_worker":
    case "workers_busy":
    case "workers_unreachable":
    case "not_released":
      return new Problem(code, {
        detail: message,
        error: TIMED_OUT,
        hint: code === "workers_busy" || code === "not_released"
          ? "Repeat it with a longer ?timeout= or with ?wait=false."
          : "GET /api/workers shows the workers; start one for this platform, with the labels that are asked for, and repeat it.",
      });
    case "cancelled":
      return new Problem("cancelled", {
        detail: message,
        hint: `GET ${at} shows what the instance is now; GET ${at}/why who asked for what.`,
      });
    default:
      return new Problem("worker_failure", {
        detail: message,
        code,
        retryable,
        hint: FAILURE_HINTS[code] ??
          (retryable
            ? `GET ${at}/logs shows the server's last lines; the same request may succeed later.`
            : `Correct the configuration (GET ${at} shows it) or the start's own body, and repeat the request.`),
      });
  }
}

/** The caller's time is over, and a worker has the command. Design §1, promise 9. */
export function problemOfUnknown(instanceId: string, commandId: string, position: string): Problem {
  return new Problem("outcome_unknown", {
    detail: "A worker is at it; how it ends will be in the log.",
    error: TIMED_OUT,
    hint: `GET /api/server/instances/${instanceId} shows how it ended, once it has; ` +
      "the same request with the same Idempotency-Key fetches the answer.",
    extra: { instanceId, commandId, position },
  });
}

/** Each stream holds something for its client: there are only so many. */
export function tooManyStreams(streamsMax: number): Problem {
  return new Problem("busy", {
    detail: `There are ${streamsMax} such streams open, as many as there may be.`,
    hint: "Close one that is not needed, or repeat it after the time in Retry-After.",
    retryAfterMs: STREAM_RETRY_AFTER_MS,
  });
}

/** A node that lives and cannot serve now; with all that `/readyz` tells otherwise. */
export function problemOfUnready(status: SystemStatus, version: string): Problem {
  return new Problem("not_ready", {
    detail: `The node is not ready: ${status.reasons.join("; ")}.`,
    hint: "Wait for it, or send requests to another node.",
    retryAfterMs: RETRY_AFTER_MS,
    extra: { ...readinessOf(status), version },
  });
}

/** What `/readyz` tells, also of a node that is not ready. */
export function readinessOf(status: SystemStatus): JsonObject {
  const incidents = status.incidents.map(({ at, ...incident }) => ({
    ...incident,
    at: isoTime(at),
  }));
  return { ...status, incidents };
}

/** What a problem may say of the request that it answers. */
export interface RequestFacts {
  path: string;
  /** The client's own spelling. */
  idempotencyKey: string | undefined;
}

/** Whatever was thrown, as a problem; null when it is a bug. */
export function problemOfError(error: unknown, request?: RequestFacts): Problem | null {
  if (error instanceof Problem) return error;
  if (!(error instanceof OperationalError)) return null;
  const { code, message, hint, retryable } = error;
  const details: Details = { detail: message, hint, code, retryable };
  switch (code) {
    case "batch_too_large":
    case "log_truncated":
    case "worker_alive":
      return new Problem(code, details);
    case "log_indeterminate":
      return problemOfIndeterminate(message, request);
    case "behind":
    case "log_from_newer_version":
    case "log_unavailable":
    case "log_unwritable":
    case "recovering":
    case "redis_busy":
    case "redis_out_of_memory":
    case "redis_read_only":
    case "release_mixed":
    case "site_unreachable":
      return new Problem(code, { ...details, retryAfterMs: RETRY_AFTER_MS });
    default:
      return retryable
        ? new Problem("unavailable", { ...details, retryAfterMs: RETRY_AFTER_MS })
        : new Problem("operation_failed", details);
  }
}

/** The log's answer was lost and nobody could settle it: no claim either way. Design §1, promise 9. */
function problemOfIndeterminate(message: string, request?: RequestFacts): Problem {
  const instance = /^\/api\/\w+\/instances\/[^/]+/.exec(request?.path ?? "")?.[0];
  const look = `GET ${instance ?? "/api/server/instances"}`;
  const key = request?.idempotencyKey;
  return new Problem("log_indeterminate", {
    detail: `It is not known whether it was done. ${message}`,
    retryable: key !== undefined,
    hint: key === undefined
      ? `Look at ${look} before you ask again; a request with an Idempotency-Key can be repeated as it is.`
      : `Ask again with the same Idempotency-Key: it is done once, or its answer is given. Or look at ${look}.`,
    retryAfterMs: RETRY_AFTER_MS,
    extra: { outcome: "unknown" },
  });
}

/** An error that is ours: the client gets the trace id to report, and nothing of the inside. */
export function bugProblem(traceId: string): Problem {
  return new Problem("internal_error", {
    detail: "Something went wrong inside the control plane; it was reported.",
    hint: `GET the instance to see whether it was done, and report the trace id ${traceId}.`,
  });
}
