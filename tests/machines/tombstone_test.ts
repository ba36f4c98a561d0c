/** What is left of a deleted instance: enough to answer for it, and nothing that is large. */
import { assertEquals } from "@std/assert";
import { evolve, restoreState, storedState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { History, launch, running, SITE } from "../support/recorded.ts";

const LARGE = "x".repeat(50_000);

function largeAndRunning(): History {
  return new History().created()
    .add("InstanceConfigured", {
      changes: { configuration: { command: [LARGE] }, labels: { l: "m" }, description: "long" },
    })
    .add("StartRequested", {
      ...launch("c1", 1),
      configuration: { command: [LARGE] },
      site: null,
      cause: "user",
    })
    .accepted().started();
}

function deleted(history: History, force: boolean): History {
  return history.add("DeleteRequested", {
    commandId: "c9",
    generation: 9,
    site: SITE,
    acceptWithinMs: 100,
    force,
    mayStillRun: null,
  }, { requestedBy: "ann" });
}

function gone(history: History): History {
  return history.add("CommandSucceeded", {
    commandId: "c9",
    attempt: 1,
    workerId: "w1",
    response: { type: "DeleteInstanceResponse", instanceId: "instance-1", success: true },
  });
}

Deno.test("of a deleted instance only who it was and when it went is kept", () => {
  const { state, at } = gone(deleted(largeAndRunning(), false).accepted("c9", "Delete"));
  const { context } = state;
  assertEquals(statusOf(state), "Deleted");
  assertEquals(
    [context.specification?.name, context.deletedAt, context.deletedBy, context.version],
    ["one", at, "ann", 8],
  );
  assertEquals(
    [context.specification?.configuration, context.specification?.labels, context.run],
    [{}, { l: "m" }, null],
  );
  assertEquals(JSON.stringify(storedState(state)).length < 1_200, true, "it is small");
});

Deno.test("a forced delete keeps everything until its command has ended", () => {
  const history = deleted(largeAndRunning(), true);
  assertEquals(statusOf(history.state), "Deleted");
  assertEquals(
    history.state.context.run?.runId,
    "r1",
    "its command's end may still tell of the run",
  );
  gone(history.accepted("c9", "Delete"));
  assertEquals([history.state.context.run, history.state.context.commands], [null, []]);
});

Deno.test("a late report finds the tombstone, and changes nothing that is seen", () => {
  const history = gone(deleted(largeAndRunning(), false).accepted("c9", "Delete"));
  const before = history.state.context;
  history.add("RuntimeObserved", {
    instanceId: "instance-1",
    observation: "Found",
    workerId: "w1",
    runtimeInfo: running("r7"),
  });
  const { version, position, lastModifiedAt, ...rest } = history.state.context;
  const { version: _v, position: _p, lastModifiedAt: _l, ...expected } = before;
  assertEquals([rest, statusOf(history.state)], [expected, "Deleted"]);
  assertEquals([version, position, lastModifiedAt], [9, "9-0", history.at]);
});

Deno.test("a tombstone in a snapshot goes on as one that was folded", () => {
  const history = gone(deleted(largeAndRunning(), false).accepted("c9", "Delete"));
  const restored = restoreState(JSON.parse(JSON.stringify(storedState(history.state))));
  const next = history.exited("r1", 1);
  assertEquals(
    storedState(evolve(restored, next.events.at(-1)!)),
    storedState(next.state),
  );
});
