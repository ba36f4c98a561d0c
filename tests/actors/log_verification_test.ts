/** A log is proved against itself: what is whole is called whole, and each kind of damage is found and named. */
import { assert, assertEquals } from "@std/assert";
import { InstanceTable } from "../../actors/instance_table.ts";
import { describeVerification, verifyLog } from "../../actors/log_verification.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { EventLog, LogRetention, Snapshot } from "../../events/event_log.ts";
import type { JsonObject } from "../../events/json.ts";
import { STATE_SCHEMA, storedState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { History, INSTANCE } from "../support/recorded.ts";

const stored = (state: InstanceState) =>
  JSON.parse(JSON.stringify(storedState(state))) as JsonObject;

function logOf(events: readonly RecordedEvent[]): EventLog {
  return {
    read: (after: string, limit: number) =>
      Promise.resolve(
        events.filter((event) => parseInt(event.position) > parseInt(after)).slice(0, limit),
      ),
  } as EventLog;
}

function snapshotOf(
  states: readonly JsonObject[],
  position: string,
  schema = STATE_SCHEMA,
): LogRetention {
  const snapshot: Snapshot = {
    position,
    schema,
    states: states.map((state) => JSON.stringify(state)),
  };
  return { loadSnapshot: () => Promise.resolve(snapshot) } as unknown as LogRetention;
}

const none = { loadSnapshot: () => Promise.resolve(null) } as unknown as LogRetention;

/** A life with a baseline in the middle of it. */
function lifeWithBaseline(): History {
  const history = History.running();
  history.add("Baseline", { state: stored(history.state) });
  return history.exited("r1", 1);
}

Deno.test("a log with a true baseline, a true snapshot and a true table is whole", async () => {
  const { events, state } = lifeWithBaseline();
  const table = new InstanceTable();
  table.fold(events);
  const position = events.at(-1)!.position;
  const report = await verifyLog(logOf(events), snapshotOf([stored(state)], position), table);
  assertEquals(report, {
    from: "0-0",
    to: position,
    events: events.length,
    instances: 1,
    baselines: 1,
    snapshotStates: 1,
    differenceCount: 0,
    differences: [],
  });
  assert(describeVerification(report).endsWith("Everything is as its events say."));
});

Deno.test("a baseline that is not what the events before it make is found", async () => {
  const history = History.running();
  const state = stored(history.state);
  (state.context as JsonObject).restarts = 7;
  history.add("Baseline", { state });
  const report = await verifyLog(logOf(history.events), none);
  const position = history.events.at(-1)!.position;
  assertEquals(report.differences.map(({ where, position }) => [where, position]), [
    ["baseline", position],
  ]);
  assert(
    describeVerification(report).includes(`${INSTANCE} at ${position} (baseline)`),
    describeVerification(report),
  );
});

Deno.test("a snapshot is compared at each state's own version: false, missing and never reached ones are found", async () => {
  const history = History.running();
  const early = stored(history.state);
  history.exited("r1", 1);
  const at = history.events.at(-1)!.position;
  const wheres = async (states: JsonObject[], position = at) =>
    (await verifyLog(logOf(history.events), snapshotOf(states, position))).differences
      .map(({ where, message }) => `${where}: ${message}`);
  assertEquals(await wheres([early]), [], "an older state is a true one of its time");
  const wrong = structuredClone(early);
  (wrong.context as JsonObject).desired = "stopped";
  assertEquals(await wheres([wrong]), ["snapshot: its state is not what the events make"]);
  assertEquals(await wheres([]), ["snapshot: it is not in the snapshot"]);
  const future = structuredClone(early);
  (future.context as JsonObject).version = 99;
  assertEquals(await wheres([future]), ["snapshot: the log never came to its version 99"]);
  assertEquals(await wheres([early], "99-0"), [
    `snapshot: it is from after the log's end, ${at}`,
  ]);
});

Deno.test("a snapshot of another release's fold is none", async () => {
  const { events } = History.running();
  const report = await verifyLog(logOf(events), snapshotOf([], "9-0", STATE_SCHEMA + 1));
  assertEquals([report.snapshotStates, report.differences], [null, []]);
});

Deno.test("a gap and a wrong link are found in the log itself", async () => {
  const { events } = History.running();
  const gap = await verifyLog(logOf(events.filter((event) => event.version !== 2)), none);
  assertEquals(gap.differences[0]?.where, "log");
  assertEquals(gap.differences[0]?.message, "it follows 2-0, but before it is 1-0");
});

Deno.test("a log that was cut begins at its baselines, and older states of a snapshot are no fault", async () => {
  const history = History.running();
  const before = stored(history.state);
  const length = history.events.length;
  history.add("Baseline", { state: before });
  history.exited("r1", 1);
  const cut = history.events.slice(length - 1);
  const first = parseInt(cut[0]!.position) - 1;
  const log = logOf(cut);
  const read = log.read.bind(log);
  log.read = async (after, limit) => {
    if (parseInt(after) >= first) return await read(after, limit);
    const { OperationalError } = await import("../../events/errors.ts");
    throw new OperationalError("log_truncated", "It was cut.", false, `Read from ${first}-0.`);
  };
  const report = await verifyLog(log, snapshotOf([before], `${length}-0`));
  assertEquals([report.from, report.events, report.instances, report.differences], [
    `${first}-0`,
    cut.length,
    1,
    [],
  ]);
});

Deno.test("a node's table that is behind, or wrong, is found", async () => {
  const { events } = lifeWithBaseline();
  const behind = new InstanceTable();
  behind.fold(events.slice(0, 3));
  const report = await verifyLog(logOf(events), none, behind);
  assertEquals(report.differences.map(({ where, message }) => [where, message]), [
    ["table", "the node has not folded it this far"],
  ]);
  const wrong = new InstanceTable();
  wrong.fold(
    events.map((event) =>
      event.type === "Baseline"
        ? {
          ...event,
          data: {
            state: {
              ...event.data.state,
              context: { ...(event.data.state.context as JsonObject), restarts: 9 },
            },
          },
        }
        : event
    ),
  );
  assertEquals((await verifyLog(logOf(events), none, wrong)).differences[0]?.where, "table");
});
