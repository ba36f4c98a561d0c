/** Patches in the two forms that the IETF defined: merge patches (RFC 7396) and JSON patches (RFC 6902). */
import { type Fields, isFields, isSame } from "./kube_objects.ts";
import { ApiError } from "./status_errors.ts";

/** A merge patch, done: null removes, lists are replaced as a whole. */
export function mergePatched(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatched(result[name], value);
  }
  return result;
}

/** One step of a JSON patch. */
export interface PatchStep {
  op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  path: string;
  from?: string;
  value?: unknown;
}

/**
 * A JSON patch, done on a copy.
 * @throws {ApiError} 422 when a step can't be done
 */
export function jsonPatched(target: unknown, steps: readonly PatchStep[]): unknown {
  const result = structuredClone(target);
  for (const step of steps) takeStep(result, step);
  return result;
}

function takeStep(target: unknown, { op, path, from = "", value }: PatchStep): void {
  if (op === "move" || op === "copy") {
    const [holder, key] = placeOf(target, from);
    const moved = structuredClone(holder[key as keyof typeof holder]);
    if (op === "move") removeAt(holder, key);
    addAt(...placeOf(target, path), moved);
    return;
  }
  const [holder, key] = placeOf(target, path);
  const current = (holder as Fields)[key];
  if (op === "add") addAt(holder, key, value);
  else if (current === undefined) {
    throw notDone();
  } else if (op === "remove") removeAt(holder, key);
  else if (op === "replace") (holder as Fields)[key] = value;
  else if (!isSame(current, value)) {
    throw notDone();
  }
}

function notDone(): ApiError {
  const words = "the server rejected our request due to an error in our request";
  return new ApiError(422, "Invalid", words, {});
}

type Holder = Fields | unknown[];

function placeOf(target: unknown, path: string): [Holder, string] {
  const steps = path.split("/").slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const key = steps.pop() ?? "";
  let holder = target;
  for (const step of steps) holder = (holder as Fields | undefined)?.[step];
  if (typeof holder !== "object" || holder === null) {
    throw notDone();
  }
  return [holder as Holder, key];
}

function addAt(holder: Holder, key: string, value: unknown): void {
  if (Array.isArray(holder)) {
    holder.splice(key === "-" ? holder.length : Number(key), 0, value);
  } else holder[key] = value;
}

function removeAt(holder: Holder, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}
