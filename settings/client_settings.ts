/** What a client of the API is set with: where the control plane is, and who asks. Design §8. */
import type { Fault } from "../events/configuration.ts";
import type { Parsed } from "../events/specification.ts";

/** The variables that a client reads, and no others. */
export const CLIENT_VARIABLES = [
  "DRAAS_URL",
  "DRAAS_TOKEN",
  "NO_COLOR",
  "TERM",
  "INIT_CWD",
] as const;

/** What a client was given by its environment; an empty value counts as unset. */
export type ClientEnvironment = Readonly<
  Partial<Record<typeof CLIENT_VARIABLES[number], string>>
>;

/** Where a client asks, and with which token. */
export interface ClientSettings {
  /** Without a slash at its end. */
  url: string;
  /** In no message. */
  token: string | null;
}

const DEFAULT_URL = "http://127.0.0.1:4700";
const TOKEN = /^[\x21-\x7e]{1,512}$/;

/**
 * The settings, or every fault in what was given; the token is never shown.
 * @param url a flag's, which comes before the environment
 */
export function parseClientSettings(
  environment: ClientEnvironment,
  url?: string,
): Parsed<ClientSettings> {
  const faults: Fault[] = [];
  const token = environment.DRAAS_TOKEN || null;
  const [path, given] = url === undefined
    ? ["DRAAS_URL", environment.DRAAS_URL || DEFAULT_URL]
    : ["--url", url];
  const base = baseOf(given);
  if (base === null) {
    // Not shown: it may have a password in it.
    faults.push({ path, message: `must be an http or https address, for example ${DEFAULT_URL}` });
  }
  if (token !== null && !TOKEN.test(token)) {
    faults.push({
      path: "DRAAS_TOKEN",
      message:
        "must be a token of the control plane: visible characters, without spaces or line ends",
    });
  }
  if (base === null || faults.length > 0) return { ok: false, faults };
  return { ok: true, value: { url: base, token } };
}

function baseOf(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  if (url.search || url.hash) return null;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
