/** Shrinking: what is left breaks the same invariant, and nothing of it can be taken away. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FAULT_KINDS, type Plan, type Step } from "../plan.ts";
import { minimize } from "./minimize.ts";
import { shrinkPlan } from "./shrink.ts";
import { fault, planOf, request } from "./stand_in_surroundings.ts";

const UNLIMITED = { isOver: () => false, onProgress: () => {} };
const steps = fc.array(
  fc.record({
    isRequest: fc.boolean(),
    atMs: fc.integer({ min: 0, max: 9_999 }),
    number: fc.integer({ min: 0, max: 5 }),
  }),
  { minLength: 1, maxLength: 40 },
).map((drawn) =>
  drawn.map(({ isRequest, atMs, number }): Step =>
    isRequest
      ? request(atMs, { instance: number, user: number, node: number % 3 })
      : fault(atMs, { kind: FAULT_KINDS[number]!, target: number, durationMs: atMs })
  )
);

Deno.test("of a list that fails there is left what fails, with no item to spare", async () => {
  const lists = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 60 });
  await fc.assert(fc.asyncProperty(lists, fc.nat(), fc.nat(), async (items, salt, least) => {
    // Deliberately not monotone: more items may hide the fault.
    const fails = (kept: readonly number[]) =>
      kept.length === items.length || hashOf(kept, salt) % 4 === 0 && kept.length > least % 7;
    const left = await minimize(items, async (kept) => fails(kept));
    assert(fails(left), "it fails still");
    assertEquals(left, items.filter((item) => left.includes(item)), "in its order");
    for (const item of left) {
      assert(!fails(left.filter((one) => one !== item)), `${item} could be taken away`);
    }
  }));
});

Deno.test("the two of a hundred items that matter are found in few tries", async () => {
  let tries = 0;
  const left = await minimize(Array.from({ length: 100 }, (_, i) => i), async (kept) => {
    tries += 1;
    return kept.includes(17) && kept.includes(83);
  });
  assertEquals(left, [17, 83]);
  assert(tries < 60, `${tries} tries`);
});

Deno.test("a shrunk plan breaks its invariant, and with any step less it does not", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.nat(), fc.integer({ min: 1, max: 3 }), async (drawn, salt, most) => {
      const plan = planOf(drawn);
      const needed = drawn.filter((_, i) => (i * 7 + salt) % drawn.length < most);
      const breaks = (one: Plan) => needed.every((step) => one.steps.some(isLike(step)));
      const shrunk = await shrinkPlan(plan, async (one) => breaks(one), UNLIMITED);
      assert(breaks(shrunk), "it breaks still");
      for (const step of shrunk.steps) {
        const less = { ...shrunk, steps: shrunk.steps.filter((one) => one !== step) };
        assert(!breaks(less), `${JSON.stringify(step)} could be taken away`);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("a shrunk plan is small, early and round", async () => {
  const plan = planOf([
    request(1_234, { request: { type: "stop" }, instance: 3, user: 2, node: 2, key: 5 }),
    { kind: "read", atMs: 2_000, user: 1, node: 1, instance: 3 },
    fault(4_321, { kind: "redis-slow", target: 4, durationMs: 9_876 }),
    fault(5_000, { kind: "worker-cut" }),
    request(7_777, { instance: 1 }),
  ]);
  const breaks = async ({ steps, shape }: Plan) => {
    const stop = steps.find((step) => step.kind === "request" && step.request.type === "stop");
    const slow = steps.find((step) => step.kind === "redis-slow");
    return stop !== undefined && slow?.kind === "redis-slow" && shape.nodes >= 2 &&
      slow.atMs >= stop.atMs + 500 && slow.durationMs >= 2_000;
  };
  const shrunk = await shrinkPlan(plan, breaks, UNLIMITED);
  assertEquals(shrunk.shape, { form: "redis", nodes: 2, hosts: 1, fsync: "always", busyMs: 1_000 });
  assertEquals(shrunk.faults, ["redis-slow"]);
  assertEquals(shrunk.steps, [
    request(0, { request: { type: "stop" }, instance: 3, timeoutMs: 1 }),
    fault(500, { kind: "redis-slow", durationMs: 2_000 }),
  ]);
});

Deno.test("shrinking ends when its time is over, with a plan that breaks the invariant", async () => {
  let runs = 0;
  const plan = planOf(Array.from({ length: 200 }, (_, i) => request(i)));
  const breaks = async ({ steps }: Plan) => {
    runs += 1;
    return steps.some(({ atMs }) => atMs === 77) && steps.some(({ atMs }) => atMs === 150);
  };
  const limits = { isOver: () => runs >= 10, onProgress: () => {} };
  const shrunk = await shrinkPlan(plan, breaks, limits);
  assertEquals(runs, 10);
  assert(await breaks(shrunk), "it breaks still");
  assert(shrunk.steps.length < 200, `${shrunk.steps.length} steps`);
});

Deno.test("no plan is run twice", async () => {
  const seen = new Set<string>();
  const plan = planOf(Array.from({ length: 20 }, (_, i) => request(i * 100)));
  await shrinkPlan(plan, async (one) => {
    const text = JSON.stringify(one);
    assert(!seen.has(text), text);
    seen.add(text);
    return one.steps.length >= 2;
  }, UNLIMITED);
});

/** What makes a step the same one, wherever shrinking has moved it. */
function isLike(step: Step): (other: Step) => boolean {
  const traits = (one: Step) => "instance" in one ? `${one.kind} ${one.instance}` : `${one.kind}`;
  return (other) => traits(other) === traits(step);
}

function hashOf(items: readonly number[], salt: number): number {
  return Math.abs(items.reduce((hash, item) => Math.imul(hash ^ item, 0x01000193), salt));
}
