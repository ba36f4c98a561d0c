/** The plan for one instance: what it takes, in which order, why, and that nothing is left after it. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson } from "../../events/json.ts";
import { specificationSchema } from "../../events/specification.ts";
import { type Asked, planEntry, requestOf, specificationFor } from "../../fleet/entry_plan.ts";
import type { Desired } from "../../fleet/fleet_file.ts";
import { statusOf } from "../../machines/status.ts";
import { anyInstance, anyWanted } from "./support/any_wish.ts";
import { OneInstance } from "./support/one_instance.ts";

const STEPS_MAX = 12;

function asked(desired: Desired = "running", more: Record<string, unknown> = {}): Asked {
  const specification = specificationSchema.parse({
    name: "web",
    template: "command",
    configuration: { command: ["server"] },
    ...more,
  });
  return { fleet: "shop", wanted: { name: "web", entry: "web", id: null, specification, desired } };
}

/** Does what the plan says, one step after the other; gives the steps. */
function carryOut(instance: OneInstance, asked: Asked): string[] {
  const taken: string[] = [];
  for (let at = 0; at < STEPS_MAX; at++) {
    const { steps: [step] } = planEntry(asked, instance.found);
    if (step === undefined) return taken;
    taken.push(step);
    const request = requestOf(step, asked, instance.found);
    if (request !== null) {
      const decision = instance.ask(request);
      assert(decision.kind !== "rejected", `${step}: ${JSON.stringify(decision)}`);
    }
    instance.work();
  }
  throw new Error(`it has no end: ${taken.join(", ")}`);
}

function made(desired: Desired = "running"): OneInstance {
  const instance = new OneInstance("instance-1");
  carryOut(instance, asked(desired));
  return instance;
}

Deno.test("whatever there is, its plan makes it what the file says, by requests that the machine accepts", () => {
  fc.assert(
    fc.property(anyInstance, anyWanted, (make, wanted) => {
      const instance = make();
      const one = { fleet: "shop", wanted };
      const planned = planEntry(one, instance.found).steps;
      const taken = carryOut(instance, one);
      const { specification, run } = instance.state.context;
      const wish = specificationFor(one, instance.state);
      const isRunning = wanted.desired === "running";
      assertEquals(statusOf(instance.state) === "Running", isRunning);
      const kept = { ...specification!, leaseMs: 0 };
      assertEquals(
        canonicalJson(kept),
        canonicalJson({ ...wish, leaseMs: 0, limits: kept.limits }),
      );
      assertEquals(kept.limits ?? {}, wish.limits ?? {});
      if (isRunning) {
        assertEquals(canonicalJson(run?.launch?.configuration), canonicalJson(wish.configuration));
      }
      // What it takes is what was planned; where it had to wait it may have come to less, or to a start more.
      const surplus = taken.filter((step) => !planned.includes(step as never) && step !== "start");
      assertEquals(surplus, []);
    }),
    { numRuns: 300 },
  );
});

Deno.test("what is as it is to be needs nothing", () => {
  fc.assert(
    fc.property(anyInstance, anyWanted, (make, wanted) => {
      const instance = make();
      const one = { fleet: "shop", wanted };
      carryOut(instance, one);
      assertEquals(planEntry(one, instance.found), { steps: [], differences: [], reasons: [] });
    }),
    { numRuns: 100 },
  );
});

Deno.test("an instance that is to run is created and started, one that is not is created", () => {
  assertEquals(planEntry(asked(), null).steps, ["create", "start"]);
  assertEquals(planEntry(asked("stopped"), null).steps, ["create"]);
});

Deno.test("only what a server runs with takes a restart: not its labels, its description or its policy", () => {
  const changes = {
    labels: { tier: "front" },
    description: "the web",
    restartPolicy: { mode: "always" },
  };
  const { steps, differences } = planEntry(asked("running", changes), made().found);
  assertEquals(steps, ["configure"]);
  assertEquals(differences, [
    { path: "description", before: "", after: "the web" },
    { path: "labels.tier", after: "front" },
    { path: "restartPolicy.mode", before: "on-failure", after: "always" },
  ]);
  const limited = planEntry(asked("running", { limits: { cpus: 1 } }), made().found);
  assertEquals([limited.steps, limited.reasons], [
    ["configure", "restart"],
    ["it runs with other limits"],
  ]);
});

Deno.test("one that does not run is configured and started, and not restarted", () => {
  const instance = made("stopped");
  const changed = asked("running", { configuration: { command: ["other"] } });
  assertEquals(planEntry(changed, instance.found).steps, ["configure", "start"]);
  assertEquals(planEntry(asked("stopped"), instance.found).steps, []);
});

Deno.test("one that is under way is waited for, and stopped at once where it is not to run", () => {
  const instance = made("stopped");
  instance.ask({ type: "start" });
  const waits = planEntry(asked(), instance.found);
  assertEquals([waits.steps, waits.reasons], [["wait"], ["it is Starting"]]);
  assertEquals(planEntry(asked("stopped"), instance.found).steps, ["stop"]);
  const changed = asked("running", { configuration: { command: ["other"] } });
  assertEquals(planEntry(changed, instance.found).steps, ["wait", "configure", "restart"]);
});

Deno.test("one that has failed is started again, and its failure is told", () => {
  const instance = made("stopped");
  instance.ask({ type: "start" });
  instance.work(false);
  const { steps, reasons } = planEntry(asked(), instance.found);
  assertEquals([steps, reasons], [["start"], ["it has failed: no"]]);
});

Deno.test("the labels of DRaaS's own are neither the file's to give nor to take", () => {
  const instance = made();
  assertEquals(instance.state.context.specification?.labels, { "draas/fleet": "shop" });
  instance.ask({ type: "configure", changes: { labels: {} } });
  assertEquals(planEntry(asked(), instance.found).differences, [
    { path: "labels.draas/fleet", after: "shop" },
  ]);
  const { wanted } = asked();
  const adopted = { fleet: "other", wanted: { ...wanted, id: "instance-1" } };
  assertEquals(planEntry(adopted, made().found).steps, []);
});

Deno.test("what takes effect at the next start is said to", () => {
  const { steps, reasons } = planEntry(
    asked("running", { onWorkerLost: "reschedule", workerLabels: { zone: "a" } }),
    made().found,
  );
  assertEquals([steps, reasons], [
    ["configure"],
    ["onWorkerLost, leaseMs, workerLabels: from its next start on"],
  ]);
});
