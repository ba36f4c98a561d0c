/** `draas logs`: lines are data, what happened between them is not; following survives and ends with Ctrl-C. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FollowBegin, FollowedPage, ServerOutput } from "../../actors/system_port.ts";
import type { LogReading, OutputLine } from "../../events/server_output.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiOptions } from "../http/support/api_world.ts";
import { scriptedSystem } from "../http/support/scripted_system.ts";
import { until } from "../http/support/until.ts";
import {
  beginDraas,
  type CliRun,
  type HostChanges,
  itemsOf,
  withCli,
} from "./support/cli_world.ts";

const AT = Date.parse("2026-01-31T12:00:00.000Z");
const LINES: OutputLine[] = [
  { stream: "marker", at: AT, kind: "started", text: "run r-1 starts" },
  { stream: "stdout", at: AT + 1_000, text: "\u001b[32mgreen\u001b[0m\tx\u001b[2J" },
  { stream: "stderr", at: null, between: [AT, AT + 5_000], text: "plain" },
];

const page = (
  lines: OutputLine[],
  position: string,
  end: FollowedPage["end"] = null,
): FollowedPage => ({ lines, position, end });

/** A fleet of one instance, whose output tells `pages` to each follower, from the one after its position on. */
function output(pages: readonly (FollowedPage | Error)[] = []) {
  const readings: LogReading[] = [];
  const begins: FollowBegin[] = [];
  let isLeft = false;
  const told: ServerOutput = {
    read: (_id, reading) => {
      readings.push(reading);
      return Promise.resolve({ lines: LINES, cursor: null, hasMore: false });
    },
    async *follow(_id, begin, signal) {
      begins.push(begin);
      signal.addEventListener("abort", () => isLeft = true);
      const from = pages.findIndex((one) =>
        !(one instanceof Error) && one.position === begin.after
      );
      for (const one of pages.slice(from + 1)) {
        if (!(one instanceof Error)) yield one;
        // What a broken connection is for the one who follows: the stream is over.
        else if (begins.length === 1) return;
      }
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
  const app = createHttpApp(apiOptions(scriptedSystem(null, { output: told })));
  const begin = (line: string, changes?: HostChanges): CliRun =>
    beginDraas(app, line.split(" "), changes);
  return { begin, readings, begins, isLeft: () => isLeft };
}

Deno.test("lines go to the data as the server printed them, markers beside it", async () => {
  const { begin, readings } = output();
  const { code, stdout, stderr } = await begin("logs i-1 -n 3 --stream stderr --since 10m").ended;
  assertEquals(code, 0);
  assertEquals(stdout, "\u001b[32mgreen\u001b[0m\tx\u001b[2J\nplain\n");
  assertEquals(stderr, "--- run r-1 starts ---\n");
  const { tail, stream, since } = readings[0]!;
  assertEquals([tail, stream, typeof since], [3, "stderr", "number"]);
});

Deno.test("on a terminal colours stay and nothing moves the cursor; without colours they go, too", async () => {
  const shown = await output().begin("logs i-1", { isTerminal: true }).ended;
  assertStringIncludes(shown.stdout, "\u001b[32mgreen\u001b[0m    x");
  assert(!shown.stdout.includes("\u001b[2J"), JSON.stringify(shown.stdout));
  const environment = { NO_COLOR: "1" };
  const bare = await output().begin("logs i-1", { isTerminal: true, environment }).ended;
  assertEquals(bare.stdout, "green    x\nplain\n");
});

Deno.test("with --timestamps each line says when, as far as that is known", async () => {
  const { stdout } = await output().begin("logs i-1 --timestamps").ended;
  const [first, second] = stdout.split("\n");
  assert(first!.startsWith("2026-01-31T12:00:01.000Z \u001b[32mgreen"), first);
  assertEquals(second, `${"-".padEnd(24)} plain`);
});

Deno.test("in JSON all lines are items, markers among them", async () => {
  const end = await output().begin("logs i-1 -o json").ended;
  assertEquals(end.stderr, "");
  assertEquals(itemsOf(end).map(({ instanceId, stream }) => [instanceId, stream]), [
    ["i-1", "marker"],
    ["i-1", "stdout"],
    ["i-1", "stderr"],
  ]);
});

Deno.test("following goes on until Ctrl-C, which leaves with 0 and closes the stream", async () => {
  const { begin, isLeft, begins } = output([
    page(LINES.slice(1, 2), "1@a"),
    page(LINES.slice(2), "2@a"),
  ]);
  const run = begin("logs i-1 -f -n 5");
  await until("both pages are there", () => run.stdout.includes("plain\n"));
  assertEquals(begins[0]!.tail, 5);
  run.interrupt();
  assertEquals((await run.ended).code, 0);
  await until("the server knows that nobody listens", isLeft);
});

Deno.test("a stream that breaks is taken up where it was: no line twice, none missing", async () => {
  const line = (text: string): OutputLine => ({ stream: "stdout", at: AT, text });
  const { begin, begins } = output([
    page([line("one")], "1@a"),
    new Error("broken"),
    page([line("two")], "2@a"),
    page([line("three")], "3@a", "deleted"),
  ]);
  const { code, stdout, stderr } = await begin("logs i-1 -f").ended;
  assertEquals([code, stdout], [0, "one\ntwo\nthree\n"]);
  assertStringIncludes(stderr, "was deleted; this is all.");
  assertEquals(begins.map(({ after }) => after), [undefined, "1@a"]);
});

Deno.test("followed lines in JSON are one envelope a line", async () => {
  const { begin } = output([page(LINES, "1@a", "deleted")]);
  const { stdout } = await begin("logs i-1 -f --json").ended;
  const lines = stdout.trim().split("\n").map((text) => JSON.parse(text));
  assertEquals(lines.map(({ apiVersion, kind, item }) => [apiVersion, kind, item.stream]), [
    ["draas/v1", "LogLine", "marker"],
    ["draas/v1", "LogLine", "stdout"],
    ["draas/v1", "LogLine", "stderr"],
  ]);
});

Deno.test("an output that cannot be followed is a failure that says what can be done", async () => {
  const { begin } = output([page([], "1@a", "not_followed")]);
  const { code, stderr } = await begin("logs i-1 -f").ended;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "hint: `draas logs` without --follow shows the last lines.");
});

Deno.test("of several instances each line says whose it is", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    await create({ name: "a" });
    await create({ name: "b" });
    await draas("start --all --yes");
    platform.readLogs = () =>
      Promise.resolve({
        lines: [{ stream: "stdout", at: AT, text: "hello" }],
        cursor: null,
        hasMore: false,
      });
    const { code, stdout } = await draas("logs a b");
    assertEquals(code, 0);
    const lines = stdout.trim().split("\n").map((text) => text.replace(/\(\w+\)/, "(id)"));
    assertEquals(lines, ["a (id) | hello", "b (id) | hello"]);
  }));
