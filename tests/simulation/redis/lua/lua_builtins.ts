/** What the library may call of Lua and of Redis, each under its Lua name; nothing else exists for it. */
import { type Reply, ReplyError } from "../reply.ts";
import { decode, encode } from "./lua_cjson.ts";
import { numberOfText, numberText, wholeText } from "./lua_numbers.ts";
import * as patterns from "./lua_patterns.ts";
import {
  bound,
  callable,
  constant,
  fault,
  first,
  index,
  length,
  less,
  lessOrEqual,
  list,
  type LuaCallable,
  LuaError,
  type LuaResult,
  LuaTable,
  type LuaValue,
  modulo,
  more,
  moreOrEqual,
  NONE,
  operand,
  part,
  setIndex,
  tableIn,
  typeName,
} from "./lua_values.ts";
import { errorReply, errorTable, fromReply, word } from "./redis_values.ts";

/** A function that a library has registered. */
export interface Registered {
  name: string;
  flags: ReadonlySet<string>;
  callback: LuaCallable;
}

/** Where a library's functions find the Redis that they run in; set for the time of one call. */
export interface Host {
  call: ((words: string[]) => Reply) | null;
  registered: Registered[];
}

/** Lua's functions by their names. Those in `MANY` give other than one value. */
export const BUILTINS: ReadonlySet<string> = new Set([
  "error",
  "pcall",
  "tonumber",
  "tostring",
  "type",
  "cjson.decode",
  "cjson.encode",
  "math.floor",
  "math.max",
  "redis.call",
  "redis.error_reply",
  "redis.pcall",
  "redis.register_function",
  "string.find",
  "string.format",
  "string.gsub",
  "string.match",
  "string.sub",
  "table.concat",
  "table.insert",
  "table.sort",
]);

/** Those that may give none or several values, and the one that gives only their first, where there is one. */
export const MANY: ReadonlyMap<string, string | null> = new Map([
  ["error", null],
  ["pcall", null],
  ["string.find", "string_find_first"],
  ["string.gsub", "string_gsub_first"],
  ["string.match", "string_match_first"],
  ["table.insert", null],
  ["table.sort", null],
]);

/** All that compiled code refers to, by the name that it has there. */
export function runtime(host: Host): Record<string, unknown> {
  const calls = redisCalls(host);
  return {
    LuaTable,
    NONE,
    bound,
    callable,
    constant,
    first,
    index,
    length,
    less,
    lessOrEqual,
    list,
    matches: (subject: LuaValue, pattern: LuaValue) =>
      patterns.matches(text(subject, 1, "gmatch"), text(pattern, 2, "gmatch")),
    modulo,
    more,
    moreOrEqual,
    operand,
    part,
    raise,
    setIndex,
    tableIn,
    tableOf,
    whole: (value: LuaValue) => wholeText(number(value, 2, "format")),
    word,
    ...BASICS,
    ...STRINGS,
    ...TABLES,
    ...calls,
  };
}

const BASICS = {
  error: (value: LuaValue) => raise(value, 0),
  pcall: (callee: LuaValue, ...args: LuaValue[]): LuaResult => {
    try {
      return [true, ...list(callable(callee, 0)(...args))];
    } catch (error) {
      return [false, caught(error)];
    }
  },
  tonumber: (value: LuaValue): LuaValue =>
    typeof value === "string" ? numberOfText(value) : typeof value === "number" ? value : undefined,
  tostring: (value: LuaValue): string => {
    if (typeof value === "string") return value;
    if (typeof value === "number") return numberText(value, 14);
    if (value === undefined) return "nil";
    if (typeof value === "boolean") return String(value);
    throw new Error(`tostring of a ${typeName(value)}: an address differs with each run`);
  },
  type: typeName,
  cjson_decode: (value: LuaValue) => decode(text(value, 1, "decode")),
  cjson_encode: encode,
  math_floor: (value: LuaValue) => Math.floor(number(value, 1, "floor")),
  math_max: (...values: LuaValue[]) => {
    let most = number(values[0], 1, "max");
    for (let at = 1; at < values.length; at++) {
      const one = number(values[at], at + 1, "max");
      if (one > most) most = one;
    }
    return most;
  },
};

const STRINGS = {
  string_find: (subject: LuaValue, pattern: LuaValue, from?: LuaValue, isPlain?: LuaValue) =>
    patterns.find(text(subject, 1, "find"), text(pattern, 2, "find"), start(from), isPlain),
  string_find_first: (subject: LuaValue, pattern: LuaValue, from?: LuaValue, isPlain?: LuaValue) =>
    patterns.findStart(text(subject, 1, "find"), text(pattern, 2, "find"), start(from), isPlain),
  string_match: (subject: LuaValue, pattern: LuaValue, from?: LuaValue) =>
    patterns.match(text(subject, 1, "match"), text(pattern, 2, "match"), start(from)),
  string_match_first: (subject: LuaValue, pattern: LuaValue, from?: LuaValue) =>
    patterns.matchFirst(text(subject, 1, "match"), text(pattern, 2, "match"), start(from)),
  string_gsub: (subject: LuaValue, pattern: LuaValue, by: LuaValue, most?: LuaValue) =>
    patterns.replaceCounted(...replacing(subject, pattern, by, most)),
  string_gsub_first: (subject: LuaValue, pattern: LuaValue, by: LuaValue, most?: LuaValue) =>
    patterns.replace(...replacing(subject, pattern, by, most)),
  string_format: (format: LuaValue, ...values: LuaValue[]) => {
    let used = 0;
    return text(format, 1, "format").replace(/%([\s\S]?)/g, (_, kind: string) => {
      if (kind === "%") return "%";
      const value = values[used++];
      if (kind === "d") return wholeText(number(value, used + 1, "format"));
      if (kind === "s") return text(value, used + 1, "format");
      throw new Error(`string.format of %${kind} is not supported`);
    });
  },
  string_sub: (subject: LuaValue, from: LuaValue, to: LuaValue = -1) => {
    const whole = text(subject, 1, "sub");
    const low = Math.trunc(number(from, 2, "sub"));
    const high = Math.trunc(number(to, 3, "sub"));
    const begin = low < 0 ? Math.max(0, whole.length + low) : Math.max(0, low - 1);
    const end = high < 0 ? whole.length + high + 1 : high;
    return begin < end ? whole.slice(begin, end) : "";
  },
};

