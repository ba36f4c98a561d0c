/**
 * JSON Patch (RFC 6902) on configurations: all operations or none, on a copy. The library finds differences; it does no
 * operation, since it takes an object for what its field `constructor` says, and follows what objects inherit.
 */
import { createPatch, type Operation } from "rfc6902";
import { z } from "zod";
import type { Json, JsonObject } from "../events/json.ts";
import { type Parsed, parseWith } from "../events/specification.ts";

const OPERATIONS_MAX = 500;
/** Of all that the operations of one patch copy: copies of copies would grow without end. */
const COPIED_BYTES_MAX = 1_048_576;
/** Lists are compared each item with each, at a cost: beyond this in one difference they are replaced as a whole. */
const COMPARISONS_MAX = 4_000;
/** Of two lists together: the library goes as deep into itself. */
const COMPARED_ITEMS_MAX = 200;

/** Names that are no fields but the way to what all objects share; the library passes over them. */
const UNREACHABLE = ["__proto__", "constructor", "prototype"];

const pointerForm = "must be a JSON Pointer, as in /queries/0/id";
const pointer = z.string({ error: pointerForm })
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, pointerForm)
  .refine((path) => !tokensOf(path).some((token) => UNREACHABLE.includes(token)), {
    error: "must not name __proto__, constructor or prototype; PUT the configuration as a whole",
  });
const value = z.custom<Json>((given) => given !== undefined, { error: "must be there" })
  .refine((given) => !hasOwnPrototype(given), { error: "must not have a field __proto__" })
  .meta({ type: ["object", "array", "string", "number", "boolean", "null"] });

const operation = z.discriminatedUnion("op", [
  z.object({ op: z.literal("add"), path: pointer, value }),
  z.object({ op: z.literal("remove"), path: pointer }),
  z.object({ op: z.literal("replace"), path: pointer, value }),
  z.object({ op: z.literal("move"), from: pointer, path: pointer }),
  z.object({ op: z.literal("copy"), from: pointer, path: pointer }),
  z.object({ op: z.literal("test"), path: pointer, value }),
], { error: "must be one of add, remove, replace, move, copy, test, in an object with its path" });

/** The body of a patch. */
export const patchSchema = z.array(operation, {
  error: "the body must be a JSON Patch: an array of operations",
});
const TOO_MANY = `must have at most ${OPERATIONS_MAX} operations`;

/** The operations of a patch whose form is right; whether they can be done is for the document to say. */
export type JsonPatch = z.infer<typeof patchSchema>;
type PatchOperation = JsonPatch[number];

/** The patch in a body, or all faults of its form. */
export function readPatch(body: Json | undefined): Parsed<JsonPatch> {
  // Before its operations are looked at, each of which may have faults of its own.
  if (Array.isArray(body) && body.length > OPERATIONS_MAX) {
    return { ok: false, faults: [{ path: "", message: TOO_MANY }] };
  }
  return parseWith(patchSchema, body);
}

/** The first operation that could not be done. */
export interface PatchFailure {
  index: number;
  op: PatchOperation["op"];
  path: string;
  /** A `test` that found something else; otherwise a path that leads nowhere, or too much. */
  isTest: boolean;
  /** To be read after the operation: `there is no value`. */
  reason: string;
}

export type Patching = { ok: true; value: Json | undefined } | {
  ok: false;
  failure: PatchFailure;
};

/**
 * What `patch` makes of `document`, which stays as it is; undefined where it removes the whole.
 * @param depthMax of objects and arrays within each other, in what comes of it
 */
export function patched(document: JsonObject, patch: JsonPatch, depthMax: number): Patching {
  // A part of a whole, so that the empty pointer has a place like any other.
  const whole: JsonObject = { document: structuredClone(document) };
  const room = { bytes: COPIED_BYTES_MAX, depth: depthMax };
  for (const [index, operation] of patch.entries()) {
    const reason = refusalOf(whole, operation, room);
    if (reason !== null) {
      const { op, path } = operation;
      return { ok: false, failure: { index, op, path, isTest: op === "test", reason } };
    }
  }
  return { ok: true, value: whole.document };
}

