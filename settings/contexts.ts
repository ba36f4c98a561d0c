/** Contexts: control planes under names of their own, in a file of the user's. Pure: text in, text out. Design §8. */
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Fault } from "../events/configuration.ts";
import { reasonOf } from "../events/errors.ts";
import { type Parsed, parseWith } from "../events/specification.ts";
import { ADDRESS_FORM, addressOf, isToken, TOKEN_FORM } from "./client_address.ts";

/** One control plane. */
export interface Context {
  /** Without a slash at its end. */
  url: string;
  /** Itself; only in a file that nobody else can read. */
  token?: string | undefined;
  /** An absolute path; the file holds the token and nothing else. */
  tokenFile?: string | undefined;
}

/** All that the file holds. */
export interface Contexts {
  /** The one that is asked where nothing else is said. */
  current: string | null;
  contexts: Readonly<Record<string, Context>>;
}

/** Where there is no file yet. */
export const NO_CONTEXTS: Contexts = { current: null, contexts: {} };

/** By its name; undefined: there is none. */
export function contextOf({ contexts }: Contexts, name: string): Context | undefined {
  return Object.hasOwn(contexts, name) ? contexts[name] : undefined;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const NAME_FORM = "must be 1 to 64 letters, digits, dots, dashes or underscores";

/** Whether a context may be called so; the right form where not. */
export function contextNameFault(name: string): string | null {
  return NAME.test(name) ? null : NAME_FORM;
}

const contextSchema = z.strictObject({
  url: z.string(ADDRESS_FORM).transform((text, issues) => {
    const url = addressOf(text);
    if (url !== null) return url;
    issues.addIssue({ code: "custom", message: ADDRESS_FORM });
    return z.NEVER;
  }),
  token: z.string(TOKEN_FORM).refine(isToken, { error: TOKEN_FORM }).optional(),
  tokenFile: z.string().startsWith("/", "must be an absolute path").optional(),
}).refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
  error: "has a token and a tokenFile; give one of them",
});

const contextsSchema = z.strictObject({
  current: z.string().nullable().default(null),
  contexts: z.record(z.string().regex(NAME, NAME_FORM), contextSchema).default({}),
});

/**
 * The contexts in a file, or all of its faults; no token is in them.
 * @param isPrivate whether nobody but its owner can read the file
 */
export function parseContexts(text: string, isPrivate: boolean): Parsed<Contexts> {
  let given: unknown;
  try {
    given = parse(text) ?? {};
  } catch (error) {
    // The rest of the message shows lines of the file.
    const message = `is not YAML: ${reasonOf(error).split("\n")[0]}`;
    return { ok: false, faults: [{ path: "", message }] };
  }
  const parsed = parseWith(contextsSchema, given) as Parsed<Contexts>;
  if (!parsed.ok) return parsed;
  const { current, contexts } = parsed.value;
  const faults: Fault[] = Object.entries(contexts)
    .filter(([, { token }]) => token !== undefined && !isPrivate)
    .map(([name]) => ({
      path: `contexts.${name}.token`,
      message: "can be read by others: chmod 600 the file, or keep the token in a tokenFile",
    }));
  if (current !== null && !contextOf(parsed.value, current)) {
    faults.push({ path: "current", message: `names no context; ${knownText(parsed.value)}` });
  }
  return faults.length > 0 ? { ok: false, faults } : parsed;
}

/** The file for these contexts. */
export function contextsText({ current, contexts }: Contexts): string {
  return stringify({ ...(current === null ? {} : { current }), contexts });
}

/** `there are prod, test`, for whoever named another one. */
export function knownText({ contexts }: Pick<Contexts, "contexts">): string {
  const names = Object.keys(contexts).sort();
  return names.length === 0 ? "there are none" : `there are ${names.join(", ")}`;
}
