/** The protocol's atomic steps as one Redis function library, named by its version so that two can stand side by side. */
import accept from "./functions/accept.lua" with { type: "text" };
import append from "./functions/append.lua" with { type: "text" };
import complete from "./functions/complete.lua" with { type: "text" };
import retention from "./functions/retention.lua" with { type: "text" };
import runs from "./functions/runs.lua" with { type: "text" };
import shared from "./functions/shared.lua" with { type: "text" };
import waiting from "./functions/waiting.lua" with { type: "text" };
import workers from "./functions/workers.lua" with { type: "text" };
import { CURRENT_SCHEMA } from "../../events/instance_events.ts";

/** Grows with each change of a step: nodes of two releases call each their own. Design §5, Redis rules. */
export const LIBRARY_VERSION = 1;

/** A library: its name, which begins the names of its functions, and its text. */
export interface FunctionLibrary {
  name: string;
  text: string;
}

/** The library of this release; another version or other schema numbers stand for another release. */
export function functionLibrary(
  version: number = LIBRARY_VERSION,
  schemas: Readonly<Record<string, number>> = CURRENT_SCHEMA,
): FunctionLibrary {
  const name = `draas_v${version}`;
  const numbers = Object.entries(schemas).map(([type, schema]) => `${type} = ${schema}`);
  const text = [
    `#!lua name=${name}`,
    `local LIBRARY = '${name}'`,
    `local SCHEMA = { ${numbers.join(", ")} }`,
    shared,
    runs,
    append,
    accept,
    complete,
    waiting,
    workers,
    retention,
  ].join("\n");
  return { name, text };
}
