/** `cjson` as Redis has it: what it makes of a table, and what it reads, which is more than JSON. */
import { numberText, readNumber } from "./lua_numbers.ts";
import { LuaError, LuaTable, type LuaValue, typeName } from "./lua_values.ts";

const DEPTH_MAX = 1000;
const SPARSE_RATIO = 2;
const SPARSE_SAFE = 10;
const KEY_MAX = 2 ** 31 - 1;

/** `cjson.encode`. */
export function encode(value: LuaValue): string {
  return encodeAt(value, 0);
}

function encodeAt(value: LuaValue, depth: number): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return encodedNumber(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === undefined || value === null) return "null";
  if (!(value instanceof LuaTable)) {
    throw new LuaError(`Cannot serialise ${typeName(value)}: type not supported`);
  }
  if (depth >= DEPTH_MAX) {
    throw new LuaError(`Cannot serialise, excessive depth (${depth + 1})`);
  }
  const length = elementsOf(value);
  return length > 0 ? encodeArray(value, length, depth + 1) : encodeObject(value, depth + 1);
}

function encodeArray(table: LuaTable, length: number, depth: number): string {
  let text = "[";
  for (let at = 1; at <= length; at++) {
    if (at > 1) text += ",";
    text += encodeAt(table.get(at), depth);
  }
  return `${text}]`;
}

function encodeObject(table: LuaTable, depth: number): string {
  let text = "";
  for (let at = 0; at < table.array.length; at++) {
    const value = table.array[at];
    if (value !== undefined) text += `,"${at + 1}":${encodeAt(value, depth)}`;
  }
  if (table.hash !== null) {
    for (const [key, value] of table.hash) {
      text += `,${encodedKey(key)}:${encodeAt(value, depth)}`;
    }
  }
  return `{${text.slice(1)}}`;
}

function encodedKey(key: LuaValue): string {
  if (typeof key === "string") return quoted(key);
  if (typeof key === "number") return `"${encodedNumber(key)}"`;
  throw new LuaError("Cannot serialise table: table key must be a number or string");
}

function encodedNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new LuaError("Cannot serialise number: must not be NaN or Inf");
  }
  return numberText(value, 14);
}

/** The number of elements when all keys are whole and positive; none or fewer for an object. */
function elementsOf(table: LuaTable): number {
  let [most, items] = [0, 0];
  for (let at = 0; at < table.array.length; at++) {
    if (table.array[at] === undefined) continue;
    most = at + 1;
    items++;
  }
  if (table.hash !== null) {
    for (const key of table.hash.keys()) {
      if (typeof key !== "number" || key < 1 || !Number.isInteger(key)) return -1;
      // It counts in 32 bits: a key that is larger makes an object.
      if (key > most) most = key <= KEY_MAX ? key : -KEY_MAX - 1;
      items++;
    }
  }
  if (most > items * SPARSE_RATIO && most > SPARSE_SAFE) {
    throw new LuaError("Cannot serialise table: excessively sparse array");
  }
  return most;
}

