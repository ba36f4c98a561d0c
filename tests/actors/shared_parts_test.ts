/** What a table keeps once: the states are those that the fold gives, and a configuration is not there twice. */
import { assert, assertEquals } from "@std/assert";
import { InstanceTable } from "../../actors/instance_table.ts";
import { canonicalJson, type Json } from "../../events/json.ts";
import { restoreState, storedState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { History, INSTANCE } from "../support/recorded.ts";

/** As a log's reader gives them: every part parsed from its own text. */
function read(history: History): History["events"] {
  return history.events.map((event) => JSON.parse(JSON.stringify(event)));
}

const text = (state: InstanceState) =>
  canonicalJson(JSON.parse(JSON.stringify(storedState(state))) as Json);

Deno.test("what runs with the configured configuration shares it with the specification", () => {
  const history = History.running();
  const events = read(history);
  const before = JSON.stringify(events);
  const table = new InstanceTable();
  table.fold(events);
  const state = table.state(INSTANCE)!;
  assertEquals(text(state), text(history.state), "it is the state that the fold gives");
  const { run, specification } = state.context;
  assert(run?.launch?.configuration === specification?.configuration, "kept once");
  assertEquals(JSON.stringify(events), before, "the log's own events are left as they are");
});

Deno.test("a start with another configuration keeps its own", () => {
  const history = new History().created().add("StartRequested", {
    commandId: "c1",
    generation: 1,
    configuration: { command: ["/bin/other"] },
    configurationRevision: null,
    acceptWithinMs: 1_000,
    site: null,
    cause: "user",
  });
  const table = new InstanceTable();
  table.fold(read(history));
  assertEquals(text(table.state(INSTANCE)!), text(history.state));
});

Deno.test("a state of a snapshot shares its parts too, and is the same state", () => {
  const { state } = History.running();
  const table = new InstanceTable();
  table.restore(restoreState(JSON.parse(JSON.stringify(storedState(state)))));
  const restored = table.state(INSTANCE)!;
  assertEquals(text(restored), text(state));
  const { run, specification } = restored.context;
  assert(run?.launch?.configuration === specification?.configuration, "kept once");
});

Deno.test("an event whose predecessors are missing is not folded, a baseline is", () => {
  const history = History.running();
  const events = read(history);
  const table = new InstanceTable();
  table.fold(events.slice(2));
  assertEquals(
    table.state(INSTANCE),
    undefined,
    "a state without its beginning would be a wrong one",
  );
  history.add("Baseline", { state: JSON.parse(JSON.stringify(storedState(history.state))) });
  table.fold(read(history).slice(-1));
  assertEquals(text(table.state(INSTANCE)!), text(history.state));
});
