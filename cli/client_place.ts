/** Where a command asks and with which token: from flags, the environment, and the user's file of contexts. */
import { OperationalError } from "../events/errors.ts";
import { isToken, TOKEN_FORM } from "../settings/client_address.ts";
import {
  type ClientFlags,
  type ClientSettings,
  needsContexts,
  parseClientSettings,
} from "../settings/client_settings.ts";
import { type Contexts, NO_CONTEXTS, parseContexts } from "../settings/contexts.ts";
import { UsageError } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";

/**
 * The settings, with the token that a context keeps in a file.
 * @throws {UsageError} with every fault; {OperationalError} `file_unreadable`
 */
export async function clientSettingsOf(
  host: CliHost,
  flags: ClientFlags,
): Promise<ClientSettings> {
  const { environment } = host;
  const contexts = needsContexts(environment, flags) ? await contextsOf(host) : NO_CONTEXTS;
  const settings = parseClientSettings(environment, flags, contexts);
  if (!settings.ok) {
    throw new UsageError(
      settings.faults.map(({ path, message }) => `${path} ${message}.`).join(" "),
      "`draas --help` tells of the settings.",
    );
  }
  const { tokenFile } = settings.value;
  if (tokenFile === null) return settings.value;
  return { ...settings.value, token: await tokenIn(host, tokenFile) };
}

/** The user's contexts; none where there is no file. Throws as `clientSettingsOf`. */
export async function contextsOf({ contextFile }: CliHost): Promise<Contexts> {
  const kept = await contextFile.read();
  if (kept === null) return NO_CONTEXTS;
  const parsed = parseContexts(kept.text, kept.isPrivate);
  if (parsed.ok) return parsed.value;
  throw new UsageError(
    parsed.faults.map(({ path, message }) => {
      const where = path === "" ? contextFile.path : `${contextFile.path}: ${path}`;
      return `${where} ${message}.`;
    }).join(" "),
    "Correct the file, or name the control plane by --url or DRAAS_URL.",
  );
}

async function tokenIn(host: CliHost, path: string): Promise<string> {
  const token = (await host.readTextFile(path)).trim();
  if (isToken(token)) return token;
  throw new OperationalError(
    "token_malformed",
    `${path} does not hold a token: it ${TOKEN_FORM}.`,
    false,
    "Put the token there, and nothing else.",
  );
}
