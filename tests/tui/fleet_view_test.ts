/** The live view's text: what a row says in each state, the counts, and that nothing is wider than the screen. */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { specificationSchema } from "../../events/specification.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { instanceView } from "../../http/instance_view.ts";
import { STATUSES } from "../../machines/requests.ts";
import {
  duration,
  fleetView,
  headLine,
  oldText,
  rowLine,
  rowOf,
  SYMBOLS,
  titleLine,
} from "../../tui/fleet_view.ts";
import { columnsOf } from "../../tui/terminal_text.ts";
import { History, running } from "../support/recorded.ts";

const LATER = 65_000;

/** An instance as the API tells it. */
function told({ state }: History, isSilent?: (workerId: string) => boolean): InstanceAnswer {
  return instanceView(state, isSilent) as unknown as InstanceAnswer;
}

function named(name: string): InstanceAnswer {
  const specification = specificationSchema.parse({ name, configuration: {} });
  return told(new History().add("InstanceCreated", { specification }));
}

Deno.test("an instance that was only created shows its name and age", () => {
  assertEquals(
    rowLine(rowOf(named("one"), LATER), 79),
    ". Created    one" + " ".repeat(37) + "0" + " ".repeat(8) + "1m",
  );
});

Deno.test("the first line says why what is shown may be old, in text that is safe to print", () => {
  assertEquals(titleLine("1.0", "http://x", null), "DRaaS 1.0 http://x");
  const line = titleLine("1.0", "http://x", "no\u001b[2Jconnection");
  assert(line.startsWith("DRaaS 1.0 http://x  THIS MAY BE OLD: no"), line);
  assert(!line.includes("\u001b"), line);
});

Deno.test("a control plane that is not heard is told with since when, before a log that is away", () => {
  const error = new OperationalError("unreachable", "Nobody answers.", true, "");
  assertEquals(oldText({ kind: "live", since: 0 }, "The log is away.", 0), "The log is away.");
  assertEquals(oldText({ kind: "live", since: 0 }, null, 0), null);
  assertEquals(oldText({ kind: "connecting", since: 0, error: null }, null, 0), null);
  assertEquals(
    oldText({ kind: "reconnecting", since: 1_000, error }, "The log is away.", 66_000),
    "no contact for 1m: Nobody answers.",
  );
});

Deno.test("a running instance shows its process and how long it has run", () => {
  const row = rowOf(told(History.running()), LATER);
  assertEquals([row.status, row.symbol, row.processId, row.since, row.detail], [
    "Running",
    "*",
    "4242",
    "1m",
    "",
  ]);
});

Deno.test("what a silent worker runs is shown as what was heard of it last", () => {
  const isSilent = (workerId: string) => workerId === "w1";
  const silent = told(History.running(), isSilent);
  assertEquals(rowOf(silent, LATER).detail, "worker w1 is silent, this may be old");
  assertEquals(fleetView([told(History.running())], LATER, 1).rows[0]?.detail, "");
});

Deno.test("a stand-in and a port are said", () => {
  const runtimeInfo = { ...running("r1"), port: 8080, runtimeMetadata: { standIn: "true" } };
  const history = new History().created().startRequested().accepted().add("CommandSucceeded", {
    commandId: "c1",
    attempt: 1,
    workerId: "w1",
    response: {
      type: "StartInstanceResponse",
      instanceId: "instance-1",
      success: true,
      runtimeInfo,
    },
  });
  const row = rowOf(told(history), LATER);
  assertEquals([row.port, row.detail], ["8080", "stand-in, not drasi-server"]);
});

Deno.test("a failed start shows why, and no process", () => {
  const row = rowOf(told(new History().created().startRequested().accepted().failed()), LATER);
  assertEquals([row.status, row.symbol, row.processId, row.detail], ["Failed", "!", "", "no"]);
});

Deno.test("an unhealthy server shows why, and a start that takes long what it waits for", () => {
  const detail = (history: History) => rowOf(told(history), LATER).detail;
  assertEquals(detail(History.running().health("healthy")), "");
  const ill = History.running().health("unhealthy", { reason: "no answer" });
  assertEquals(detail(ill), "unhealthy: no answer");
  const start = { step: "waiting-for-readiness", since: 1 } as const;
  const slow = new History().created().startRequested().accepted()
    .health("starting", { start, reason: "no TCP connection" });
  assertEquals(detail(slow), "no TCP connection");
});

Deno.test("a restart to come shows when", () => {
  const history = History.running().exited("r1", 1);
  const { at } = history.add("RestartScheduled", {
    runId: "r1",
    attempt: 0,
    delayMs: 30_000,
  });
  const row = rowOf(told(history), at + 10_000);
  assertEquals(row.detail.split(";")[0], "next try in 20s");
});

Deno.test("counts are of the whole fleet, also of what has no room", () => {
  const running = told(History.running());
  const view = fleetView([named("a"), named("b"), running, running], LATER, 1);
  assertEquals([view.rows.length, view.hidden, view.counts], [1, 3, "2 Created, 2 Running"]);
  assertEquals(fleetView([], LATER, 10), { rows: [], hidden: 0, counts: "no instances" });
});

Deno.test("each status is told without colour: its name, and a plain sign", () => {
  for (const status of STATUSES) assert(/^[ -~]$/.test(SYMBOLS[status]), status);
  const lasting = ["Created", "Running", "Stopped", "Failed"] as const;
  assertEquals(new Set(lasting.map((status) => SYMBOLS[status])).size, 4);
});

Deno.test("ages are short", () => {
  assertEquals([-5, 0, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000].map(duration), [
    "0s",
    "0s",
    "59s",
    "1m",
    "59m",
    "1h",
    "1d",
  ]);
});

Deno.test("no line is wider than the screen, whatever a name holds", () => {
  const names = [
    "x".repeat(200),
    "日本語".repeat(40),
    "\u001b[2J\u001b[H",
    "👨‍👩‍👧‍👦".repeat(9),
    "é".repeat(99),
  ];
  for (const columns of [20, 40, 79, 200]) {
    assert(columnsOf(headLine(columns)) <= columns);
    for (const name of names) {
      const line = rowLine(rowOf(named(name.slice(0, 200)), LATER), columns);
      assert(columnsOf(line) <= columns, `${columnsOf(line)} of ${columns}: ${line}`);
      assert(!line.includes("\u001b"));
    }
  }
});