/** A patch that makes `to` of `from`. */
export function difference(from: JsonObject, to: JsonObject): Operation[] {
  let left = COMPARISONS_MAX;
  return createPatch(from, to, (before, after, pointer) => {
    if (!Array.isArray(before) || !Array.isArray(after)) return;
    if (isSame(before, after)) return [];
    const comparisons = (before.length + 1) * (after.length + 1);
    if (comparisons > left || before.length + after.length > COMPARED_ITEMS_MAX) {
      return [{ op: "replace", path: pointer.toString(), value: after }];
    }
    left -= comparisons;
  });
}

/** Does one operation; why it cannot be done, or null. */
function refusalOf(
  whole: JsonObject,
  operation: PatchOperation,
  room: { bytes: number; depth: number },
): string | null {
  const { op, path } = operation;
  const source = "from" in operation ? operation.from : path;
  const present = op === "add" ? null : valueAt(whole, inWhole(source));
  if (present === undefined) {
    return source === path ? "there is no value" : `there is no value at '${source}'`;
  }
  switch (operation.op) {
    case "test":
      // The library compares lists each item with each.
      return isSame(present, operation.value) ? null : "the value is another one";
    case "remove":
      return take(whole, path);
    case "add":
    case "replace":
      return placeRefusal(whole, path, operation.value, room.depth) ??
        put(whole, path, operation.value, op === "add");
    case "copy":
      room.bytes -= JSON.stringify(present).length;
      if (room.bytes < 0) return "the patch copies too much";
      return placeRefusal(whole, path, present!, room.depth) ?? put(whole, path, present!, true);
    case "move":
      if (source === path) return null;
      if (path.startsWith(`${source}/`)) return "a value cannot be moved into itself";
      // By RFC 6902 a remove, then an add: places are counted anew between them.
      take(whole, source);
      return placeRefusal(whole, path, present!, room.depth) ?? put(whole, path, present!, true);
  }
}

/** Removes what is at a place that there is. */
function take(whole: JsonObject, path: string): null {
  const { parent, name } = placeOf(whole, path);
  if (Array.isArray(parent)) parent.splice(Number(name), 1);
  else delete parent[name];
  return null;
}

/** Puts a copy of `value` at a place that there may be; in a list it moves the others on, unless it takes one's place. */
function put(whole: JsonObject, path: string, value: Json, isAdded: boolean): null {
  const { parent, name } = placeOf(whole, path);
  const copy = structuredClone(value);
  if (!Array.isArray(parent)) parent[name] = copy;
  else if (name === "-") parent.push(copy);
  else parent.splice(Number(name), isAdded ? 0 : 1, copy);
  return null;
}

function placeOf(whole: JsonObject, path: string): { parent: JsonObject | Json[]; name: string } {
  const within = inWhole(path);
  const parent = valueAt(whole, within.slice(0, within.lastIndexOf("/")));
  return { parent: parent as JsonObject | Json[], name: tokensOf(within).at(-1)! };
}

function placeRefusal(
  whole: JsonObject,
  path: string,
  value: Json,
  depthMax: number,
): string | null {
  const tokens = tokensOf(path);
  if (tokens.length + depthOf(value) > depthMax) {
    return `it would be nested deeper than ${depthMax} levels`;
  }
  if (tokens.length === 0) return null;
  const parent = valueAt(whole, inWhole(path.slice(0, path.lastIndexOf("/"))));
  const last = tokens.at(-1)!;
  if (Array.isArray(parent)) {
    const isPlace = last === "-" || (isIndex(last) && Number(last) <= parent.length);
    return isPlace ? null : "it is no place in that list";
  }
  return isObject(parent) ? null : "there is nothing to put it into";
}

/** The value at a pointer, through own fields only. */
function valueAt(whole: Json, path: string): Json | undefined {
  let value: Json | undefined = whole;
  for (const token of tokensOf(path)) {
    if (Array.isArray(value)) value = isIndex(token) ? value[Number(token)] : undefined;
    else if (isObject(value)) value = Object.hasOwn(value, token) ? value[token] : undefined;
    else return undefined;
  }
  return value;
}

function inWhole(path: string): string {
  return `/document${path}`;
}

function tokensOf(path: string): string[] {
  return path.split("/").slice(1).map((token) => token.replace(/~1/g, "/").replace(/~0/g, "~"));
}

function isIndex(token: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(token);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function depthOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Object.values(value).reduce<number>((most, one) => Math.max(most, depthOf(one)), 0);
}

function hasOwnPrototype(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasOwnPrototype);
}

/** Equality by RFC 6902: the order of fields does not count. */
function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length &&
      a.every((one, index) => isSame(one, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
}
