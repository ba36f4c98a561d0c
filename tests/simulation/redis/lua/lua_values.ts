/** Lua's values in JavaScript: nil is undefined, a text's characters stand for its bytes, tables are `LuaTable`. */
import { numberOfText, numberText } from "./lua_numbers.ts";

/** Whatever a Lua variable holds; `null` is cjson's null, a light userdata in Lua. */
export type LuaValue = undefined | null | boolean | number | string | LuaTable | LuaCallable;
/** What a call gives: one value, or a list of none or several. */
export type LuaResult = LuaValue | readonly LuaValue[];
export type LuaCallable = (...args: LuaValue[]) => LuaResult;

/** What a function without results gives. */
export const NONE: readonly LuaValue[] = Object.freeze([]);

/** A Lua error on its way; its value is a text or, as Redis makes them, a table with `err`. */
export class LuaError extends Error {
  override readonly name = "LuaError";
  readonly value: LuaValue;

  constructor(value: LuaValue) {
    super(value instanceof LuaTable ? String(value.get("err")) : String(value));
    this.value = value;
  }
}

/** A table: its elements 1..n in an array, whatever else in a map. */
export class LuaTable {
  array: LuaValue[];
  hash: Map<LuaValue, LuaValue> | null = null;

  constructor(array: LuaValue[]) {
    this.array = array;
    while (array.length > 0 && array[array.length - 1] === undefined) array.pop();
  }

  /** A table of `array` and of keys and values in turn. */
  static of(array: LuaValue[], pairs: readonly LuaValue[]): LuaTable {
    const table = new LuaTable(array);
    const hash = table.hash = new Map();
    for (let at = 0; at < pairs.length; at += 2) {
      const key = pairs[at];
      const value = pairs[at + 1];
      if (typeof key !== "string") table.set(key, value);
      else if (value !== undefined) hash.set(key, value);
    }
    return table;
  }

  get(key: LuaValue): LuaValue {
    if (typeof key === "number" && key >= 1 && key <= this.array.length && Number.isInteger(key)) {
      return this.array[key - 1];
    }
    return this.hash === null ? undefined : this.hash.get(key);
  }

  set(key: LuaValue, value: LuaValue): void {
    if (typeof key === "number") {
      if (this.#setElement(key, value)) return;
    }
    if (value !== undefined) (this.hash ??= new Map()).set(key, value);
    else if (this.hash !== null) this.hash.delete(key);
  }

  /** Every key with a value: the elements in their order, then the rest as they came. */
  keys(): LuaValue[] {
    const keys: LuaValue[] = [];
    for (let at = 0; at < this.array.length; at++) {
      if (this.array[at] !== undefined) keys.push(at + 1);
    }
    if (this.hash !== null) { for (const key of this.hash.keys()) keys.push(key); }
    return keys;
  }

  #setElement(key: number, value: LuaValue): boolean {
    const { array } = this;
    if (key === array.length + 1) {
      if (value === undefined) return false;
      this.hash?.delete(key);
      array.push(value);
      // What was set beyond the end belongs to it now.
      while (this.hash !== null && this.hash.has(array.length + 1)) {
        array.push(this.hash.get(array.length + 1));
        this.hash.delete(array.length);
      }
      return true;
    }
    if (key < 1 || key > array.length || !Number.isInteger(key)) return false;
    array[key - 1] = value;
    while (array.length > 0 && array[array.length - 1] === undefined) array.pop();
    return true;
  }
}

/** A table that is made once, with its library, and that no call may change: it would outlive the world it is in. */
export function constant(table: LuaTable): LuaTable {
  table.set = () => {
    throw new Error(
      "a function of the library changes a table of the library: state between calls",
    );
  };
  return table;
}

/** A Lua error of the running function, with the place that Lua names. */
export function fault(line: number, message: string): LuaError {
  return new LuaError(`${line > 0 ? `user_function:${line}: ` : ""}${message}`);
}