// deno-lint-ignore no-control-regex
const TO_ESCAPE = /[\0-\x1f"\\/\x7f]/;
// deno-lint-ignore no-control-regex
const ALL_TO_ESCAPE = /[\0-\x1f"\\/\x7f]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
};

function quoted(text: string): string {
  return `"${TO_ESCAPE.test(text) ? text.replace(ALL_TO_ESCAPE, escape) : text}"`;
}

function escape(sign: string): string {
  return ESCAPES[sign] ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** `cjson.decode`; throws a `LuaError` for what it cannot read. */
export function decode(text: string): LuaValue {
  if (text.length >= 2 && (text.charAt(0) === "\0" || text.charAt(1) === "\0")) {
    throw new LuaError("JSON parser does not support UTF-16 or UTF-32");
  }
  return new Reader(text).whole();
}

const [TAB, LINE, RETURN, SPACE, QUOTE, COMMA, COLON] = [9, 10, 13, 32, 34, 44, 58];
const [OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 92, 93, 123, 125];
const PLAIN: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads a text once, from its begin; what follows a zero byte is not there, as for C. */
class Reader {
  readonly #text: string;
  /** No text in it has an escape, or ends before its quote. */
  readonly #isPlain: boolean;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#isPlain = !text.includes("\\") && !text.includes("\0");
  }

  whole(): LuaValue {
    const value = this.#value();
    if (this.#next() > 0) throw this.#expected("the end");
    return value;
  }

  /** The next character that is no space; 0 at the end. */
  #next(): number {
    for (;;) {
      const code = this.#at < this.#text.length ? this.#text.charCodeAt(this.#at) : 0;
      if (code !== SPACE && code !== LINE && code !== TAB && code !== RETURN) return code;
      this.#at++;
    }
  }

  #value(): LuaValue {
    switch (this.#next()) {
      case QUOTE:
        return this.#string();
      case OPEN_OBJECT:
        return this.#object();
      case OPEN_LIST:
        return this.#list();
      default:
        return this.#scalar();
    }
  }

  #object(): LuaTable {
    this.#enter();
    const table = new LuaTable([]);
    const hash = table.hash = new Map();
    if (this.#next() === CLOSE_OBJECT) return this.#leave(table);
    for (;;) {
      if (this.#next() !== QUOTE) throw this.#expected("object key string");
      const key = this.#string();
      if (this.#next() !== COLON) throw this.#expected("colon");
      this.#at++;
      hash.set(key, this.#value());
      const code = this.#next();
      if (code === CLOSE_OBJECT) return this.#leave(table);
      if (code !== COMMA) throw this.#expected("comma or object end");
      this.#at++;
    }
  }

  #list(): LuaTable {
    this.#enter();
    const table = new LuaTable([]);
    if (this.#next() === CLOSE_LIST) return this.#leave(table);
    for (;;) {
      table.array.push(this.#value());
      const code = this.#next();
      if (code === CLOSE_LIST) return this.#leave(table);
      if (code !== COMMA) throw this.#expected("comma or array end");
      this.#at++;
    }
  }

  #enter(): void {
    this.#at++;
    if (++this.#depth > DEPTH_MAX) {
      throw new LuaError(`Found too many nested data structures (${this.#depth})`);
    }
  }

  #leave(table: LuaTable): LuaTable {
    this.#at++;
    this.#depth--;
    return table;
  }

  #string(): string {
    const text = this.#text;
    let from = ++this.#at;
    const end = this.#isPlain ? text.indexOf('"', from) : -1;
    if (end >= 0) {
      this.#at = end + 1;
      return text.slice(from, end);
    }
    let result = "";
    for (; this.#at < text.length; this.#at++) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) return result + text.slice(from, this.#at++);
      if (code === 0) break;
      if (code !== BACKSLASH) continue;
      result += text.slice(from, this.#at) + this.#escaped();
      from = this.#at + 1;
    }
    throw this.#expected("string end");
  }

  /** What an escape stands for; leaves the place at its last character. */
  #escaped(): string {
    const sign = this.#text.charAt(++this.#at);
    if (sign !== "u") {
      const plain = PLAIN[sign];
      if (plain === undefined) throw this.#expected("escape");
      return plain;
    }
    let point = this.#unit(this.#at + 1);
    this.#at += 4;
    if ((point & 0xf800) === 0xd800) {
      const low = this.#text.startsWith("\\u", this.#at + 1) ? this.#unit(this.#at + 3) : 0;
      if ((point & 0x400) !== 0 || (low & 0xfc00) !== 0xdc00) {
        throw this.#expected("unicode escape");
      }
      point = 0x10000 + ((point & 0x3ff) << 10 | low & 0x3ff);
      this.#at += 6;
    }
    return point < 0x80 ? String.fromCharCode(point) : bytesOf(point);
  }

  #unit(at: number): number {
    const digits = this.#text.slice(at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#expected("unicode escape");
    return parseInt(digits, 16);
  }

  #scalar(): LuaValue {
    const text = this.#text;
    for (const [word, value] of WORDS) {
      if (!text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    SCALAR.lastIndex = this.#at;
    const number = readNumber(SCALAR.exec(text)?.[0] ?? "");
    if (number === null) throw this.#expected("value");
    this.#at += number.length;
    return number.value;
  }

  #expected(what: string): LuaError {
    return new LuaError(`Expected ${what} at character ${this.#at + 1}`);
  }
}

const WORDS: readonly [string, LuaValue][] = [["true", true], ["false", false], ["null", null]];
/** The signs that a number can begin with and be made of, infinite ones included. */
const SCALAR = /[-+\diInN][-+.()\w]*/y;

function bytesOf(point: number): string {
  return String.fromCharCode(...new TextEncoder().encode(String.fromCodePoint(point)));
}
