/** Who may ask the API: the roles, and the tokens of a tokens file, of which only digests are kept. Design §1, promise 11. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Fault, faultsOf } from "./configuration.ts";
import type { Parsed } from "./specification.ts";

/** From the least to the most: each may do all that those before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = typeof ROLES[number];

/** One token of a tokens file. */
export interface TokenEntry {
  /** Who its holder is: stands in the log as `requestedBy`. */
  name: string;
  role: Role;
  /** Of the token: 64 hexadecimal digits, lower case. */
  sha256: string;
  /** Epoch milliseconds; null: it does not expire. */
  expiresAt: number | null;
}

/** The name of whoever holds the one token of the settings. */
export const SETTING_TOKEN_NAME = "api-token";
/** Whoever asks where no token is needed. */
export const ANONYMOUS = "anonymous";

const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
/** They stand in the log for parts of DRaaS, or for callers of whom no more is known. */
const RESERVED: ReadonlySet<string> = new Set([
  ANONYMOUS,
  SETTING_TOKEN_NAME,
  "leader",
  "delivery",
  "exit",
  "forget",
  "retention",
  "unknown",
]);
const ENTRIES_MAX = 1_000;
const EXPIRES = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** What a token's name may be. */
export const tokenNameSchema = z.string({ error: "must be a name, for example ci" })
  .regex(NAME, "must be 1 to 64 letters, digits, '.', '_' and '-', a letter first")
  .refine((name) => !RESERVED.has(name), { error: "is a name that DRaaS itself has in the log" });

/** When a token expires, as epoch milliseconds: a date is its first moment in UTC. */
export const tokenExpirySchema = z.string({ error: "must be a date, for example 2031-01-31" })
  .transform((text, issues) => {
    const at = EXPIRES.test(text) ? Date.parse(text) : NaN;
    // Of a month that is shorter the days after its end are those of the next.
    const isReal = Number.isFinite(at) &&
      new Date(`${text.slice(0, 10)}T00:00Z`).toISOString().startsWith(text.slice(0, 10));
    if (isReal) return at;
    const message = "must be a date or a time, for example 2031-01-31 or 2031-01-31T12:00:00Z";
    issues.addIssue({ code: "custom", message });
    return z.NEVER;
  });

const entrySchema = z.strictObject({
  name: tokenNameSchema,
  role: z.enum(ROLES, { error: `must be ${ROLES.slice(0, -1).join(", ")} or ${ROLES.at(-1)}` }),
  sha256: z.string({ error: "must be there: the token's SHA-256, as `draas token new` tells it" })
    .regex(/^[0-9a-fA-F]{64}$/, "must be a SHA-256: 64 hexadecimal digits; never the token itself")
    .transform((digits) => digits.toLowerCase()),
  expires: tokenExpirySchema.optional(),
  note: z.string("must be text").max(200, "must have at most 200 characters").optional(),
}, { error: "must be an entry with name, role and sha256" });

/** The SHA-256 of a token, as a tokens file has it. */
export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * The entries of a tokens file that was read as YAML, or every fault in it; a fault shows nothing of a value. One name
 * may stand twice, with one role: two tokens of one holder, of whom the older is on its way out.
 */
export function parseTokenEntries(content: unknown): Parsed<TokenEntry[]> {
  if (!Array.isArray(content) || content.length === 0) {
    const message = "must be a list of tokens, each with name, role and sha256";
    return { ok: false, faults: [{ path: "", message }] };
  }
  if (content.length > ENTRIES_MAX) {
    return {
      ok: false,
      faults: [{ path: "", message: `must have at most ${ENTRIES_MAX} tokens` }],
    };
  }
  const faults: Fault[] = [];
  const entries: TokenEntry[] = [];
  content.forEach((item, index) => {
    const place = placeOf(item, index);
    const result = entrySchema.safeParse(item);
    if (!result.success) {
      faults.push(
        ...faultsOf(result).map(({ path, message }) => ({
          path: path === "" ? place : `${place}, ${path}`,
          message,
        })),
      );
      return;
    }
    const { expires, note: _, ...entry } = result.data;
    faults.push(
      ...clashes(entry, entries).map((one) => ({ ...one, path: `${place}, ${one.path}` })),
    );
    entries.push({ ...entry, expiresAt: expires ?? null });
  });
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: entries };
}

/** What two entries must not have in common, or must. */
function clashes(
  { name, role, sha256 }: Pick<TokenEntry, "name" | "role" | "sha256">,
  before: readonly TokenEntry[],
): Fault[] {
  const hasOtherRole = before.some((other) => other.name === name && other.role !== role);
  const isTwice = before.some((other) => other.sha256 === sha256);
  return [
    ...(hasOtherRole
      ? [{ path: "role", message: "must be the role that its name has above" }]
      : []),
    ...(isTwice ? [{ path: "sha256", message: "must be of another token than those above" }] : []),
  ];
}

function placeOf(item: unknown, index: number): string {
  const name = item !== null && typeof item === "object" && "name" in item ? item.name : undefined;
  const isName = typeof name === "string" && NAME.test(name);
  return isName ? `entry ${index + 1} (${name})` : `entry ${index + 1}`;
}
