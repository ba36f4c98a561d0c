/** Puts the parts of a request together: their values, or one problem with the faults of all of them. */
import type { Fault } from "../events/configuration.ts";
import { ID_PATTERN } from "../events/ids.ts";
import type { Parsed } from "../events/specification.ts";
import type { HttpContext } from "./options.ts";
import { instanceNotFound, invalidRequest } from "./problem.ts";

/**
 * The values of all parts.
 * @throws {Problem} 400 `invalid` with every fault of every part
 */
export function allParts<T extends Record<string, unknown>>(
  parts: { [K in keyof T]: Parsed<T[K]> },
): T {
  const faults: Fault[] = [];
  const values: Partial<T> = {};
  for (const name of Object.keys(parts) as (keyof T)[]) {
    const part = parts[name];
    if (part.ok) values[name] = part.value;
    else for (const fault of part.faults) faults.push(fault);
  }
  if (faults.length > 0) throw invalidRequest(faults);
  return values as T;
}

/**
 * The instance's id in the path.
 * @throws {Problem} 404 when no instance can have it
 */
export function instanceIdOf(context: HttpContext): string {
  const id = context.req.param("id") ?? "";
  if (!ID_PATTERN.test(id)) throw instanceNotFound(id.slice(0, 100));
  return id;
}
