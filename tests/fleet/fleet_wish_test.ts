/** Reading a fleet file: bases, overrides, counts, and every fault at the place where it is written. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalJson, type Json, type JsonObject } from "../../events/json.ts";
import { differences } from "../../fleet/differences.ts";
import { INSTANCES_MAX } from "../../fleet/fleet_file.ts";
import { type FleetWish, merged, readFleetFile } from "../../fleet/fleet_wish.ts";

const program = { template: "command", serverConfiguration: { command: ["server"] } };

function wishOf(file: JsonObject): FleetWish {
  const parsed = readFleetFile({ fleet: "shop", ...file });
  assert(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function faultsOf(file: JsonObject): string[] {
  const parsed = readFleetFile({ fleet: "shop", ...file });
  assert(!parsed.ok);
  return parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

Deno.test("a count makes so many instances of one form, and none is no error", () => {
  const { instances } = wishOf({
    instances: { web: { ...program, count: 3 }, api: program, old: { ...program, count: 0 } },
  });
  assertEquals(
    instances.map((
      { name, entry, specification, desired, id },
    ) => [name, entry, specification.name, desired, id]),
    [
      ["web-1", "web", "web-1", "running", null],
      ["web-2", "web", "web-2", "running", null],
      ["web-3", "web", "web-3", "running", null],
      ["api", "api", "api", "running", null],
    ],
  );
});

Deno.test("an instance is its bases in their order and then itself, member by member", () => {
  const { instances: [web] } = wishOf({
    bases: {
      program: {
        ...program,
        labels: { tier: "front", env: "test" },
        restartPolicy: { mode: "always", baseMs: 5 },
        serverConfiguration: { command: ["server"], env: { A: "1", B: "1" }, port: 8080 },
      },
      live: { labels: { env: "live" }, serverConfiguration: { env: { B: "2" } } },
    },
    instances: {
      web: {
        from: ["program", "live"],
        restartPolicy: { mode: "never" },
        serverConfiguration: { command: ["other", "--fast"], port: null },
      },
    },
  });
  const { labels, restartPolicy, configuration, template, platform } = web!.specification;
  assertEquals({ labels, configuration, template, platform }, {
    labels: { tier: "front", env: "live" },
    configuration: { command: ["other", "--fast"], env: { A: "1", B: "2" } },
    template: "command",
    platform: "process",
  });
  assertEquals([restartPolicy.mode, restartPolicy.baseMs, restartPolicy.factor], ["never", 5, 2]);
});

Deno.test("what a file does not say is as in an instance that is created without it", () => {
  const { instances: [web] } = wishOf({ instances: { web: program } });
  const { configuration, ...rest } = web!.specification;
  assertEquals(configuration, { command: ["server"] });
  assertEquals([rest.description, rest.labels, rest.onWorkerLost, rest.limits], [
    "",
    {},
    "wait",
    undefined,
  ]);
});

Deno.test("a fault is told where it is written, in the entry or in its base, and once", () => {
  assertEquals(
    faultsOf({
      bases: { program: { template: "command", serverConfiguration: { command: [], prot: 1 } } },
      instances: {
        a: { from: "program" },
        b: { from: "program", platform: "docker" },
        c: { from: "program", serverConfiguration: { command: ["x"], port: 99_999 } },
      },
    }),
    [
      "bases.program.serverConfiguration.command: must name a program",
      "bases.program.serverConfiguration.prot: is not a known field",
      "bases.program.template: must be drasi-server or image on the platform docker",
      "instances.c.serverConfiguration.port: must be a whole number from 1 to 65535",
    ],
  );
});

Deno.test("bases that there are not, names that two entries make and names without use are faults", () => {
  assertEquals(
    faultsOf({
      bases: { program },
      instances: {
        web: { from: ["program", "porgram"], count: 2 },
        api: { from: "program", count: 2 },
        "api-2": program,
        " ": program,
      },
    }),
    ["instances. : its name must not begin or end with a space"],
  );
  assertEquals(
    faultsOf({
      bases: { program },
      instances: {
        web: { from: ["program", "porgram"], count: 2 },
        api: { from: "program", count: 2 },
        "api-2": program,
      },
    }),
    [
      "instances.web.from: names porgram; the bases that there are: program",
      'instances.api-2: makes an instance "api-2", and so does the entry api',
    ],
  );
  const strange = JSON.parse('{"fleet":"a","instances":{"__proto__":{}}}');
  const parsed = readFleetFile(strange);
  assert(!parsed.ok);
  assertEquals(parsed.faults, [{ path: "instances.__proto__", message: "must have another name" }]);
});

Deno.test("a file has only so many instances, and is not expanded before they are counted", () => {
  const [fault] = faultsOf({
    instances: Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`web${at}`, { ...program, count: INSTANCES_MAX }]),
    ),
  });
  assertEquals(
    fault,
    "instances: are 500000, and the most is 5000; make fleets of their own of some",
  );
});

Deno.test("a file that is no object, or has no instances, says what it must have", () => {
  for (const file of [null, [], "web", 3, undefined] as (Json | undefined)[]) {
    const parsed = readFleetFile(file);
    assert(!parsed.ok && parsed.faults.length === 1, JSON.stringify(parsed));
  }
  assertEquals(faultsOf({}).length, 1);
});

const name = fc.constantFrom("a", "b", "c");
/** Whatever is an object in one of them is one in all. */
const layered = fc.dictionary(name, fc.dictionary(name, fc.nat(9)));

Deno.test("merging nothing changes nothing, and merging is the same in groups", () => {
  fc.assert(
    fc.property(layered, layered, layered, (a, b, c) => {
      assertEquals(canonicalJson(merged(a, {})), canonicalJson(a));
      assertEquals(canonicalJson(merged({}, a)), canonicalJson(a));
      const [left, right] = [merged(merged(a, b), c), merged(a, merged(b, c))];
      assertEquals(canonicalJson(left), canonicalJson(right));
    }),
    { numRuns: 300 },
  );
});

const object = fc.dictionary(name, fc.jsonValue({ maxDepth: 3 })) as fc.Arbitrary<JsonObject>;

Deno.test("two values have no differences if and only if they are the same, and the same ones both ways", () => {
  fc.assert(
    fc.property(object, object, (a, b) => {
      const there = differences(a, b);
      assertEquals(there.length === 0, canonicalJson(a) === canonicalJson(b));
      const back = differences(b, a).map(({ path, before, after }) =>
        canonicalJson([path, after ?? null, before ?? null])
      );
      const forth = there.map(({ path, before, after }) =>
        canonicalJson([path, before ?? null, after ?? null])
      );
      assertEquals(forth.sort(), back.sort());
    }),
    { numRuns: 300 },
  );
});

Deno.test("lists of one length are compared object by object, others as a whole", () => {
  const before = { queries: [{ id: "a", query: "1" }, { id: "b" }], command: ["a", "b"] };
  const after = { queries: [{ id: "a", query: "2" }, { id: "b" }], command: ["a"] };
  assertEquals(differences(before, after), [
    { path: "queries.0.query", before: "1", after: "2" },
    { path: "command", before: ["a", "b"], after: ["a"] },
  ]);
});
