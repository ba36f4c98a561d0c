/** Reports from outside, and the changes of status that are remembered. Design §4 rule 15, `drasi-server.md` §16. */
import { assertEquals } from "@std/assert";
import { hasSameContent } from "../../actors/same_states.ts";
import { canonicalJson, type JsonObject } from "../../events/json.ts";
import { decide } from "../../machines/decide.ts";
import { restoreState, storedState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { statusOf } from "../../machines/status.ts";
import { History } from "../support/recorded.ts";

const given = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 30_000,
  keepsAnswer: false,
};
const report = { status: "Error", source: "monitor", metadata: { container: "c1" } };

const decided = (state: InstanceState, more: Partial<typeof given> = {}) =>
  decide(state, { type: "reportStatus", report }, { ...given, ...more });

const deleted = (history: History) =>
  history.add("DeleteRequested", {
    commandId: null,
    generation: 9,
    site: null,
    acceptWithinMs: 1,
    force: true,
    mayStillRun: null,
  });

const ways: Record<string, () => History> = {
  Created: () => new History().created(),
  Starting: () => new History().created().startRequested(),
  Running: () => History.running(),
  Stopping: () => History.stopping(),
  Stopped: () => History.stopping().stopped(),
  Failed: () => History.running().exited(),
};

for (const [status, way] of Object.entries(ways)) {
  Deno.test(`a report of a server that is ${status} is recorded, without a command, and changes nothing else`, () => {
    const { state } = way();
    const decision = decided(state);
    assertEquals(decision, {
      kind: "accepted",
      events: [{ type: "ExternalStatusReported", data: report }],
      commands: [],
      ends: [],
      generation: state.context.generation,
      awaits: null,
    });
    const after = way().reported("Error", report).state;
    assertEquals(factsOf(after), factsOf(state));
    assertEquals(statusOf(after), status);
    assertEquals(after.context.externalStatus?.status, "Error");
  });
}

/** All that is decided upon. */
function factsOf({ value, context }: InstanceState): string {
  const { version: _v, position: _p, lastModifiedAt: _l, ...rest } = context;
  const { externalStatus: _e, statusChanges: _c, ...facts } = rest;
  return canonicalJson({ value, facts } as unknown as JsonObject);
}

Deno.test("the same report again appends nothing, unless its answer is to be kept", () => {
  const { state } = History.running().reported("Error", report);
  assertEquals(decided(state), { kind: "unchanged" });
  const kept = decided(state, { keepsAnswer: true });
  assertEquals(kept.kind === "accepted" && kept.events.map(({ type }) => type), [
    "RequestAnswered",
  ]);
  assertEquals(decided(History.running().reported("Stopped").state).kind, "accepted");
});

Deno.test("nothing is reported of an instance that there is not, or not any more", () => {
  const none = decided(new History().state);
  assertEquals(none.kind === "rejected" && none.rejection.code, "not_found");
  const gone = decided(deleted(new History().created()).state);
  assertEquals(gone.kind === "rejected" && gone.rejection.code, "deleted");
});

Deno.test("the last report is shown with its time and whom it came from, and goes with the instance", () => {
  const history = History.running().reported("Error", report, { requestedBy: "ann" });
  assertEquals(history.state.context.externalStatus, { ...report, at: history.at, by: "ann" });
  assertEquals(deleted(history).state.context.externalStatus, null);
});

/** `from > to by source` of each change. */
const changesOf = ({ state: { context } }: History) =>
  context.statusChanges.map(({ from, to, source, isReported }) =>
    `${from} > ${to} by ${source}${isReported ? ", reported" : ""}`
  );

Deno.test("changes of the status are remembered in the predecessor's words, with who was behind them", () => {
  const history = History.running();
  assertEquals(changesOf(history), ["Created > Running by unknown"]);
  history.add("InstanceConfigured", { changes: { configuration: { command: ["x"] } } }, {
    requestedBy: "ann",
  });
  history.stopRequested().accepted("c2", "Stop").stopped();
  assertEquals(changesOf(history), [
    "Created > Running by unknown",
    "Running > ConfigurationChanged by ann",
    "ConfigurationChanged > Running by unknown",
    "Running > Stopped by unknown",
  ]);
  const [, change] = history.state.context.statusChanges;
  assertEquals([change!.position, change!.at], [
    history.events[4]!.position,
    history.events[4]!.at,
  ]);
});

Deno.test("a report that says another status than the one before is a change too", () => {
  const history = History.running().reported("Running").reported("Error").reported("Error", report);
  assertEquals(changesOf(history).slice(1), ["Running > Error by monitor, reported"]);
  assertEquals(changesOf(history.reported("Running")).slice(2), [
    "Error > Running by monitor, reported",
  ]);
});

Deno.test("of many changes the last eight are kept, and of a deleted instance none", () => {
  const history = History.running();
  for (let n = 0; n < 20; n++) history.reported(n % 2 === 0 ? "Error" : "Running");
  assertEquals(history.state.context.statusChanges.length, 8);
  assertEquals(deleted(history).state.context.statusChanges, []);
});

Deno.test("a baseline that knows nothing of changes is the fold all the same", () => {
  const { state } = History.running();
  const stored = JSON.parse(JSON.stringify(storedState(state)));
  delete stored.context.statusChanges;
  assertEquals(hasSameContent(restoreState(stored), state), true);
});
