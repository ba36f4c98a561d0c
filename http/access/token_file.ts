/** Keeps the tokens in force as their file says, while the program runs: a change counts without a restart. */
import { parse as parseYaml } from "yaml";
import { parseTokenEntries, type TokenEntry } from "../../events/access_tokens.ts";
import type { Clock } from "../../events/clock.ts";
import { reasonOf } from "../../events/errors.ts";
import type { Parsed } from "../../events/specification.ts";
import { isoTime } from "../iso_time.ts";
import type { TokenBook } from "./token_book.ts";

/** How often the file is read. What has not changed between two readings counts: within 1 s of its writing. */
export const LOOK_MS = 500;

/** What a new content came to: how many tokens it brought, or why it counts for nothing. */
export type TokenFileChange = { tokens: number } | { faults: readonly string[] };

/** What a tokens file is followed with. */
export interface TokenFileOptions {
  book: TokenBook;
  /** Besides those of the file. */
  fixed: readonly TokenEntry[];
  /** The file's text. */
  read(): Promise<string>;
  clock: Clock;
  /** Hears of each new content once. */
  onChange(change: TokenFileChange): void;
}

/** The entries of a tokens file, or every fault in it. */
export function parseTokenFile(text: string): Parsed<TokenEntry[]> {
  let content: unknown;
  try {
    content = parseYaml(text);
  } catch (error) {
    const message = `is not valid YAML: ${reasonOf(error).split("\n")[0]}`;
    return { ok: false, faults: [{ path: "", message }] };
  }
  return parseTokenEntries(content);
}

/** Lines for people: each fault with its place. */
export function faultLines(parsed: Parsed<unknown>): string[] {
  if (parsed.ok) return [];
  return parsed.faults.map(({ path, message }) => `${path || "the file"}: ${message}`);
}

/** What one reading found; `text` is null where the file cannot be read, and `fault` says why. */
interface Reading {
  text: string | null;
  fault: string;
}

/**
 * Follows the file until `stop` is called.
 * @param text what is in force of it already
 * @returns `stop`
 */
export function followTokenFile(options: TokenFileOptions, text: string): () => void {
  const { book, read, clock } = options;
  let judged: Reading = { text, fault: "" };
  let seen: Reading = judged;
  let isStopped = false;
  let cancel = () => {};
  const look = async () => {
    const now = await read().then(
      (text) => ({ text, fault: "" }),
      (error) => ({ text: null, fault: reasonOf(error) }),
    );
    if (isStopped) return;
    // A file that is just being written is cut somewhere: half of the tokens are not what anybody meant.
    if (isSame(now, seen) && !isSame(now, judged)) judge(options, judged = now);
    seen = now;
    book.endExpired();
    wait();
  };
  const wait = () => {
    cancel = clock.after(LOOK_MS, () => void look());
  };
  wait();
  return () => {
    isStopped = true;
    cancel();
  };
}

/** A file that is not in order changes nothing: nobody is let in by a slip, or locked out. */
function judge(options: TokenFileOptions, { text, fault }: Reading): void {
  const { book, fixed, clock, onChange } = options;
  const parsed: Parsed<TokenEntry[]> = text === null
    ? { ok: false, faults: [{ path: "", message: `cannot be read: ${fault}` }] }
    : parseTokenFile(text);
  if (parsed.ok) {
    book.replace([...fixed, ...parsed.value]);
    return onChange({ tokens: parsed.value.length });
  }
  book.fault = `the tokens file is not in order since ${isoTime(clock.now())}; ` +
    "the tokens from before are in force";
  onChange({ faults: faultLines(parsed) });
}

function isSame(one: Reading, other: Reading): boolean {
  return one.text === other.text && one.fault === other.fault;
}
