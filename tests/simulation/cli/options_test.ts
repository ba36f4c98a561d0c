/** The command line: what is asked for, and all that is wrong with it at once. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FOLDER, type Options, parseOptions, SWITCHES, USAGE, VALUES } from "./options.ts";

Deno.test("without flags a thousand seeds are run from the first on", () => {
  assertEquals(optionsOf(), {
    seeds: 1_000,
    from: 1,
    seconds: Infinity,
    selection: {},
    jobs: null,
    resume: null,
    plan: null,
    keepGoing: false,
    shrinkSeconds: 60,
    story: false,
    json: false,
  });
});

Deno.test("each flag says what it says, with a blank or an equals sign", () => {
  const asked = optionsOf(
    ..."--seeds 10_000 --from=7 --seconds 60 --faults redis-killed,node-cut --form=redis".split(
      " ",
    ),
    ..."--jobs 3 --resume night.json --keep-going --shrink-seconds=0 --story --json".split(" "),
  );
  assertEquals(asked, {
    seeds: 10_000,
    from: 7,
    seconds: 60,
    selection: { form: "redis", faults: ["redis-killed", "node-cut"] },
    jobs: 3,
    resume: `${FOLDER}/night.json`,
    plan: null,
    keepGoing: true,
    shrinkSeconds: 0,
    story: true,
    json: true,
  });
});

Deno.test("with a time alone there are as many seeds as there is time for", () => {
  assertEquals(optionsOf("--seconds", "30").seeds, Infinity);
  assertEquals(optionsOf("--seconds", "30", "--seeds", "5").seeds, 5);
});

Deno.test("all that is wrong is told at once", () => {
  const faults = faultsOf(
    ..."--seeds many --jobs 0 --faults fire,node-cut --form paper --fleet --resume /etc/x --from"
      .split(" "),
  );
  assertEquals(faults.length, 7, faults.join("\n"));
  for (const flag of ["--seeds", "--jobs", "--faults", "--form", "--fleet", "--resume", "--from"]) {
    assertEquals(faults.filter((one) => one.startsWith(`${flag} `)).length, 1, flag);
  }
  assertMatch(faults.find((one) => one.startsWith("--faults"))!, /fire; there are node-killed/);
});

Deno.test("what is kept can be nowhere but in the folder that the task may write", () => {
  for (const path of ["../x", `${FOLDER}/../../x`, "/tmp/x", "a/b"]) {
    assertEquals(faultsOf("--resume", path).length, 1, path);
  }
  assertEquals(optionsOf("--resume", `./${FOLDER}/x`).resume, `${FOLDER}/x`);
});

Deno.test("a plan leaves nothing to draw, and says which flags it makes void", () => {
  assertEquals(optionsOf("--plan", "tests/x.json").plan, "tests/x.json");
  assertEquals(faultsOf("--plan", "x", "--seeds", "3", "--form", "redis").length, 2);
});

Deno.test("a flag that is given twice is a fault", () => {
  assertEquals(faultsOf("--seeds", "3", "--seeds=4"), ["--seeds is given twice"]);
});

Deno.test("the help is asked for in whatever company, names every flag, and fits a terminal", () => {
  assertEquals(parseOptions(["--seeds", "x", "--help"]), { kind: "help" });
  for (const flag of [...SWITCHES, ...VALUES]) assertMatch(USAGE, new RegExp(`^  ${flag}\\b`, "m"));
  assert(USAGE.split("\n").every((line) => line.length <= 100), "lines fit");
});

function optionsOf(...args: string[]): Options {
  const asked = parseOptions(args);
  assert(asked.kind === "run", JSON.stringify(asked));
  return asked.options;
}

function faultsOf(...args: string[]): readonly string[] {
  const asked = parseOptions(args);
  assert(asked.kind === "faulty", JSON.stringify(asked));
  return asked.faults;
}
