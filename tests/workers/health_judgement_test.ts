/** How well a server is, by its probes so far. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type HealthState,
  judgeHealth,
  type ProbeResult,
  UNPROBED,
} from "../../workers/health_judgement.ts";

const pass: ProbeResult = { problem: null, components: [] };
const fail: ProbeResult = { problem: "no answer" };
const degraded: ProbeResult = {
  problem: null,
  components: [{ kind: "source", name: "s1", status: "Error", reason: "no route" }],
};
const after = (results: ProbeResult[], failures = 3, successes = 1) =>
  results.reduce<HealthState>(
    (state, result) => judgeHealth(state, result, { failures, successes }),
    UNPROBED,
  );

Deno.test("so many failures in a row make it unhealthy, one pass in between begins the count anew", () => {
  assertEquals(after([pass]).health, "healthy");
  assertEquals(after([pass, fail, fail]).health, "healthy");
  assertEquals(after([pass, fail, fail, pass, fail, fail]).health, "healthy");
  const ill = after([pass, fail, fail, fail]);
  assertEquals([ill.health, ill.cause, ill.reason], ["unhealthy", "liveness", "no answer"]);
});

Deno.test("so many passes in a row make it healthy again", () => {
  assertEquals(after([fail, fail, fail, pass], 3, 2).health, "unhealthy");
  assertEquals(after([fail, fail, fail, pass, pass], 3, 2).health, "healthy");
});

Deno.test("nothing is said before enough probes have said the same", () => {
  assertEquals([after([]).health, after([fail, fail]).health], [null, null]);
});

Deno.test("a part in error is named with its reason, and is no failure of the probe", () => {
  const { health, cause, reason, components } = after([degraded]);
  assertEquals([health, cause, reason], [
    "unhealthy",
    "components",
    "source s1 is in Error: no route",
  ]);
  assertEquals(components.length, 1);
  assertEquals(after([degraded, pass]).health, "healthy");
});

Deno.test("it is unhealthy by its liveness exactly after that many failures, and until that many passes", () => {
  const results = fc.array(fc.constantFrom(pass, fail), { maxLength: 40 });
  fc.assert(
    fc.property(results, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (
      all,
      failures,
      successes,
    ) => {
      let expected: string | null = null;
      let row = 0;
      all.forEach((result, index) => {
        row = index > 0 && all[index - 1] === result ? row + 1 : 1;
        if (result === fail && row >= failures) expected = "unhealthy";
        if (result === pass && row >= successes) expected = "healthy";
      });
      assertEquals(after(all, failures, successes).health, expected);
    }),
    { numRuns: 500 },
  );
  assert(after([fail], 1).health === "unhealthy");
});
