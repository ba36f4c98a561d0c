/**
 * Lua's patterns as regular expressions: each is a row of single items with at most one repetition, tried in the same
 * order as V8 tries its own, so both find the same. Classes are spelled out, since Lua's know bytes only.
 */
import { LuaError, type LuaResult, type LuaValue } from "./lua_values.ts";

const BYTES = 256;
const compiled = new Map<string, RegExp>();

/** `string.find`. */
export function find(
  text: string,
  pattern: string,
  from: number = 1,
  isPlain: LuaValue = false,
): LuaResult {
  const start = startOf(text, from);
  if (isPlain !== undefined && isPlain !== false) {
    const at = text.indexOf(pattern, start);
    return at < 0 ? undefined : [at + 1, at + pattern.length];
  }
  const found = search(text, pattern, start);
  return found ? [found.index + 1, found.index + found[0].length, ...found.slice(1)] : undefined;
}

/** The first result of `find`. */
export function findStart(
  text: string,
  pattern: string,
  from: number = 1,
  isPlain: LuaValue = false,
): LuaValue {
  const start = startOf(text, from);
  const at = isPlain !== undefined && isPlain !== false
    ? text.indexOf(pattern, start)
    : search(text, pattern, start)?.index ?? -1;
  return at < 0 ? undefined : at + 1;
}

/** `string.match`. */
export function match(text: string, pattern: string, from: number = 1): LuaResult {
  const found = search(text, pattern, startOf(text, from));
  if (!found) return undefined;
  return found.length === 1 ? found[0] : found.slice(1);
}

/** The first result of `match`. */
export function matchFirst(text: string, pattern: string, from: number = 1): LuaValue {
  const found = search(text, pattern, startOf(text, from));
  return found ? found[found.length === 1 ? 0 : 1] : undefined;
}

/** `string.gmatch`, whole: what each turn of its loop gets. */
export function matches(text: string, pattern: string): LuaValue[][] {
  if (pattern.startsWith("^")) throw new Error("gmatch with an anchor is not supported");
  const all: LuaValue[][] = [];
  const regular = expression(pattern);
  for (let from = 0; from <= text.length;) {
    regular.lastIndex = from;
    const found = regular.exec(text);
    if (!found) break;
    all.push(found.length === 1 ? [found[0]] : found.slice(1));
    from = found.index + Math.max(1, found[0].length);
  }
  return all;
}

/** `string.gsub` with a text in place of what is found; its first result. */
export function replace(text: string, pattern: string, by: string, most = Infinity): string {
  return replaceAll(text, pattern, by, most).text;
}

/** `string.gsub`. */
export function replaceCounted(
  text: string,
  pattern: string,
  by: string,
  most = Infinity,
): LuaResult {
  const done = replaceAll(text, pattern, by, most);
  return [done.text, done.count];
}

function replaceAll(
  text: string,
  pattern: string,
  by: string,
  most: number,
): { text: string; count: number } {
  const regular = expression(pattern);
  const isAnchored = pattern.startsWith("^");
  let [result, from, count] = ["", 0, 0];
  while (count < most && from <= text.length) {
    regular.lastIndex = from;
    const found = regular.exec(text);
    if (!found) break;
    count++;
    const end = found.index + found[0].length;
    result += text.slice(from, found.index) + replacement(by, found);
    // After nothing was found here, the next character is passed over, so that there is an end.
    if (found[0] === "") result += text.charAt(end);
    from = found[0] === "" ? end + 1 : end;
    if (isAnchored) break;
  }
  return { text: result + text.slice(from), count };
}

function replacement(by: string, found: RegExpExecArray): string {
  if (!by.includes("%")) return by;
  return by.replace(/%([\s\S]?)/g, (_, sign: string) => {
    // A sign at the very end is followed by C's end of the text.
    if (!/\d/.test(sign)) return sign === "" ? "\0" : sign;
    const number = found.length === 1 && sign === "1" ? 0 : Number(sign);
    if (number >= found.length) throw new LuaError("invalid capture index");
    return found[number] ?? "";
  });
}

function search(text: string, pattern: string, start: number): RegExpExecArray | null {
  const regular = expression(pattern);
  regular.lastIndex = start;
  return regular.exec(text);
}

/** Where a search begins, from 0; Lua counts negative ones from the end. */
function startOf(text: string, from: number): number {
  const start = from < 0 ? text.length + from : from - 1;
  return Math.min(Math.max(0, Math.trunc(start)), text.length);
}

