/** How ioredis gives an answer to its caller: texts, or all texts as bytes. */
import { Buffer } from "node:buffer";
import type { Reply } from "./reply.ts";

const decoder = new TextDecoder();

/** As `call` gives it: what was kept as bytes is text. */
export function inTexts(reply: Reply): Reply {
  if (reply instanceof Uint8Array) return decoder.decode(reply);
  return Array.isArray(reply) ? mapped(reply, inTexts) : reply;
}

/** As `callBuffer` gives it: every text is a Buffer. */
export function inBytes(reply: Reply): Reply {
  if (typeof reply === "string") return Buffer.from(reply);
  if (reply instanceof Uint8Array) return Buffer.from(reply);
  return Array.isArray(reply) ? mapped(reply, inBytes) : reply;
}

/** The same list when nothing in it changes: most have no bytes, and some have a thousand entries. */
function mapped(replies: Reply[], change: (reply: Reply) => Reply): Reply[] {
  let changed: Reply[] | null = null;
  for (let index = 0; index < replies.length; index++) {
    const before = replies[index]!;
    const after = change(before);
    if (after !== before) (changed ??= replies.slice())[index] = after;
  }
  return changed ?? replies;
}
