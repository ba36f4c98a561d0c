/** What a mutation carries besides its body: how long to wait, `If-Match`, and the key that makes a retry safe. */
import type { AskOptions } from "../actors/system_port.ts";
import { canonicalJson, type Json } from "../events/json.ts";
import type { Parsed } from "../events/specification.ts";
import type { HttpContext, HttpServices } from "./options.ts";
import { Problem } from "./problem.ts";
import { duration, flag } from "./query.ts";
import { sha256Hex } from "./sha256.ts";

/** Query parameters of requests that send a command. */
export const waitingQuery = {
  wait: flag.optional().meta({
    description: "`false`: answer (202) as soon as it is in the log, without waiting for a worker.",
  }),
  timeout: duration.optional().meta({
    description: "How long to wait for the worker's answer, up to 1h: milliseconds, or a number " +
      "with ms, s, m or h.",
  }),
  dryRun: flag.optional().meta({
    description: "`true`: answer with what would be written, and write nothing.",
  }),
};

/** Query parameters of requests that are over when they are in the log. */
export const dryRunQuery = { dryRun: waitingQuery.dryRun };

interface Waiting {
  wait?: boolean | undefined;
  timeout?: number | undefined;
  dryRun?: boolean | undefined;
}

/** The headers that make a mutation conditional and repeatable. */
export interface MutationHeaders {
  ifMatch: number | undefined;
  idempotencyKey: string | undefined;
}

const KEY = /^[\x21-\x7e]{1,255}$/;
const ETAGS = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*$/;

/** Reads `Idempotency-Key` and `If-Match`; faults name the header. */
export function readMutationHeaders(context: HttpContext): Parsed<MutationHeaders> {
  const faults = [];
  const key = context.req.header("idempotency-key");
  if (key !== undefined && !KEY.test(key)) {
    faults.push({ path: "Idempotency-Key", message: "must be 1 to 255 visible ASCII characters" });
  }
  const match = context.req.header("if-match")?.trim();
  const version = match === undefined || match === "*" ? undefined : versionOf(match);
  if (version === null) {
    faults.push({
      path: "If-Match",
      message: 'must be * or one entity tag as an answer\'s ETag has it, as in "7"',
    });
  }
  return faults.length > 0
    ? { ok: false, faults }
    : { ok: true, value: { ifMatch: version ?? undefined, idempotencyKey: key } };
}

/** The version that a tag names; −1, which no instance has, for tags that are not of this API; null: malformed. */
function versionOf(match: string): number | null {
  const ours = /^"(\d{1,15})"$/.exec(match);
  if (ours) return Number(ours[1]);
  if (!ETAGS.test(match)) return null;
  return match.includes(",") ? null : -1;
}

/**
 * The options of an ask. `fingerprint` is what a repetition with the same key must have in common with the first
 * request: its body, and those query parameters that change what is asked for.
 */
export async function askOptions(
  context: HttpContext,
  services: HttpServices,
  waiting: Waiting,
  headers: MutationHeaders,
  fingerprint: { body: Json; query: Json },
): Promise<AskOptions> {
  const wait = waiting.wait ?? true;
  const isDryRun = waiting.dryRun ?? false;
  const timeoutMs = wait ? waiting.timeout ?? services.defaultTimeoutMs : services.queueTimeoutMs;
  const { ifMatch, idempotencyKey } = headers;
  return {
    timeoutMs,
    wait,
    requestedBy: context.get("caller"),
    correlationId: context.get("correlationId"),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(isDryRun ? { dryRun: true } : {}),
    ...(idempotencyKey === undefined || isDryRun
      ? {}
      : { idempotency: await idempotency(context, idempotencyKey, fingerprint) }),
  };
}

/** The key is the client's; callers, methods and paths do not share theirs. Design §4 rule 11. */
async function idempotency(
  context: HttpContext,
  key: string,
  fingerprint: { body: Json; query: Json },
): Promise<{ key: string; digest: string }> {
  const scope = canonicalJson([context.get("caller"), context.req.method, context.req.path, key]);
  return {
    key: await sha256Hex(scope),
    digest: await sha256Hex(canonicalJson(fingerprint)),
  };
}

/**
 * The body of a request that takes none.
 * @throws {Problem} 400 when there is more than an empty object
 */
export function expectNoBody(body: Json | undefined): void {
  if (body === undefined || canonicalJson(body) === "{}") return;
  throw new Problem("invalid", {
    detail: "This request takes no body.",
    hint: "Send no body; only start takes one.",
  });
}
