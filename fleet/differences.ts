/** What differs between two values of JSON, member by member, so that a person can read it. Pure. */
import { canonicalJson, type Json, type JsonObject } from "../events/json.ts";

/** One difference. A side that is absent has no such member. */
export interface Difference {
  /** Member names and indexes with dots between them. */
  path: string;
  before?: Json;
  after?: Json;
}

/** Objects are looked into, and lists of objects of one length; all else is one value. */
export function differences(before: JsonObject, after: JsonObject): Difference[] {
  return inObjects(before, after, "");
}

function between(before: Json | undefined, after: Json | undefined, path: string): Difference[] {
  if (isSame(before, after)) return [];
  if (isObject(before) && isObject(after)) return inObjects(before, after, path);
  if (isListOfObjects(before) && isListOfObjects(after) && before.length === after.length) {
    return before.flatMap((one, at) => between(one, after[at], `${path}.${at}`));
  }
  return [{
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }];
}

function inObjects(before: JsonObject, after: JsonObject, path: string): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) =>
    between(memberOf(before, name), memberOf(after, name), path === "" ? name : `${path}.${name}`)
  );
}

function memberOf(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOfObjects(value: Json | undefined): value is JsonObject[] {
  return Array.isArray(value) && value.length > 0 && value.every(isObject);
}