const TABLES = {
  table_concat: (table: LuaValue, by: LuaValue = "", from: LuaValue = 1, to?: LuaValue) => {
    const { array } = elements(table, "concat");
    const separator = text(by, 2, "concat");
    const low = number(from, 3, "concat");
    const high = to === undefined ? array.length : number(to, 4, "concat");
    let result = "";
    for (let at = low; at <= high; at++) {
      const value = array[at - 1];
      if (typeof value !== "string" && typeof value !== "number") {
        throw fault(0, `invalid value (${typeName(value)}) at index ${at} in table for 'concat'`);
      }
      if (at > low) result += separator;
      result += typeof value === "string" ? value : numberText(value, 14);
    }
    return result;
  },
  table_insert: (...args: LuaValue[]): LuaResult => {
    const table = elements(args[0], "insert");
    if (args.length === 2) table.set(table.array.length + 1, args[1]);
    else {
      const at = number(args[1], 2, "insert");
      for (let to = table.array.length + 1; to > at; to--) table.set(to, table.get(to - 1));
      table.set(at, args[2]);
    }
    return NONE;
  },
  table_sort: (table: LuaValue, before?: LuaValue): LuaResult => {
    const isBefore = before === undefined ? less : callable(before, 0);
    const precedes = (a: LuaValue, b: LuaValue) => {
      const answer = first(isBefore === less ? less(a, b, 0) : (isBefore as LuaCallable)(a, b));
      return answer !== undefined && answer !== false;
    };
    elements(table, "sort").array.sort((a, b) => precedes(a, b) ? -1 : precedes(b, a) ? 1 : 0);
    return NONE;
  },
};

function redisCalls(host: Host): Record<string, unknown> {
  const run = (words: string[]): LuaValue => {
    if (host.call === null) throw new Error("redis.call while a library is loaded");
    return fromReply(host.call(words));
  };
  return {
    redisRun: run,
    redis_call: (...args: LuaValue[]) => run(args.map(word)),
    redis_pcall: (...args: LuaValue[]) => {
      try {
        return run(args.map(word));
      } catch (error) {
        return caught(error);
      }
    },
    redis_error_reply: (value: LuaValue) => {
      if (typeof value === "string") return errorReply(value);
      return errorTable("ERR wrong number or type of arguments");
    },
    redis_register_function: (first: LuaValue, callback: LuaValue) => {
      const given = first instanceof LuaTable
        ? first
        : LuaTable.of([], ["function_name", first, "callback", callback]);
      const flags = given.get("flags");
      host.registered.push({
        name: text(given.get("function_name"), 1, "register_function"),
        callback: callable(given.get("callback"), 0),
        flags: new Set(flags instanceof LuaTable ? flags.array.map(String) : []),
      });
      return NONE;
    },
  };
}

/** The value of a Lua error or of a command's; our own faults go on as they are. */
function caught(error: unknown): LuaValue {
  if (error instanceof LuaError) return error.value;
  if (error instanceof ReplyError) return errorTable(error.message);
  throw error;
}

function raise(value: LuaValue, line: number): never {
  throw typeof value === "string" ? fault(line, value) : new LuaError(value);
}

function tableOf(array: LuaValue[], pairs: LuaValue[] | null): LuaTable {
  return pairs === null ? new LuaTable(array) : LuaTable.of(array, pairs);
}

function text(value: LuaValue, at: number, name: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value, 14);
  throw badArgument(value, at, name, "string");
}

function number(value: LuaValue, at: number, name: string): number {
  if (typeof value === "number") return value;
  const read = typeof value === "string" ? numberOfText(value) : undefined;
  if (read === undefined) throw badArgument(value, at, name, "number");
  return read;
}

function elements(value: LuaValue, name: string): LuaTable {
  if (value instanceof LuaTable) return value;
  throw badArgument(value, 1, name, "table");
}

function start(from: LuaValue): number {
  return from === undefined ? 1 : number(from, 3, "find");
}

function replacing(
  subject: LuaValue,
  pattern: LuaValue,
  by: LuaValue,
  most: LuaValue,
): [string, string, string, number] {
  if (by instanceof LuaTable || typeof by === "function") {
    throw new Error("gsub with a table or a function is not supported");
  }
  return [
    text(subject, 1, "gsub"),
    text(pattern, 2, "gsub"),
    text(by, 3, "gsub"),
    most === undefined ? Infinity : number(most, 4, "gsub"),
  ];
}

function badArgument(value: LuaValue, at: number, name: string, wanted: string): LuaError {
  const got = value === undefined ? "no value" : typeName(value);
  return fault(0, `bad argument #${at} to '${name}' (${wanted} expected, got ${got})`);
}
