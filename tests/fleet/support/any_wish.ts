/** Any instance that a fleet file can ask for, and any that there may be, for properties. */
import fc from "fast-check";
import type { JsonObject } from "../../../events/json.ts";
import { type Specification, specificationSchema } from "../../../events/specification.ts";
import type { Wanted } from "../../../fleet/fleet_wish.ts";
import { OneInstance } from "./one_instance.ts";

const few = <T>(...values: T[]) => fc.constantFrom(...values);
const kinds: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({
    platform: fc.constant("process"),
    template: fc.constant("command"),
    configuration: fc.record({
      command: few(["a"], ["a", "b"]),
      env: few<JsonObject>({}, { RELEASE: "1" }, { RELEASE: "2" }),
    }),
    onWorkerLost: few("wait", "reschedule"),
    leaseMs: few(6_000, 30_000),
  }),
  fc.record({
    platform: few("docker", "kubernetes"),
    template: fc.constant("image"),
    configuration: fc.record({ image: few("web:1", "web:2") }),
  }),
) as fc.Arbitrary<JsonObject>;

/** What a user may want of an instance called `one`. */
export const anySpecification: fc.Arbitrary<Specification> = fc.tuple(
  kinds,
  fc.record({
    description: few("", "one"),
    labels: few<JsonObject>({}, { tier: "front" }, { tier: "back", "draas/other": "x" }),
    restartPolicy: few<JsonObject>({}, { mode: "always" }, { exitCodes: { "3": "never" } }),
    workerLabels: few<JsonObject>({}, { zone: "a" }),
  }),
  fc.option(few<JsonObject>({ cpus: 1 }, { memoryBytes: 8_388_608 }), { nil: undefined }),
).map(([kind, rest, limits]) =>
  specificationSchema.parse({ name: "one", ...kind, ...rest, ...(limits ? { limits } : {}) })
);

/** What a file asks for; it does not set labels of DRaaS's own. */
export const anyWanted: fc.Arbitrary<Wanted> = fc.tuple(
  anySpecification,
  few("running" as const, "stopped" as const),
  few(null, "instance-1"),
).map(([specification, desired, id]) => {
  const { "draas/other": _, ...labels } = specification.labels;
  return { name: "one", entry: "one", id, specification: { ...specification, labels }, desired };
});

/** Something that was done with an instance. */
type Deed = { deed: "start" | "stop" | "restart" | "work" | "fail" | "crash" } | Specification;

/** Makes an instance that users and workers have done anything at all with, or that is still to be created. */
export const anyInstance: fc.Arbitrary<() => OneInstance> = fc.tuple(
  fc.option(anySpecification),
  fc.array(
    fc.oneof(
      few("start", "stop", "restart", "work", "work", "fail", "crash").map((deed) => ({ deed })),
      anySpecification,
    ) as fc.Arbitrary<Deed>,
    { maxLength: 8 },
  ),
).map(([specification, deeds]) =>
  Object.assign(() => instanceAfter(specification, deeds), {
    [Symbol.for("fast-check/toStringMethod")]: () => JSON.stringify([specification, deeds]),
  })
);

function instanceAfter(specification: Specification | null, deeds: readonly Deed[]): OneInstance {
  const instance = new OneInstance("instance-1");
  if (specification === null) return instance;
  instance.ask({ type: "create", specification });
  for (const one of deeds) {
    if (!("deed" in one)) configure(instance, one);
    else if (one.deed === "work" || one.deed === "fail") instance.work(one.deed === "work");
    else if (one.deed === "crash") instance.crash();
    else instance.ask({ type: one.deed });
  }
  return instance;
}

/** As a user may do it, who moves nothing. */
function configure(instance: OneInstance, specification: Specification): void {
  const { platform: _, template, configuration, name: __, onWorkerLost: ___, ...changes } =
    specification;
  const isSameKind = template === instance.found?.context.specification?.template;
  instance.ask({
    type: "configure",
    changes: { ...changes, ...(isSameKind ? { configuration } : {}) },
  });
}
