/** An example of each problem, as the API says it: what a reader of the document sees of it. */
import { KINDS, type ProblemCode } from "../problem.ts";

/** What is special in an example; the rest is the same for all of its kind. */
interface Told {
  detail: string;
  hint: string;
  [member: string]: unknown;
}

const ID = "inst-1b2c3d";
const AT = "2026-01-31T12:00:00.000Z";
const POSITION = "12-0";
const TIMED_OUT = "Operation timed out";
const LOOK_AT_WORKERS =
  "GET /api/workers shows the workers; start one for this platform, with the labels that are asked for, and repeat it.";
const COME_AGAIN = "Repeat it after the time in Retry-After.";
const REDIS = "Mend Redis; requests are served again by themselves.";

const ofRequests = {
  invalid: {
    detail: "serverConfiguration.port: must be a whole number from 1 to 65535",
    hint: "Correct what `faults` names; `path` says where, `?` marks a query parameter.",
    faults: [
      { path: "serverConfiguration.port", message: "must be a whole number from 1 to 65535" },
    ],
  },
  malformed_json: {
    detail:
      'The body is not JSON: expected a value, but found "}" at position 9 (line 1, column 10).',
    hint: "Send one JSON value in UTF-8.",
    position: 9,
    line: 1,
    column: 10,
  },
  patch_failed: {
    detail:
      "Operation 0 of the patch, remove '/queries/0', cannot be done: there is no value. Nothing was changed.",
    hint: "GET the configuration again, and make the patch for what it is now.",
    operation: { index: 0, op: "remove", path: "/queries/0" },
  },
  patch_test_failed: {
    detail:
      "Operation 0 of the patch, test '/port', cannot be done: the value is another one. Nothing was changed.",
    hint: "GET the configuration again, and make the patch for what it is now.",
    operation: { index: 0, op: "test", path: "/port" },
  },
  unauthorized: {
    detail: "The request carries no bearer token.",
    hint: "Send 'Authorization: Bearer <token>' with a token of this control plane.",
  },
  forbidden: {
    detail: "This takes the role admin; the token 'ci' has the role operator.",
    hint: "Use a token of the role admin: whoever keeps the tokens file can make one.",
    role: "operator",
    neededRole: "admin",
  },
  rate_limited: {
    detail: "There were more reads of this caller than there may be.",
    hint: COME_AGAIN,
  },
  host_refused: {
    detail: "The request is for the host 'example.com'.",
    hint: "Use localhost or 127.0.0.1; with a token the server answers to every name.",
  },
  origin_refused: {
    detail: "The request comes from a page of another web site.",
    hint: "Ask from the same origin, or from a program that sends no Origin header.",
  },
  method_not_allowed: {
    detail: "/healthz does not know POST.",
    hint: "Use GET.",
    allow: ["HEAD", "GET"],
  },
  route_not_found: {
    detail: "There is no route /api/servers.",
    hint: "GET / lists the routes.",
  },
  body_too_slow: {
    detail: "The body did not arrive within 30000 ms.",
    hint: "Repeat the request.",
  },
  body_too_large: {
    detail: "The body has more than 1048576 bytes.",
    hint: "Send a smaller body; what is large belongs into files that the server reads.",
    bodyBytesMax: 1_048_576,
  },
  batch_too_large: {
    detail: "The request is larger than what the log takes in one step.",
    hint: "Make the configuration smaller.",
  },
  unsupported_media_type: {
    detail: "The body's content type is 'text/plain'.",
    hint: "Send JSON in UTF-8, not compressed, with 'Content-Type: application/json'.",
  },
  key_reused: {
    detail: "The Idempotency-Key 'k-1' was used before for a request with another body.",
    hint: "Use a new key for a new request; repeat a request with exactly its first body.",
  },
} satisfies Partial<Record<ProblemCode, Told>>;

const ofInstances = {
  not_found: {
    detail: `There is no instance '${ID}'.`,
    hint: "GET /api/server/instances lists the instances there are.",
  },
  version_not_found: {
    detail: `Instance '${ID}' has come to version 4, at ${AT}.`,
    hint: `GET /api/server/instances/${ID}/wait?atLeastVersion=9 waits for it.`,
    version: 4,
    at: AT,
  },
  revision_not_found: {
    detail: `Instance '${ID}' has no revision 9; its newest is 3.`,
    hint: `GET /api/configuration/instances/${ID}/revisions lists those that there are.`,
    newestRevision: 3,
  },
  worker_not_found: {
    detail: "There is no worker 'worker-9'.",
    hint: "GET /api/workers lists the workers that have registered and were not forgotten.",
  },
  conflict: {
    detail: "It runs.",
    hint: "The instance is Running; allowed now: stop, restart, configure, delete.",
    instanceStatus: "Running",
    allowed: ["stop", "restart", "configure", "delete"],
  },
  plan_changed: {
    detail: "The fleet, or the file, is not as it was when the plan was made; nothing was done.",
    hint: "POST /api/fleet/diff shows the present plan; repeat with its `plan`.",
    plan: "9f2c".repeat(16),
  },
  already_exists: {
    detail: `Instance '${ID}' exists already.`,
    hint: `GET /api/server/instances/${ID} shows it.`,
  },
  cancelled: {
    detail: "A stop took its place.",
    hint: `GET /api/server/instances/${ID} shows what the instance is now.`,
  },
  worker_alive: {
    detail: "Worker 'worker-1' is still heard.",
    hint: "Stop it first, or drain it.",
  },
  deleted: {
    detail: `Instance '${ID}' was deleted at ${AT} by anonymous.`,
    hint: `GET /api/server/instances/${ID}/events shows its history.`,
    deletedAt: AT,
    deletedBy: "anonymous",
    version: 9,
  },
  log_truncated: {
    detail: `The events of instance '${ID}' below version 3 were cut.`,
    hint: `GET /api/server/instances/${ID}/events shows those that there are.`,
    firstVersion: 3,
  },
  stale_version: {
    detail: "If-Match names version 7; the instance is at 9.",
    hint: "GET the instance again, look at what changed, and repeat with its ETag.",
    expected: 7,
    actual: 9,
  },
  busy: { detail: "Too many requests wait for this instance.", hint: COME_AGAIN },
} satisfies Partial<Record<ProblemCode, Told>>;

