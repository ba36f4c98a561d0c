/** The task as a whole, over a simulation that breaks where the test says. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mustReach } from "../must_reach.ts";
import type { RunResult } from "../run_result.ts";
import { FOLDER } from "./options.ts";
import { planFrom } from "./plan_file.ts";
import { runTask } from "./run_task.ts";
import { resultOf, type StandIn, standIn } from "./stand_in_surroundings.ts";

const BROKEN: Partial<RunResult> = {
  violation: { invariant: "never two at once", found: "two live processes of a" },
};
const ALL_REACHED = { coverage: new Set(mustReach(null, null)) };

Deno.test("seeds that hold end with the sums and exit code 0", async () => {
  const around = standIn(() => ({}));
  assertEquals(await run(around, "--seeds 20 --jobs 2"), 0);
  const text = around.said.join("\n");
  assertStringIncludes(text, "ran       20 seeds");
  assertStringIncludes(text, "18,000 events, 4,000 requests, 400 faults");
  assertStringIncludes(text, "1 of 198 status × event");
  assertStringIncludes(text, "held      every invariant");
});

Deno.test("the lowest seed that fails is the one that is told, however many shards there are", async () => {
  for (const jobs of [1, 3, 8]) {
    const around = standIn((seed) => seed === 33 || seed === 35 ? BROKEN : {});
    assertEquals(await run(around, `--seeds 100 --jobs ${jobs}`), 1);
    const text = around.said.join("\n");
    assertStringIncludes(text, "Seed 33 breaks: never two at once");
    assert(!text.includes("Seed 35"), text);
    assert(around.ran.length <= 33 + jobs, `${around.ran.length} seeds were run`);
  }
});

Deno.test("with --keep-going all seeds are run, and those that failed are listed", async () => {
  const around = standIn((seed) => seed % 10 === 3 ? BROKEN : {});
  assertEquals(await run(around, "--seeds 40 --keep-going --shrink-seconds 0"), 1);
  assertEquals(around.ran.length, 40);
  const listed = around.said.join("\n").match(/^seed \d+: never two at once/gm);
  assertEquals(listed?.map((line) => line.match(/\d+/)![0]), ["3", "13", "23", "33"]);
});

Deno.test("a seed that fails is shrunk into a file, and the command that repeats it does", async () => {
  const around = standIn((seed) => seed === 5 ? BROKEN : {});
  assertEquals(await run(around, "--seeds 10"), 1);
  const file = `${FOLDER}/seed_5.json`;
  const plan = planFrom(around.texts.get(file)!);
  assert("steps" in plan && plan.steps.length === 0, JSON.stringify(plan));
  const command = `deno task simulate --plan ${file}`;
  assertStringIncludes(around.said.join("\n"), command);
  around.said.length = 0;
  assertEquals(await run(around, command.replace("deno task simulate ", "")), 1);
  assertStringIncludes(around.said.join("\n"), "two live processes of a");
});

Deno.test("shrinking keeps to the invariant that was broken first", async () => {
  const around = standIn((seed) => seed === 1 ? BROKEN : {});
  const { simulation } = around;
  around.simulation = {
    ...simulation,
    runPlan: async (plan) =>
      plan.steps.length === 2 ? await simulation.runPlan(plan) : resultOf({
        violation: { invariant: "another", found: "" },
      }),
  };
  await run(around, "--seeds 1");
  const plan = planFrom(around.texts.get(`${FOLDER}/seed_1.json`)!);
  assert("steps" in plan && plan.steps.length === 2, JSON.stringify(plan));
});

Deno.test("a run that throws is a violation like others", async () => {
  const around = standIn((seed) => {
    if (seed === 2) throw new Error("a bug");
    return {};
  });
  assertEquals(await run(around, "--seeds 5"), 1);
  assertStringIncludes(around.said.join("\n"), "Error: a bug");
});

Deno.test("a rejection that nobody handles is a violation like others", async () => {
  const around = standIn((seed) => {
    if (seed === 2) void Promise.reject(new Error("nobody looks"));
    return {};
  });
  assertEquals(await run(around, "--seeds 5 --jobs 1"), 1);
  assertStringIncludes(around.said.join("\n"), "each rejection is handled");
  assertStringIncludes(around.said.join("\n"), "Error: nobody looks");
});

Deno.test("a seed that fails and comes to something else when run again is not deterministic", async () => {
  let runs = 0;
  const around = standIn((seed) => seed === 5 ? { ...BROKEN, digest: `run ${runs++}` } : {});
  assertEquals(await run(around, "--seeds 10"), 1);
  assertStringIncludes(around.said.join("\n"), "Seed 5 is NOT DETERMINISTIC");
});

Deno.test("one seed in a hundred that holds is run twice, and must come to the same", async () => {
  const runs = new Map<number, number>();
  const count = (seed: number) => runs.set(seed, (runs.get(seed) ?? 0) + 1).get(seed)!;
  const good = standIn((seed) => ({ digest: `${count(seed) - count(seed)}`, ...ALL_REACHED }));
  assertEquals(await run(good, "--seeds 300 --jobs 1"), 0);
  assertEquals([...runs].filter(([, times]) => times > 2).map(([seed]) => seed), [1, 101, 201]);
  runs.clear();
  const bad = standIn((seed) => ({ digest: seed === 101 ? `${count(seed)}` : "" }));
  assertEquals(await run(bad, "--seeds 300"), 1);
  assertStringIncludes(bad.said.join("\n"), "Seed 101 is NOT DETERMINISTIC");
});

Deno.test("what must be reached and was not is listed, and fails from 200 seeds on", async () => {
  const some = { coverage: new Set(["stolen command", "Running × CommandAccepted"]) };
  const few = standIn(() => some);
  assertEquals(await run(few, "--seeds 199"), 0);
  assertMatch(few.said.join("\n"), /^not yet +\d+ of what 200 seeds must reach/m);
  const many = standIn(() => some);
  assertEquals(await run(many, "--seeds 200"), 1);
  const missed = many.said.join("\n").match(/^NEVER +([^]*?)\nFAILED/m)![1]!.split(/,\s+/);
  assert(missed.includes("rollback") && missed.includes("node-killed"), missed.join());
  assert(!missed.includes("stolen command") && !missed.includes("CommandAccepted"), missed.join());
  const all = standIn(() => ALL_REACHED);
  assertEquals(await run(all, "--seeds 200"), 0);
});

Deno.test("with chosen faults or one form only what can come about must be reached", async () => {
  const around = standIn(() => ({ coverage: new Set(["Stopped × redis-killed"]) }));
  assertEquals(await run(around, "--seeds 200 --faults redis-killed"), 0);
  assert(!mustReach("embedded", null).includes("stolen command"), "no second host to steal");
  assert(!mustReach("redis", null).includes("disk-full"), "a fault of the embedded form");
});

Deno.test("seeds are run in pieces, and the file has what all of them came to", async () => {
  const around = standIn(() => ALL_REACHED);
  assertEquals(await run(around, "--seeds 150 --resume night"), 0);
  assertEquals(await run(around, "--seeds 100 --from 101 --resume night"), 0);
  assertEquals(around.ran.length, 250);
  assertEquals(new Set(around.ran).size, 250, "none was run twice");
  const text = around.said.join("\n");
  assertStringIncludes(text, "goes on after 150 seeds");
  assertMatch(text, /^ever {6}250 seeds in .*: 1-250$/m);
  assertStringIncludes(text, "225,000 events");
});

Deno.test("seeds of other code do not count, and it is said", async () => {
  const around = standIn(() => ({}));
  await run(around, "--seeds 10 --resume night");
  around.sourceDigest = async () => "source-2";
  await run(around, "--seeds 10 --resume night");
  assertStringIncludes(around.said.join("\n"), "begins anew, since the code has changed");
  assertEquals(JSON.parse(around.texts.get(`${FOLDER}/night`)!).done, [[1, 10]]);
});

Deno.test("a file of other faults, or of something else, is left as it is", async () => {
  const around = standIn(() => ({}));
  await run(around, "--seeds 10 --resume night");
  const before = around.texts.get(`${FOLDER}/night`);
  assertEquals(await run(around, "--seeds 10 --form redis --resume night"), 2);
  assertEquals(around.texts.get(`${FOLDER}/night`), before);
  around.texts.set(`${FOLDER}/other`, '{"a": 1}');
  assertEquals(await run(around, "--seeds 10 --resume other"), 2);
  assertEquals(around.texts.get(`${FOLDER}/other`), '{"a": 1}');
});

Deno.test("a seed that failed is not done: the next piece begins with it", async () => {
  const around = standIn((seed) => seed === 4 ? BROKEN : {});
  assertEquals(await run(around, "--seeds 10 --jobs 1 --resume night"), 1);
  around.ran.length = 0;
  await run(around, "--seeds 10 --jobs 1 --resume night");
  assertEquals(around.ran, [4]);
});

Deno.test("no seed is begun when the time is over or somebody wants an end, and what was run is kept", async () => {
  const timed = standIn(() => ({}));
  assertEquals(await run(timed, "--seconds 3 --jobs 1"), 0);
  assertEquals(timed.ran.length, 30, "at 100 ms a seed");
  const stopped = standIn(() => ({}), { isInterrupted: () => stopped.ran.length >= 7 });
  assertEquals(await run(stopped, "--seeds 50 --jobs 1 --resume night"), 130);
  assertEquals(JSON.parse(stopped.texts.get(`${FOLDER}/night`)!).done, [[1, 7]]);
});

Deno.test("--json says the same as one object, and nothing else", async () => {
  const around = standIn((seed) => seed === 5 ? BROKEN : {});
  assertEquals(await run(around, "--seeds 10 --json --resume night --jobs 1"), 1);
  assertEquals(around.said.length, 1);
  const { seeds, failures, exitCode, coverage } = JSON.parse(around.said[0]!);
  assertEquals([seeds, exitCode, coverage.statusEvents.reached], [5, 1, 1]);
  assertEquals(failures, [{
    seed: 5,
    invariant: "never two at once",
    found: "two live processes of a",
    planFile: `${FOLDER}/seed_5.json`,
    command: `deno task simulate --plan ${FOLDER}/seed_5.json`,
  }]);
});

Deno.test("a file that holds no plan is refused with all that is wrong", async () => {
  const around = standIn(() => ({}));
  assertEquals(await run(around, "--plan none.json"), 2);
  around.texts.set(`${FOLDER}/bad.json`, '{"seed": -1, "faults": ["fire"], "steps": []}');
  assertEquals(await run(around, "--plan bad.json"), 2);
  const text = around.progress.join("");
  for (const part of ["no such file", "seed:", "shape:", "faults.0:"]) {
    assertStringIncludes(text, part);
  }
});

Deno.test("wrong flags are told on the standard error with exit code 2, the help with 0", async () => {
  const around = standIn(() => ({}));
  assertEquals(await run(around, "--seeds x --bogus"), 2);
  assertEquals(around.progress.join("").trim().split("\n").length, 2);
  assertEquals(await run(around, "--help"), 0);
  assertEquals(around.ran, []);
});

function run(around: StandIn, args: string): Promise<number> {
  return runTask(args.split(" "), around);
}
