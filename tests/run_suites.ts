/**
 * Runs all tests, each suite with the least permissions that it needs, and says the totals on its
 * last line. `deno task test` runs everything; with paths, only the test files below them.
 */
import { type Outcome, outcomeOf, sumOf, totalsLine } from "./support/test_report.ts";

interface Suite {
  name: string;
  /** Beginnings of paths; a file belongs to the first suite that has one of its own. */
  paths: readonly string[];
  permissions: readonly string[];
  /** Files at once, or one after the other where the load of another test would falsify it. */
  isParallel: boolean;
}

/** They look into `/proc`, to which Deno gives access only with all permissions. */
const HOST_PERMISSIONS = ["--allow-all"];

const SUITES: readonly Suite[] = [
  {
    name: "pure: no permissions",
    paths: [
      "tests/cli/formatting_test.ts",
      "tests/fleet/",
      "tests/machines/",
      "tests/support/",
      "tests/tui/model/",
    ],
    permissions: [],
    isParallel: true,
  },
  {
    name: "the whole program: one file at a time",
    paths: [
      "tests/chaos/",
      "tests/deploy/",
      "tests/docker/",
      "tests/e2e/",
      "tests/kills/",
      "tests/tui/",
      "tests/upgrade/",
    ],
    permissions: HOST_PERMISSIONS,
    isParallel: false,
  },
  {
    name: "parts on the real host",
    paths: ["tests/"],
    permissions: HOST_PERMISSIONS,
    isParallel: true,
  },
];

/** Of the output of a run: enough for its summary. */
const END_CHARACTERS = 10_000;

const wanted = Deno.args.map((path) => path.replace(/^\.\//, ""));
const files = testFilesBelow("tests")
  .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)));
const outcomes: Outcome[] = [];
for (const suite of SUITES) {
  const own = files.filter((file) => suiteOf(file) === suite);
  if (own.length > 0) outcomes.push(await run(suite, own));
}
for (const { fault } of outcomes) if (fault !== null) say(`FAILED ${fault}`);
if (files.length === 0) say(`There is no test file below ${wanted.join(", ")}.`);
const totals = sumOf(outcomes);
say(totalsLine(totals));
Deno.exit(totals.failed > 0 || files.length === 0 ? 1 : 0);

async function run(suite: Suite, own: readonly string[]): Promise<Outcome> {
  say(`--- ${suite.name} (${own.length} ${own.length === 1 ? "file" : "files"})`);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--quiet",
      "--no-prompt",
      "--no-check",
      ...suite.permissions,
      ...(suite.isParallel ? ["--parallel"] : []),
      ...own,
    ],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  let end = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    Deno.stdout.writeSync(bytes);
    end = (end + decoder.decode(bytes, { stream: true })).slice(-END_CHARACTERS);
  }
  return outcomeOf(end, (await child.status).code);
}

function suiteOf(file: string): Suite | undefined {
  return SUITES.find(({ paths }) => paths.some((path) => file.startsWith(path)));
}

function testFilesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      if (isDirectory) return testFilesBelow(path);
      return /_test\.tsx?$/.test(name) ? [path] : [];
    });
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
