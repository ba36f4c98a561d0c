/** Tokens of each role, and the book that they are in. */
import { hostClock } from "../../../adapters/host/host_clock.ts";
import { type Role, ROLES, tokenDigest, type TokenEntry } from "../../../events/access_tokens.ts";
import type { Clock } from "../../../events/clock.ts";
import { TokenBook } from "../../../http/access/token_book.ts";

/** The token of `tokenOf("viewer")`'s holder `viewer-1`, and so on; long enough to be beyond guessing. */
export function tokenOf(role: Role | "expired"): string {
  return `draas_${role}-0123456789-0123456789-0123456789`;
}

/** Its entry, as a tokens file has it. */
export function entryOf(role: Role, changes: Partial<TokenEntry> = {}): TokenEntry {
  return {
    name: `${role}-1`,
    role,
    sha256: tokenDigest(tokenOf(role)),
    expiresAt: null,
    ...changes,
  };
}

/** A token of each role, and one of an admin that has expired. */
export function bookOfAllRoles(clock: Clock = hostClock): TokenBook {
  const expired = {
    name: "former",
    sha256: tokenDigest(tokenOf("expired")),
    expiresAt: clock.now() - 1,
  };
  return new TokenBook(clock, [...ROLES.map((role) => entryOf(role)), entryOf("admin", expired)]);
}

/** A book with this token alone; its holder's name is `holder`. */
export function bookOf(token: string, role: Role): TokenBook {
  return new TokenBook(hostClock, [{
    ...entryOf(role),
    name: "holder",
    sha256: tokenDigest(token),
  }]);
}

/** What a request carries that comes from a holder of `token`. */
export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}