function expression(pattern: string): RegExp {
  let known = compiled.get(pattern);
  if (known === undefined) {
    const isAnchored = pattern.startsWith("^");
    // An anchor of Lua holds where the search begins, as a sticky expression does.
    known = new RegExp(translate(isAnchored ? pattern.slice(1) : pattern), isAnchored ? "y" : "g");
    compiled.set(pattern, known);
  }
  return known;
}

/** The expression of a pattern without its anchor. */
function translate(pattern: string): string {
  let [source, at, open] = ["", 0, 0];
  while (at < pattern.length) {
    const sign = pattern.charAt(at);
    if (sign === "(") {
      if (pattern.charAt(at + 1) === ")") {
        throw new Error("a capture of a position is not supported");
      }
      source += "(";
      open++;
      at++;
    } else if (sign === ")") {
      if (open-- === 0) throw new LuaError("invalid pattern capture");
      source += ")";
      at++;
    } else if (sign === "$" && at === pattern.length - 1) {
      source += "$";
      at++;
    } else {
      const item = readItem(pattern, at);
      const repetition = pattern.charAt(item.end);
      const isRepeated = repetition !== "" && "*+-?".includes(repetition);
      source += bytesSource(item.has);
      if (isRepeated) source += repetition === "-" ? "*?" : repetition;
      at = item.end + (isRepeated ? 1 : 0);
    }
  }
  if (open > 0) throw new LuaError("unfinished capture");
  return source;
}

interface Item {
  has: (byte: number) => boolean;
  end: number;
}

/** A single item: a character, a class, or a set. */
function readItem(pattern: string, at: number): Item {
  const sign = pattern.charAt(at);
  if (sign === "[") return readSet(pattern, at + 1);
  if (sign === ".") return { has: () => true, end: at + 1 };
  if (sign !== "%") return { has: only(sign), end: at + 1 };
  const name = pattern.charAt(at + 1);
  if (name === "") throw new LuaError("malformed pattern (ends with '%')");
  if (/[bf\d]/.test(name)) throw new Error(`%${name} in a pattern is not supported`);
  return { has: classOf(name), end: at + 2 };
}

function readSet(pattern: string, from: number): Item {
  const isNegated = pattern.charAt(from) === "^";
  let at = isNegated ? from + 1 : from;
  const parts: Item["has"][] = [];
  do {
    const sign = pattern.charAt(at);
    if (sign === "") throw new LuaError("malformed pattern (missing ']')");
    if (sign === "%") {
      if (at + 1 >= pattern.length) throw new LuaError("malformed pattern (missing ']')");
      parts.push(classOf(pattern.charAt(at + 1)));
      at += 2;
    } else if (pattern.charAt(at + 1) === "-" && !["]", ""].includes(pattern.charAt(at + 2))) {
      const [low, high] = [sign.charCodeAt(0), pattern.charCodeAt(at + 2)];
      if (pattern.charAt(at + 2) === "%") throw new Error("a range up to % is not supported");
      parts.push((byte) => byte >= low && byte <= high);
      at += 3;
    } else {
      parts.push(only(sign));
      at++;
    }
  } while (pattern.charAt(at) !== "]");
  return { has: (byte) => parts.some((has) => has(byte)) !== isNegated, end: at + 1 };
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  a: /[A-Za-z]/,
  // deno-lint-ignore no-control-regex
  c: /[\0-\x1f\x7f]/,
  d: /[0-9]/,
  l: /[a-z]/,
  p: /[!-/:-@[-`{-~]/,
  s: /[\t-\r ]/,
  u: /[A-Z]/,
  w: /[A-Za-z0-9]/,
  x: /[A-Fa-f0-9]/,
  z: /\0/,
};

function classOf(name: string): Item["has"] {
  const known = CLASSES[name.toLowerCase()];
  if (!known) return only(name);
  const isMeant = name === name.toLowerCase();
  return (byte) => known.test(String.fromCharCode(byte)) === isMeant;
}

function only(sign: string): Item["has"] {
  const code = sign.charCodeAt(0);
  return (byte) => byte === code;
}

/** The set of bytes as ranges of a regular expression. */
function bytesSource(has: Item["has"]): string {
  let ranges = "";
  for (let low = 0; low < BYTES; low++) {
    if (!has(low)) continue;
    let high = low;
    while (high + 1 < BYTES && has(high + 1)) high++;
    ranges += `${escaped(low)}-${escaped(high)}`;
    low = high;
  }
  return `[${ranges}]`;
}

function escaped(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
