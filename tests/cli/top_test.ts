/** `draas top`: what instances use, once for programs and pipes, live on a terminal. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  frameLines,
  sortedUsage,
  type Usage,
  usageColumns,
  usageOf,
} from "../../cli/output/usage_table.ts";
import { columnsOf } from "../../tui/terminal_text.ts";
import { until } from "../http/support/until.ts";
import {
  beginDraas,
  itemsOf,
  refusedConnection,
  scriptedApp,
  withCli,
} from "./support/cli_world.ts";

const usage = (name: string, fields: Partial<Usage> = {}): Usage => ({
  id: `id-${name}`,
  name,
  status: "Running",
  health: "healthy",
  restarts: 0,
  ...fields,
});

Deno.test("where no terminal is it is told once, in a table or as data", () =>
  withCli(async ({ draas, create, startWorker }) => {
    const none = await draas("top");
    assertEquals([none.code, none.stdout], [0, ""]);
    await startWorker();
    await create({ name: "web", labels: { env: "prod" } });
    await create({ name: "cache" });
    await draas("start web");
    const { code, stdout } = await draas("top --sort name");
    assertEquals(code, 0);
    assertMatch(
      stdout,
      /^NAME +STATUS +HEALTH +CPU +MEMORY +RESTARTS +UP\ncache +Created .*\nweb +Running /,
    );
    const [item] = itemsOf(await draas("top web --json"));
    assertEquals([item.name, item.status, item.restarts, item.worker], [
      "web",
      "Running",
      0,
      "worker-1",
    ]);
    assertEquals(itemsOf(await draas("top --label env=prod --json")).length, 1);
    assertEquals((await draas("top nobody")).code, 3);
  }));

Deno.test("on a terminal each frame takes the place of the one before, until Ctrl-C, which is no failure", () =>
  withCli(async ({ begin, create }) => {
    await create({ name: "web" });
    const live = begin("top --interval 5ms", { isTerminal: true });
    const frames = () => live.stdout.split("1 instances, 0 running").length - 1;
    await until("it is shown again", () => frames() >= 3);
    await create({ name: "cache" });
    await until("what came since is shown", () => live.stdout.includes("2 instances, 0 running"));
    live.interrupt();
    const { code, stdout } = await live.ended;
    assertEquals(code, 0);
    assert(stdout.endsWith("\u001b[J\n"), "the last frame stays");
    assert(stdout.includes("\r\u001b[3A"), "back to the first of four lines");
    assert(!stdout.includes("\u001b[2J"), "the screen is never cleared, so it does not flicker");
    assertMatch((await begin("top --once", { isTerminal: true }).ended).stdout, /NAME/);
  }));

Deno.test("when nobody answers any more the last figures stay, and it says so", async () => {
  const list = Response.json({
    items: [{ id: "i", name: "web\u001b[2J", status: "Running", health: "healthy", labels: {} }],
    position: "1-0",
  });
  const app = scriptedApp([list, ...Array.from({ length: 99 }, refusedConnection)]);
  const live = beginDraas(app, ["top", "--interval", "5ms"], { isTerminal: true });
  await until("it says so", () => live.stdout.includes("This may be old: No control plane"));
  live.interrupt();
  const { code, stdout, stderr } = await live.ended;
  assertEquals(code, 0);
  assert(!stderr.includes("Trying again"), "no words between the frames");
  assert(!stdout.includes("web\u001b[2J"), "names move no cursor");
});

Deno.test("the most comes first, what is not known last, and names settle the rest", () => {
  const rows = [
    usage("b", { cpuShare: 0.1, memoryBytes: 5 }),
    usage("a", { cpuShare: 0.1 }),
    usage("d", { restarts: 3 }),
    usage("c", { cpuShare: 0.9, memoryBytes: 9 }),
  ];
  const names = (by: Parameters<typeof sortedUsage>[1]) =>
    sortedUsage(rows, by).map(({ name }) => name).join("");
  assertEquals(["cpu", "memory", "restarts", "name"].map((by) => names(by as "cpu")), [
    "cabd",
    "cbad",
    "dabc",
    "abcd",
  ]);
});

Deno.test("an instance whose worker is silent, or tells nothing, has no figures that are made up", () => {
  const base = { id: "i", name: "web", platform: "process", status: "Running", restarts: 2 };
  const instance = { ...base, health: "unknown", workerSilent: true } as never;
  assertEquals(usageOf(instance), {
    id: "i",
    name: "web",
    status: "Running",
    health: "worker silent",
    restarts: 2,
  });
  const cells = usageColumns(0, false).map(({ title, text }) => [title, text(usageOf(instance))]);
  assertEquals(Object.fromEntries(cells).CPU, "");
});

Deno.test("a frame fits every terminal: no line is too wide, and there are not too many", () => {
  const rows = Array.from(
    { length: 50 },
    (_, n) => usage(`日本語 ${n} ${"x".repeat(60)}`, { cpuShare: 1.5, memoryBytes: 1e9 }),
  );
  for (const [columns, height] of [[80, 24], [60, 15], [20, 5], [5, 2]] as const) {
    const problem = "This may be old: ".repeat(9);
    const lines = frameLines({ rows, now: 0, problem }, { columns, rows: height });
    assert(lines.length <= Math.max(4, height), `${lines.length} lines of ${height}`);
    for (const line of lines) assert(columnsOf(line) < columns, `${columnsOf(line)} of ${columns}`);
  }
  const [sums, , , last] = frameLines({ rows: rows.slice(0, 2), now: 0, problem: null }, {
    columns: 80,
    rows: 4,
  });
  assertEquals(sums, "2 instances, 2 running: 3.00 cores, 1.9Gi of memory");
  assertEquals(last, "and 1 more; Ctrl-C ends it");
});
