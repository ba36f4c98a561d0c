/** What passes between Lua and Redis: words of commands, replies in both directions, errors. */
import { type Reply, ReplyError } from "../reply.ts";
import { numberText, wholeText } from "./lua_numbers.ts";
import { LuaError, LuaTable, type LuaValue } from "./lua_values.ts";

/** A word of a command: numbers as Redis writes them out. */
export function word(value: LuaValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value, 17);
  const message = "ERR Lua redis lib command arguments must be strings or integers";
  throw new LuaError(errorTable(message));
}

/** A command's answer as Lua sees it. A status (`OK`) is a plain text here, since replies do not tell them apart. */
export function fromReply(reply: Reply): LuaValue {
  if (typeof reply === "string" || typeof reply === "number") return reply;
  if (reply === null) return false;
  if (Array.isArray(reply)) return new LuaTable(reply.map(fromReply));
  throw new Error("a function of the library reads bytes, which only texts stand for here");
}

/**
 * A function's result as the answer of its call.
 * @throws {ReplyError} for an error; one inside a list is its text there, as ioredis has it
 */
export function toReply(value: LuaValue): Reply {
  const error = value instanceof LuaTable ? value.get("err") : undefined;
  if (typeof error === "string") throw new ReplyError(oneLine(error));
  return partOfReply(value);
}

function partOfReply(value: LuaValue): Reply {
  if (typeof value === "string") return value;
  if (typeof value === "number") return integer(value);
  if (value === true) return 1;
  if (!(value instanceof LuaTable)) return null;
  if (value.hash !== null) {
    const error = value.hash.get("err");
    if (typeof error === "string") return oneLine(error);
    const status = value.hash.get("ok");
    if (typeof status === "string") return oneLine(status);
  }
  const replies: Reply[] = [];
  for (const one of value.array) {
    if (one === undefined) break;
    replies.push(partOfReply(one));
  }
  return replies;
}

/** `redis.error_reply`: an error of one word gets Redis' code; line ends around its words go. */
export function errorReply(text: string): LuaTable {
  const bare = text.startsWith("-") ? text.slice(1) : text;
  const space = bare.indexOf(" ");
  const words = bare.slice(space + 1).replace(/^[\r\n]+|[\r\n]+$/g, "");
  return errorTable(`${space < 0 ? "ERR" : bare.slice(0, space)} ${words}`);
}

export function errorTable(message: string): LuaTable {
  return LuaTable.of([], ["err", message]);
}

/** What a function that failed answers with. */
export function errorOf(value: LuaValue): ReplyError {
  const told = value instanceof LuaTable ? value.get("err") : value;
  if (typeof told !== "string") return new ReplyError("ERR unknown error");
  return new ReplyError(value instanceof LuaTable ? told : `ERR ${told}`);
}

function integer(value: number): number {
  const whole = Math.trunc(value);
  return Number.isSafeInteger(whole) ? whole + 0 : Number(wholeText(value));
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
