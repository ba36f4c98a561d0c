/** The tokens of a control plane: the one of its settings and those of its tokens file, which is followed. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { SETTING_TOKEN_NAME, tokenDigest, type TokenEntry } from "../events/access_tokens.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { TokenBook } from "../http/access/token_book.ts";
import {
  faultLines,
  followTokenFile,
  parseTokenFile,
  type TokenFileChange,
} from "../http/access/token_file.ts";
import type { Settings } from "../settings/settings.ts";
import type { Voice } from "./voice.ts";

/** The tokens, and a file that they may come from. */
export interface Tokens {
  book: TokenBook;
  /** From now on changes of the file count, until the function that comes back is called. */
  follow(): () => void;
}

/** Where `deno task serve` may read one. */
const PLACES =
  "Check the path, and who may read it. `deno task serve` may read tokens.yaml in its folder, and " +
  "what is in /etc/draas.";

/**
 * Who may ask; null: whoever reaches the API, since no token is set.
 * @throws {OperationalError} `tokens_invalid`, with every fault
 */
export async function openTokens(
  { apiToken, tokensFile }: Settings,
  voice: Voice,
): Promise<Tokens | null> {
  const fixed = apiToken === null ? [] : [tokenOfSettings(apiToken)];
  if (tokensFile === null) {
    return apiToken === null
      ? null
      : { book: new TokenBook(hostClock, fixed), follow: () => () => {} };
  }
  const read = () => Deno.readTextFile(tokensFile);
  const text = await read().catch((error) => {
    throw invalid(`${tokensFile} cannot be read: ${reasonOf(error)}`, PLACES, error);
  });
  const parsed = parseTokenFile(text);
  if (!parsed.ok) {
    const lines = faultLines(parsed).map((line) => `  ${line}`);
    throw invalid(`${tokensFile} is not in order:\n${lines.join("\n")}`, HINT);
  }
  const book = new TokenBook(hostClock, [...fixed, ...parsed.value]);
  const onChange = (change: TokenFileChange) => tellChange(tokensFile, change, voice);
  const clock = hostClock;
  return { book, follow: () => followTokenFile({ book, fixed, read, clock, onChange }, text) };
}

const HINT = 'See "Tokens" in docs/security.md; `deno task draas token new` makes one.';

function tokenOfSettings(apiToken: string): TokenEntry {
  const sha256 = tokenDigest(apiToken);
  return { name: SETTING_TOKEN_NAME, role: "admin", sha256, expiresAt: null };
}

function tellChange(path: string, change: TokenFileChange, voice: Voice): void {
  if ("tokens" in change) {
    const { tokens } = change;
    const count = `${tokens} ${tokens === 1 ? "token" : "tokens"}`;
    return voice.tell("info", `${path} has changed: ${count} in it.`, { tokens });
  }
  voice.tell("warn", `${path} has changed and is not in order: ${change.faults.join("; ")}`, {
    hint: "The tokens from before are in force until it is.",
  });
}

function invalid(message: string, hint: string, cause?: unknown): OperationalError {
  return new OperationalError("tokens_invalid", message, false, hint, { cause });
}
