/** Four programs to play with, for who has no fleet yet: one that lives, one that talks, one that crashes, one that ends. Pure. */
import type { JsonObject } from "../../events/json.ts";
import { begin } from "./asking.ts";
import { type Model, shownFleet } from "./model.ts";
import { type Step, step, tell, then } from "./step.ts";

const SCRIPTS: readonly [name: string, script: string][] = [
  ["demo-sleeper", "exec sleep 100000"],
  ["demo-clock", "while :; do date; sleep 1; done"],
  ["demo-flaky", "echo I live for five seconds; sleep 5; echo and now I crash >&2; exit 3"],
  ["demo-once", "echo I work for ten seconds; sleep 10; echo done"],
];

/** Whether there is no fleet to mix them with. */
export function canHaveDemo(model: Model): boolean {
  return model.isListed && shownFleet(model).instances.size === 0;
}

/** Creates them, where there is nothing else; nothing is started by that. */
export function createDemo(model: Model): Step {
  if (!canHaveDemo(model)) return step(tell(model, "There is a fleet already.", "bad"));
  return SCRIPTS.reduce(
    (all, [name, script]) =>
      then(all, (next) =>
        begin(next, {
          request: { type: "create", specification: specificationOf(name, script) },
          instanceIds: [null],
        })),
    step(model),
  );
}

function specificationOf(name: string, script: string): JsonObject {
  return {
    name,
    description: "One of four to play with.",
    template: "command",
    labels: { demo: "true" },
    serverConfiguration: { command: ["sh", "-c", script] },
  };
}
