/** What the command line prints, as pure functions: tables, ages, colours, problems, envelopes. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EXIT, exitCodeOf, exitCodeOfAll } from "../../cli/exit_codes.ts";
import { age, size, took } from "../../cli/output/ages.ts";
import { listText, streamedText } from "../../cli/output/envelope.ts";
import { namedInstance, shortIds, workerState } from "../../cli/output/fleet_tables.ts";
import { coloured, hasColours } from "../../cli/output/paint.ts";
import { problemText } from "../../cli/output/problem_text.ts";
import { tableText } from "../../cli/output/table.ts";
import { OperationalError } from "../../events/errors.ts";
import type { WorkerAnswer } from "../../http/client/answers.ts";
import { RemoteProblem } from "../../http/client/remote_problem.ts";
import { parseClientSettings } from "../../settings/client_settings.ts";
import { columnsOf } from "../../tui/terminal_text.ts";

const NAME = { title: "NAME", text: ([name]: string[]) => name!, canShrink: true };
const COUNT = { title: "COUNT", text: ([, count]: string[]) => count!, isNumber: true };
const LAST = { title: "LAST", text: ([, , last]: string[]) => last! };

Deno.test("columns are as wide as a terminal shows their texts, numbers at the right, no spaces at the end", () => {
  const table = tableText([NAME, COUNT, LAST], [["日本", "5", "x"], ["ab", "1000000", ""]]);
  assertEquals(table, "NAME    COUNT  LAST\n日本        5  x\nab    1000000  -\n");
});

Deno.test("a table for a terminal fits it, by the columns that can shrink", () => {
  const rows = [["a-very-long-name-".repeat(5), "1", "end"]];
  const lines = tableText([NAME, COUNT, LAST], rows, { width: 40 }).trimEnd().split("\n");
  assertEquals(lines.map(columnsOf), [40 - 0, 39]);
  assertStringIncludes(lines[1]!, "…");
  const narrow = tableText([NAME, COUNT, LAST], rows, { width: 5 }).split("\n")[1]!;
  assertMatch(narrow, /^a-very-… +1 {2}end$/);
});

Deno.test("text from outside stays in its cell", () => {
  assertEquals(tableText([NAME], [["a\n\u001b[31mb\tc"]]), "NAME\na [31mb c\n");
});

Deno.test("colours stand around texts and do not move columns", () => {
  const columns = [{ ...NAME, colour: () => "green" as const }, COUNT];
  const table = tableText(columns, [["a", "1"]], { paint: coloured });
  assertEquals(
    table,
    "\u001b[1mNAME\u001b[0m  \u001b[1mCOUNT\u001b[0m\n\u001b[32ma   \u001b[0m      1\n",
  );
});

Deno.test("colours are for terminals that have them, and for those who want them", () => {
  assertEquals(hasColours(true, {}), true);
  assertEquals(hasColours(true, { NO_COLOR: "" }), true);
  assertEquals(hasColours(false, {}), false);
  assertEquals(hasColours(true, { NO_COLOR: "1" }), false);
  assertEquals(hasColours(true, { TERM: "dumb" }), false);
});

Deno.test("ages, times and sizes are short", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  const ago = (ms: number) => age(new Date(now - ms).toISOString(), now);
  assertEquals([0, 119_000, 120_000, 7_199_000, 7_200_000, 2 * 86_400_000].map(ago), [
    "0s",
    "119s",
    "2m",
    "119m",
    "2h",
    "2d",
  ]);
  assertEquals([ago(-5_000), age(undefined, now), age("soon", now)], ["0s", "-", "-"]);
  assertEquals([350, 1_234, 95_000].map(took), ["350ms", "1.2s", "95s"]);
  assertEquals([0, 512, 1_536, 64 * 1_048_576].map(size), ["0", "512", "1.5Ki", "64.0Mi"]);
});

Deno.test("ids are shown as short as they stay apart, 8 characters at least", () => {
  const ids = ["aaaaaaaaaa1", "aaaaaaaaaa2", "bbbbbbbbbbb", "c"];
  assertEquals([...shortIds(ids).values()], ["aaaaaaaaaa1", "aaaaaaaaaa2", "bbbbbbbb", "c"]);
  assertEquals(namedInstance({ id: "6f3a1b2c9d", name: "web" }), "web (6f3a1b2c)");
  assertEquals(namedInstance({ id: "web", name: "web" }), "web");
});

Deno.test("a worker's state is the gravest of what is true", () => {
  const state = (lost: boolean, silent: boolean, draining: boolean) =>
    workerState({ lost, silent, draining } as WorkerAnswer);
  assertEquals(
    [
      state(false, false, false),
      state(false, false, true),
      state(false, true, true),
      state(true, true, true),
    ],
    ["ready", "draining", "silent", "lost"],
  );
});

Deno.test("the envelope is the same for one and for many, and for what has no end", () => {
  assertEquals(JSON.parse(listText("json", "Worker", [])), {
    apiVersion: "draas/v1",
    kind: "WorkerList",
    items: [],
  });
  assertEquals(
    streamedText("json", "Event", { a: 1 }),
    '{"apiVersion":"draas/v1","kind":"Event","item":{"a":1}}\n',
  );
  assertEquals(
    streamedText("yaml", "Event", { a: "yes" }),
    '---\napiVersion: draas/v1\nkind: Event\nitem:\n  a: "yes"\n',
  );
  const same = { deep: [1] };
  assertEquals(listText("yaml", "Event", [same, same]).includes("&"), false);
});

const problem = (status: number, members: Record<string, string>) =>
  new RemoteProblem(status, "Title", members, null);

Deno.test("a problem is its title and code, its detail, and what to do", () => {
  const text = problemText(problem(409, { code: "conflict", detail: "D.", hint: "H." }), {
    subject: "web (6f3a1b2c)",
  });
  assertEquals(text, "error: web (6f3a1b2c): Title (conflict)\n  D.\n  hint: H.\n");
});

Deno.test("what a problem says cannot move the cursor", () => {
  const error = problem(500, { code: "x", detail: "a\u001b[2Jb\nc", hint: "" });
  assertEquals(problemText(error), "error: Title (x)\n  a [2Jb c\n");
});

Deno.test("a fault of our own is asked to be reported, without its stack", () => {
  const text = problemText(new TypeError("x is not a function"));
  assertEquals(
    text,
    "error: A fault in DRaaS itself: x is not a function\n  Please report it, with what you did before.\n",
  );
});

Deno.test("each kind of problem has its exit code", () => {
  const codes: [unknown, number][] = [
    [problem(400, { code: "invalid" }), EXIT.usage],
    [problem(401, { code: "unauthorized" }), EXIT.failed],
    [problem(404, { code: "not_found" }), EXIT.notFound],
    [problem(410, { code: "deleted" }), EXIT.notFound],
    [problem(410, { code: "log_truncated" }), EXIT.failed],
    [problem(409, { code: "conflict" }), EXIT.conflict],
    [problem(422, { code: "key_reused" }), EXIT.conflict],
    [problem(500, { code: "no_worker" }), EXIT.timeout],
    [problem(500, { code: "outcome_unknown" }), EXIT.timeout],
    [problem(500, { code: "binary_missing" }), EXIT.failed],
    [problem(503, { code: "log_unavailable" }), EXIT.unreachable],
    [problem(503, { code: "log_indeterminate" }), EXIT.timeout],
    [problem(429, { code: "busy" }), EXIT.unreachable],
    [new OperationalError("answer_lost", "", true, ""), EXIT.timeout],
    [new OperationalError("unreachable", "", true, ""), EXIT.unreachable],
    [new Error("a bug"), EXIT.failed],
  ];
  for (const [error, code] of codes) assertEquals(exitCodeOf(error), code, String(error));
});

Deno.test("several that failed alike share their code, else it is 1", () => {
  assertEquals(exitCodeOfAll([]), EXIT.done);
  assertEquals(exitCodeOfAll([0, 0]), EXIT.done);
  assertEquals(exitCodeOfAll([0, 4, 4]), EXIT.conflict);
  assertEquals(exitCodeOfAll([5, 4, 0]), EXIT.failed);
  assertEquals(exitCodeOfAll([0, 4, 130]), EXIT.interrupted);
});

Deno.test("client settings: the default, the environment, the flag; an empty value counts as unset", () => {
  const url = (environment: Record<string, string>, flag?: string) => {
    const parsed = parseClientSettings(environment, { url: flag });
    return parsed.ok ? parsed.value.url : parsed.faults[0]!.path;
  };
  assertEquals(url({ DRAAS_URL: "" }), "http://127.0.0.1:4700");
  assertEquals(url({ DRAAS_URL: "https://a.example:1/x/" }), "https://a.example:1/x");
  assertEquals(url({ DRAAS_URL: "https://a.example" }, "http://b.example"), "http://b.example");
  assertEquals(url({ DRAAS_URL: "a.example" }), "DRAAS_URL");
  assertEquals(url({}, "http://b.example/?x=1"), "--url");
});