const ofFailures = {
  internal_error: {
    detail: "Something went wrong inside the control plane; it was reported.",
    hint: "GET the instance to see whether it was done, and report the trace id req-1b2c3d.",
  },
  outcome_unknown: {
    detail: "A worker is at it; how it ends will be in the log.",
    error: TIMED_OUT,
    hint: `GET /api/server/instances/${ID} shows how it ended, once it has.`,
    instanceId: ID,
    commandId: "cmd-7a8b9c",
    position: POSITION,
  },
  no_worker: {
    detail: "No worker for this platform and site is running.",
    error: TIMED_OUT,
    hint: LOOK_AT_WORKERS,
  },
  workers_busy: {
    detail: "There are workers, but none took the command within its time.",
    error: TIMED_OUT,
    hint: "Repeat it with a longer ?timeout= or with ?wait=false.",
  },
  workers_unreachable: {
    detail: "The workers that could do it have not been heard of.",
    error: TIMED_OUT,
    hint: LOOK_AT_WORKERS,
  },
  not_released: {
    detail: "The stop before it did not end in time.",
    error: TIMED_OUT,
    hint: "Repeat it with a longer ?timeout= or with ?wait=false.",
  },
  worker_failure: {
    detail: "Configuration is invalid: host: must be an IPv4 address or localhost",
    code: "configuration_invalid",
    hint: `Correct the configuration (GET /api/server/instances/${ID} shows it).`,
  },
  operation_failed: {
    detail: "The log cannot be read: an entry of it is damaged.",
    code: "log_damaged",
    hint: "Restore the log from a copy.",
  },
  behind: { detail: "This node has come to 11-0, and not to 12-0.", hint: COME_AGAIN },
  log_indeterminate: {
    detail: "It is not known whether it was done. Redis did not answer.",
    hint: "Look before you ask again; a request with an Idempotency-Key can be repeated as it is.",
    outcome: "unknown",
  },
  log_unavailable: { detail: "Redis does not answer.", hint: COME_AGAIN },
  not_ready: {
    detail: "The node is not ready: Redis does not answer.",
    hint: "Wait for it, or send requests to another node.",
    ready: false,
    reasons: ["Redis does not answer"],
    durability: "process",
    position: POSITION,
    instances: 1,
    commandsInFlight: 0,
    incidents: [],
    version: "0.1.0",
  },
  log_unwritable: { detail: "The disk is full.", hint: "Make room, and repeat the request." },
  log_from_newer_version: {
    detail: "The log was written by a newer release.",
    hint: "Send the request to a node of that release, or update this one.",
  },
  recovering: { detail: "This node is reading the log anew.", hint: COME_AGAIN },
  redis_busy: { detail: "Redis is busy with a script.", hint: REDIS },
  redis_out_of_memory: { detail: "Redis has no memory left.", hint: REDIS },
  redis_read_only: { detail: "Redis is a replica, and takes no writes.", hint: REDIS },
  release_mixed: {
    detail: "A node of an older release runs beside this one, and could not read it.",
    hint: "Update every node, then repeat it.",
  },
  site_unreachable: {
    detail: "No worker of the site 'site-1' answers.",
    hint: "Start its worker, or look whether it runs: GET /api/workers.",
  },
  unavailable: {
    detail: "The leader has changed meanwhile.",
    code: "not_leader",
    hint: COME_AGAIN,
  },
} satisfies Partial<Record<ProblemCode, Told>>;

const TOLD: Partial<Record<ProblemCode, Told>> = { ...ofRequests, ...ofInstances, ...ofFailures };

/** Examples in the form of OpenAPI, by code. */
export function problemExamples(): Record<string, { summary: string; value: unknown }> {
  return Object.fromEntries(
    (Object.keys(KINDS) as ProblemCode[]).map((kind) => [kind, {
      summary: KINDS[kind].title,
      value: exampleOf(kind),
    }]),
  );
}

function exampleOf(kind: ProblemCode): unknown {
  const { status, title, retryable } = KINDS[kind];
  const { detail, hint, error = detail, code = kind, ...extra } = TOLD[kind] ??
    { detail: `${title}.`, hint: "" };
  return {
    type: `urn:draas:problem:${code}`,
    title,
    status,
    detail,
    error,
    code,
    retryable,
    hint,
    traceId: "req-1b2c3d",
    ...extra,
  };
}
