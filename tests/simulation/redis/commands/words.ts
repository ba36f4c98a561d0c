/** What the commands of the model read out of their words, and what they say of a form that it does not know. */
import type { Keyspace } from "../keyspace.ts";
import { type Reply, ReplyError, type Word } from "../reply.ts";

/** A command: what it does, and which of Redis' two flags it has that make a server deny it. */
export interface Command {
  readonly run: (keyspace: Keyspace, words: readonly Word[], nowMs: number) => Reply;
  /** Flag `write`: a replica denies it. */
  readonly writes: boolean;
  /** Flag `denyoom`: a server whose memory is full denies it. */
  readonly needsMemory: boolean;
}

/** A fault of the model or of its caller, never an answer: DRaaS sends only forms that are modelled. */
export function notModelled(words: readonly Word[]): Error {
  return new Error(`the model of Redis does not know: ${words.map(shown).join(" ")}`);
}

/** Bytes as the text that has a character for each. */
export function textOf(word: Word): string {
  return typeof word === "string"
    ? word
    : Array.from(word, (byte) => String.fromCharCode(byte)).join("");
}

/** The word at `index`, which the command cannot do without. */
export function textAt(words: readonly Word[], index: number): string {
  const word = words[index];
  if (word === undefined) throw notModelled(words);
  return textOf(word);
}

/** The texts from `index` on, of which there must be at least one. */
export function textsFrom(words: readonly Word[], index: number): string[] {
  if (words.length <= index) throw notModelled(words);
  const texts: string[] = [];
  for (let at = index; at < words.length; at++) texts.push(textOf(words[at]!));
  return texts;
}

/** @throws {ReplyError} ERR, as Redis does for whatever is no whole number */
export function integerOf(
  text: string,
  complaint = "value is not an integer or out of range",
): number {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) throw new ReplyError(`ERR ${complaint}`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`the model of Redis cannot count to ${text}`);
  return value;
}

/** @throws {ReplyError} ERR, as Redis does for whatever is no number */
export function floatOf(text: string, complaint: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  if (/^\+?inf(inity)?$/i.test(text)) return Infinity;
  if (/^-inf(inity)?$/i.test(text)) return -Infinity;
  // An option that is not modelled stands where a number should.
  if (/^[A-Z]/.test(text)) throw new Error(`the model of Redis does not know the option ${text}`);
  throw new ReplyError(`ERR ${complaint}`);
}

function shown(word: Word): string {
  return typeof word === "string" ? JSON.stringify(word) : `<${word.length} bytes>`;
}
