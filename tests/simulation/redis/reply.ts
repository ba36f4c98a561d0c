/** What a Redis command is and what it answers, as the model of Redis speaks of them. */

/** A word of a command: text, or bytes that are only kept. Texts are ASCII here, so that a length is one in bytes. */
export type Word = string | Uint8Array;

/** An answer; null is Redis' nil. */
export type Reply = string | number | null | Uint8Array | Reply[];

/** An answer that is an error, named as ioredis names it; its first word is Redis' code. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}
