/** The fleet as files: what is exported and applied again asks for nothing. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../events/json.ts";
import { planEntry } from "../../fleet/entry_plan.ts";
import { exportedFiles } from "../../fleet/fleet_export.ts";
import { readFleetFile } from "../../fleet/fleet_wish.ts";
import { anySpecification } from "./support/any_wish.ts";
import { OneInstance } from "./support/one_instance.ts";

/** An instance that was made by `fleet`, or by nobody's file. */
function made(id: string, specification: JsonObject, fleet: string | null) {
  const instance = new OneInstance(id);
  const labels = {
    ...specification.labels as JsonObject,
    ...(fleet === null ? {} : { "draas/fleet": fleet }),
  };
  instance.ask({ type: "create", specification: { ...specification, labels } as never });
  return { state: instance.state, fleet };
}

Deno.test("whatever there is, its files ask for exactly that", () => {
  const names = fc.constantFrom("web", "web-1", "web-2", "web-3", "x y", "__proto__", "1");
  const fleets = fc.constantFrom("shop", "adopted", null);
  fc.assert(
    fc.property(fc.array(fc.tuple(names, anySpecification, fleets), { maxLength: 8 }), (all) => {
      // A fleet calls no two instances by one name, and none by a name that is none.
      const taken = new Set<string>();
      const origins = all.flatMap(([name, specification, fleet], at) => {
        const key = `${fleet} ${name}`;
        if (fleet !== null && (taken.has(key) || name === "__proto__")) return [];
        taken.add(key);
        return [made(`instance-${at}`, { ...specification, name } as never, fleet)];
      });
      const states = new Map(origins.map(({ state }) => [state.context.instanceId, state]));
      const byName = new Map(origins.map(({ state, fleet }) => [
        `${fleet} ${state.context.specification!.name}`,
        state,
      ]));
      let count = 0;
      for (const file of exportedFiles(origins)) {
        const parsed = readFleetFile(JSON.parse(JSON.stringify(file)));
        assert(parsed.ok, JSON.stringify(parsed));
        for (const wanted of parsed.value.instances) {
          const { fleet } = parsed.value;
          const state = wanted.id === null
            ? byName.get(`${fleet} ${wanted.name}`)
            : states.get(wanted.id);
          assert(state, `${fleet} has ${wanted.name}`);
          assertEquals(planEntry({ fleet, wanted }, state), {
            steps: [],
            differences: [],
            reasons: [],
          });
          count++;
        }
      }
      assertEquals(count, origins.length, "each is in one file, once");
    }),
    { numRuns: 200 },
  );
});

Deno.test("instances that are the same but for their number are told as one with a count", () => {
  const program = {
    name: "",
    description: "",
    platform: "process",
    template: "command",
    configuration: { command: ["a"] },
    labels: {},
    restartPolicy: {
      mode: "on-failure",
      baseMs: 200,
      factor: 2,
      capMs: 60_000,
      resetAfterMs: 60_000,
      maxStarts: 10,
      windowMs: 600_000,
    },
    onWorkerLost: "wait",
    leaseMs: 30_000,
    workerLabels: {},
  };
  const called = (name: string, at: number) => made(`i${at}`, { ...program, name }, "shop");
  const form = { template: "command", desired: "stopped", serverConfiguration: { command: ["a"] } };
  const entriesOf = (...names: string[]) => exportedFiles(names.map(called))[0]!.instances;
  assertEquals(entriesOf("web-2", "web-1", "api"), { api: form, web: { count: 2, ...form } });
  assertEquals(entriesOf("web-1", "web-3"), { "web-1": form, "web-3": form });
  assertEquals(entriesOf("web-1", "web-2", "web"), { "web-1": form, "web-2": form, web: form });
});
