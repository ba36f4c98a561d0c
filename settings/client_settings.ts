/** What a client of the API is set with: where the control plane is, and who asks. Design §8. */
import type { Fault } from "../events/configuration.ts";
import type { Parsed } from "../events/specification.ts";
import { ADDRESS_FORM, addressOf, isToken, TOKEN_FORM } from "./client_address.ts";
import { type Context, contextOf, type Contexts, knownText, NO_CONTEXTS } from "./contexts.ts";

/** The variables that a client reads, and no others. */
export const CLIENT_VARIABLES = [
  "DRAAS_URL",
  "DRAAS_TOKEN",
  "NO_COLOR",
  "TERM",
  "INIT_CWD",
  "HOME",
  "LC_ALL",
  "LC_CTYPE",
  "LANG",
] as const;

/** What a client was given by its environment; an empty value counts as unset. */
export type ClientEnvironment = Readonly<
  Partial<Record<typeof CLIENT_VARIABLES[number], string>>
>;

/** What a client was given by its flags. */
export interface ClientFlags {
  url?: string | undefined;
  /** A context's name. */
  context?: string | undefined;
}

/** Where a client asks, and with which token. */
export interface ClientSettings {
  /** Without a slash at its end. */
  url: string;
  /** Who said so: a flag, a variable, a context; for people. */
  urlFrom: string;
  /** In no message. */
  token: string | null;
  /** Where the token is, as long as `token` is null. */
  tokenFile: string | null;
  /** Who said so; null: there is none. */
  tokenFrom: string | null;
}

const DEFAULT: readonly [string, string] = ["the default", "http://127.0.0.1:4700"];

/** Whether the file of contexts has a say in it: a flag or a variable that names an address comes before it. */
export function needsContexts(environment: ClientEnvironment, flags: ClientFlags): boolean {
  return flags.context !== undefined || (flags.url === undefined && !environment.DRAAS_URL);
}

/**
 * The settings, or every fault in what was given; the token is never shown. Flags come before the environment, that
 * before the current context. A context that a flag names is taken whole: no other token is sent to its address.
 */
export function parseClientSettings(
  environment: ClientEnvironment,
  flags: ClientFlags = {},
  contexts: Contexts = NO_CONTEXTS,
): Parsed<ClientSettings> {
  const faults: Fault[] = [];
  const isWhole = flags.context !== undefined;
  const name = flags.context ?? contexts.current;
  const context = name === null ? undefined : contextOf(contexts, name);
  if (isWhole && flags.url !== undefined) {
    faults.push({ path: "--context", message: "says where, as --url does; give one of them" });
  } else if (isWhole && context === undefined) {
    faults.push({ path: "--context", message: `names no context; ${knownText(contexts)}` });
  }
  const said = isWhole ? null : addressSaid(environment, flags);
  const [urlFrom, given] = said ?? (context ? [`context ${name}`, context.url] : DEFAULT);
  const url = addressOf(given);
  // Not shown: it may have a password in it.
  if (url === null) faults.push({ path: urlFrom, message: ADDRESS_FORM });
  const token = isWhole ? null : environment.DRAAS_TOKEN || null;
  if (token !== null && !isToken(token)) faults.push({ path: "DRAAS_TOKEN", message: TOKEN_FORM });
  if (url === null || faults.length > 0) return { ok: false, faults };
  const kept = said === null ? context : undefined;
  return {
    ok: true,
    value: token === null
      ? { url, urlFrom, ...tokenOf(kept, urlFrom) }
      : { url, urlFrom, token, tokenFile: null, tokenFrom: "DRAAS_TOKEN" },
  };
}

/** Who says where, and what: a flag, else the environment. */
function addressSaid(
  { DRAAS_URL }: ClientEnvironment,
  { url }: ClientFlags,
): [string, string] | null {
  if (url !== undefined) return ["--url", url];
  return DRAAS_URL ? ["DRAAS_URL", DRAAS_URL] : null;
}

function tokenOf(
  { token, tokenFile }: Partial<Context> = {},
  from: string,
): Pick<ClientSettings, "token" | "tokenFile" | "tokenFrom"> {
  const isKept = token !== undefined || tokenFile !== undefined;
  return { token: token ?? null, tokenFile: tokenFile ?? null, tokenFrom: isKept ? from : null };
}
