/** Any history can be explained: long ones, cut ones, ones that no decision would ever make. Design §1 promise 3, §6. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { eventSchemas } from "../../events/instance_events.ts";
import { explain, reachesBack } from "../../machines/explain.ts";
import { initialState, storedState } from "../../machines/evolve.ts";
import { owedTo } from "../../machines/reconcile.ts";
import { statusOf } from "../../machines/status.ts";
import { anyHistory } from "../support/any_history.ts";
import { ended, History, INSTANCE } from "../support/recorded.ts";
import { start, told } from "./explained.ts";

Deno.test("a long chain of crashes is told by its begin and its end", () => {
  const history = start(new History().created()).accepted().started();
  for (let n = 1; n <= 20; n++) {
    history.exited(n === 1 ? "r1" : `r-${n - 1}`)
      .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5 });
    start(history, `c-${n}`, "restart-policy").accepted(`c-${n}`).started(`c-${n}`, `r-${n}`);
  }
  const { steps, summary } = explain(history.state, history.events);
  assertEquals(steps[0]?.text, "ann asked to start it.");
  const gap = steps.find(({ kind }) => kind === "gap");
  assertEquals(gap?.text, "71 more events are left out here.");
  assert(steps.length < 50);
  assertEquals(
    summary,
    "It is Running: ann asked to start it; worker w1 answered: it runs as process 4242.",
  );
});

Deno.test("where the log was cut, or is not read further back, the chain begins with that", () => {
  const history = start(new History().created()).accepted().started();
  const state = JSON.parse(JSON.stringify(storedState(history.state)));
  history.add("Baseline", { state }).exited();
  assertEquals(reachesBack(history.state, history.events), true);
  const left = history.events.slice(4);
  assertEquals(reachesBack(history.state, left), false);
  const { steps, summary } = explain(history.state, left);
  assertEquals(steps.map(({ kind, text, version }) => `${version} ${kind}: ${text}`), [
    "5 gap: What came before was cut from the log.",
    "6 report: Worker w1 reported that the server has ended: exited with code 1.",
  ]);
  assert(summary.startsWith("It is Failed: worker w1 reported that the server has ended"));
  assertEquals(
    explain(history.state, history.events.slice(5)).steps[0]?.text,
    "What came before is further back than is looked at here.",
  );
});

Deno.test("a request that is still in hand is told, however many came after it", () => {
  const history = start(new History().created()).accepted().stopRequested("c2");
  assertEquals(reachesBack(history.state, history.events.slice(3)), false);
  assertEquals(told(history)[0], "request: ann asked to start it.");
  assert(told(history).at(-1)!.startsWith("It is Stopping: somebody asked to stop it; "));
});

Deno.test("each kind of event has its sentence, or has no part in the status", () => {
  const untold = ["InstanceConfigured", "RequestAnswered", "Baseline", "ExternalStatusReported"];
  const events = [
    ...fc.sample(anyHistory, 200).flatMap((history) => history.events),
    ...new History().add("CommandRefused", { commandId: "c1", reason: "Poison" }).events,
  ];
  const told = new Set(
    events.flatMap((event) =>
      explain(initialState(INSTANCE), [event]).steps.some(({ kind }) => kind !== "gap")
        ? [event.type]
        : []
    ),
  );
  assertEquals([...told, ...untold].sort(), Object.keys(eventSchemas).sort());
});

Deno.test("any history can be told, from any place on: by its status, in order, with all that is owed", () => {
  fc.assert(
    fc.property(anyHistory, fc.nat(40), (history, from) => {
      const { status, summary, steps, next } = explain(history.state, history.events.slice(from));
      assertEquals(status, statusOf(history.state));
      assert(summary.startsWith(`It is ${status}`) && summary.endsWith("."), summary);
      const versions = steps.map(({ version }) => version);
      assertEquals(versions, [...versions].sort((a, b) => a - b));
      for (const { text } of [...steps, ...next]) assert(/^[A-Z].*[^.]\.$/.test(text), text);
      const owed = owedTo(history.state).map(({ kind }) => kind);
      assertEquals(next.map(({ kind }) => kind).filter((kind) => kind !== "answer"), owed);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a time that no calendar has, and ids that are odd, are told all the same", () => {
  const history = start(new History().created()).accepted().started().exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 1e300 });
  assert(told(history).at(-1)!.includes("a time that never comes"));
  const lost = new History().created().add("RuntimeObserved", {
    instanceId: INSTANCE,
    observation: "Lost",
    workerId: "w1",
    runtimeInfo: { ...ended("r9"), exit: undefined },
  });
  assertEquals(told(lost)[1], "report: Worker w1 reported that the server is gone.");
});