export function typeName(value: LuaValue): string {
  if (value === undefined) return "nil";
  if (value === null) return "userdata";
  if (value instanceof LuaTable) return "table";
  return typeof value;
}

export function first(result: LuaResult): LuaValue {
  return Array.isArray(result) ? result[0] : result as LuaValue;
}

export function list(result: LuaResult): readonly LuaValue[] {
  return Array.isArray(result) ? result : [result as LuaValue];
}

export function index(base: LuaValue, key: LuaValue, line: number): LuaValue {
  if (base instanceof LuaTable) return base.get(key);
  if (typeof base === "string") {
    if (typeof key === "string" && STRING_METHODS.has(key)) {
      throw new Error(`line ${line}: a method of a text is not supported`);
    }
    return undefined;
  }
  throw fault(line, `attempt to index a ${typeName(base)} value`);
}

const STRING_METHODS = new Set(
  "byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper".split(" "),
);

export function setIndex(base: LuaValue, key: LuaValue, value: LuaValue, line: number): void {
  if (!(base instanceof LuaTable)) {
    throw fault(line, `attempt to index a ${typeName(base)} value`);
  }
  if (key === undefined) throw fault(line, "table index is nil");
  if (key !== key) throw fault(line, "table index is NaN");
  base.set(key, value);
}

export function callable(value: LuaValue, line: number): LuaCallable {
  if (typeof value === "function") return value;
  throw fault(line, `attempt to call a ${typeName(value)} value`);
}

export function length(value: LuaValue, line: number): number {
  if (typeof value === "string") return value.length;
  if (value instanceof LuaTable) return value.array.length;
  throw fault(line, `attempt to get length of a ${typeName(value)} value`);
}

/** A part of `a .. b`. */
export function part(value: LuaValue, line: number): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberText(value, 14);
  throw fault(line, `attempt to concatenate a ${typeName(value)} value`);
}

/** An operand of arithmetic: a number, or a text that reads as one. */
export function operand(value: LuaValue, line: number): number {
  if (typeof value === "number") return value;
  const number = typeof value === "string" ? numberOfText(value) : undefined;
  if (number !== undefined) return number;
  throw fault(line, `attempt to perform arithmetic on a ${typeName(value)} value`);
}

export function modulo(left: number, right: number): number {
  return left - Math.floor(left / right) * right;
}

export function less(left: LuaValue, right: LuaValue, line: number): boolean {
  if (typeof left === "number" && typeof right === "number") return left < right;
  return ordered(left, right, line) && (left as string) < (right as string);
}

export function lessOrEqual(left: LuaValue, right: LuaValue, line: number): boolean {
  if (typeof left === "number" && typeof right === "number") return left <= right;
  return ordered(left, right, line) && (left as string) <= (right as string);
}

/** `>`, which Lua takes for `<` of its sides in turn; both are evaluated in the order of the text. */
export function more(left: LuaValue, right: LuaValue, line: number): boolean {
  return less(right, left, line);
}

export function moreOrEqual(left: LuaValue, right: LuaValue, line: number): boolean {
  return lessOrEqual(right, left, line);
}

function ordered(left: LuaValue, right: LuaValue, line: number): true {
  if (typeof left === "string" && typeof right === "string") return true;
  const [a, b] = [typeName(left), typeName(right)];
  throw fault(line, `attempt to compare ${a === b ? `two ${a} values` : `${a} with ${b}`}`);
}

/** A bound of a numeric `for`. */
export function bound(value: LuaValue, line: number): number {
  const number = typeof value === "string" ? numberOfText(value) : value;
  if (typeof number === "number") return number;
  throw fault(line, "'for' initial value, limit and step must be numbers");
}

/** What `pairs` and `ipairs` go over. */
export function tableIn(value: LuaValue, line: number): LuaTable {
  if (value instanceof LuaTable) return value;
  throw fault(line, `bad argument #1 (table expected, got ${typeName(value)})`);
}
