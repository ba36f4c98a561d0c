/** Decides of each request who asks, how often they may, and whether they may do this. Design §1, promise 11. */
import { ANONYMOUS, type Role, ROLES } from "../../events/access_tokens.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { Problem } from "../problem.ts";
import { Buckets, networkOf } from "./rate_limits.ts";
import type { Holder, TokenBook } from "./token_book.ts";

/** What a route says of who may take it. */
export type Demand = Pick<Route, "method" | "role" | "forceRole">;

/** A token with fewer characters may be one that a person thought of, so that guessing could find it. */
const GUESSED_CHARACTERS_MAX = 31;
const REFUSALS_PER_SECOND = 1 / 3;
/** What was not told by whom it was sent. */
const NOWHERE = "nowhere";
const CHALLENGE = 'Bearer realm="draas"';

/** The least role for a route: what it says, else viewer to read and operator to change; `anyone` needs no token. */
export function leastRole({ method, role }: Demand): Role | "anyone" {
  return role ?? (method === "GET" ? "viewer" : "operator");
}

/** Stands before every route. */
export class Gate {
  private readonly reads: Buckets | null;
  private readonly changes: Buckets | null;
  private readonly refusals: Buckets;
  private readonly services: HttpServices;
  private readonly ofHolders = new WeakMap<Holder, HttpServices>();

  constructor(services: HttpServices) {
    this.services = services;
    const { clock, rates, limits } = services;
    const buckets = (perSecond = 0) =>
      perSecond === 0 ? null : new Buckets({ perSecond, burst: 2 * perSecond }, clock);
    this.reads = buckets(rates?.readsPerSecond);
    this.changes = buckets(rates?.changesPerSecond);
    const refusals = { perSecond: REFUSALS_PER_SECOND, burst: limits.refusalsMax };
    this.refusals = new Buckets(refusals, clock);
  }

  /**
   * Lets a request pass, and notes who asks; gives what its route is to work with, which ends with its caller's token.
   * @throws {Problem} 401, 403 `forbidden`, 429 `rate_limited`
   */
  admit(context: HttpContext, demand: Demand): HttpServices {
    const { tokens } = this.services;
    const least = leastRole(demand);
    context.set("caller", ANONYMOUS);
    if (least === "anyone") return this.services;
    if (tokens === null) {
      this.count(demand, () => addressOf(context));
      return this.services;
    }
    const holder = this.holderOf(context, tokens);
    this.count(demand, () => holder.name);
    const needed = isForced(context) ? demand.forceRole ?? least : least;
    if (ROLES.indexOf(holder.role) < ROLES.indexOf(needed)) {
      throw forbidden(holder, needed, needed !== least);
    }
    context.set("caller", holder.name);
    return this.servicesOf(holder);
  }

  private count({ method }: Demand, whose: () => string): void {
    const buckets = method === "GET" ? this.reads : this.changes;
    const waitMs = buckets?.take(whose()) ?? 0;
    if (waitMs > 0) throw tooOften(method, waitMs);
  }

  private holderOf(context: HttpContext, tokens: TokenBook): Holder {
    const token = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    const isGuessable = token === undefined || token.length <= GUESSED_CHARACTERS_MAX;
    const address = addressOf(context);
    // Longer ones cannot be guessed, and are let in though others behind the same address were refused.
    const waitMs = isGuessable ? this.refusals.waitMs(address) : 0;
    if (waitMs > 0) throw refusedTooOften(waitMs);
    const finding = token === undefined ? null : tokens.find(token);
    if (finding?.kind === "holder") return finding.holder;
    const laterMs = this.refusals.take(address);
    if (laterMs > 0) throw refusedTooOften(laterMs);
    throw unauthorized(finding);
  }

  private servicesOf(holder: Holder): HttpServices {
    const known = this.ofHolders.get(holder);
    if (known) return known;
    const { closing } = this.services;
    const own = {
      ...this.services,
      closing: closing ? AbortSignal.any([closing, holder.ended]) : holder.ended,
    };
    this.ofHolders.set(holder, own);
    return own;
  }
}

function addressOf({ env }: HttpContext): string {
  const hostname = env?.remoteAddr?.hostname;
  return hostname === undefined ? NOWHERE : networkOf(hostname);
}

/** Also where it is malformed or said twice: what it means is for the route to say, and then it is too late. */
function isForced(context: HttpContext): boolean {
  return (context.req.queries("force") ?? []).some((value) => value !== "false");
}

function unauthorized(finding: ReturnType<TokenBook["find"]> | null): Problem {
  const hint = "Send 'Authorization: Bearer <token>' with a token of this control plane; " +
    "`draas token new` makes one for its tokens file.";
  if (finding === null) {
    const headers = { "www-authenticate": CHALLENGE };
    return new Problem("unauthorized", {
      detail: "The request carries no bearer token.",
      hint,
      headers,
    });
  }
  return new Problem("unauthorized", {
    detail: finding.kind === "expired"
      ? `The token has expired at ${isoTime(finding.expiredAt)}.`
      : "The token is not the right one.",
    hint,
    headers: { "www-authenticate": `${CHALLENGE}, error="invalid_token"` },
  });
}

function forbidden({ name, role }: Holder, needed: Role, isByForce: boolean): Problem {
  return new Problem("forbidden", {
    detail: `This takes the role ${needed}${isByForce ? " where it is forced" : ""}; ` +
      `the token '${name}' has the role ${role}.`,
    hint: `Use a token of the role ${needed}: whoever keeps the tokens file can make one.`,
    headers: { "www-authenticate": `${CHALLENGE}, error="insufficient_scope"` },
    extra: { role, neededRole: needed },
  });
}

function tooOften(method: Demand["method"], retryAfterMs: number): Problem {
  const [what, setting] = method === "GET"
    ? ["reads", "DRAAS_READS_PER_SECOND"]
    : ["changes", "DRAAS_CHANGES_PER_SECOND"];
  return new Problem("rate_limited", {
    detail: `There were more ${what} of this caller than there may be.`,
    hint: `Repeat it after the time in Retry-After; ${setting} says how many there may be.`,
    retryAfterMs,
  });
}

function refusedTooOften(retryAfterMs: number): Problem {
  return new Problem("rate_limited", {
    detail: "Too many requests from this address came without a right token.",
    hint: "Wait for the time in Retry-After, and send a token of this control plane.",
    retryAfterMs,
  });
}
