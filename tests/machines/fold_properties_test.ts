/** What holds for every history, whatever is in it. Design §1 promise 3, §4. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { transition } from "xstate";
import type { RecordedEvent } from "../../events/envelope.ts";
import { decide } from "../../machines/decide.ts";
import { evolve, initialState, restoreState, step, storedState } from "../../machines/evolve.ts";
import { lifecycle } from "../../machines/lifecycle.ts";
import { owedTo } from "../../machines/reconcile.ts";
import { STATUSES } from "../../machines/requests.ts";
import { endedCommandId } from "../../machines/reports.ts";
import { statusOf } from "../../machines/status.ts";
import { anyEvent, anyHistory, response } from "../support/any_history.ts";
import { type History, INSTANCE } from "../support/recorded.ts";

const fold = (events: readonly RecordedEvent[]) => events.reduce(evolve, initialState(INSTANCE));

Deno.test("the fold of any history never throws and never leaves the statuses", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      assert(STATUSES.includes(statusOf(history.state)));
      assertEquals(history.state.context.version, history.events.length);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the same events give the same state, also through a snapshot at any place", () => {
  fc.assert(
    fc.property(anyHistory, fc.nat(40), (history, cut) => {
      const straight = storedState(fold(history.events));
      const half = JSON.parse(JSON.stringify(storedState(fold(history.events.slice(0, cut)))));
      const resumed = storedState(history.events.slice(cut).reduce(evolve, restoreState(half)));
      assertEquals(JSON.parse(JSON.stringify(resumed)), JSON.parse(JSON.stringify(straight)));
    }),
    { numRuns: 300 },
  );
});

Deno.test("a move that is remembered is the one that XState makes", () => {
  fc.assert(
    fc.property(anyHistory, ({ events }) => {
      let state = initialState(INSTANCE);
      for (const event of events) {
        const [next, actions] = transition(lifecycle, state, event);
        const stepped = step(state, event);
        assertEquals(stepped.state.value, next.value);
        assertEquals<unknown>(stepped.actions, actions.map((action) => action.type));
        state = stepped.state;
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("evolve changes nothing in the state that it is given", () => {
  fc.assert(
    fc.property(anyHistory, anyEvent, (history, step) => {
      const before = JSON.stringify(storedState(history.state));
      const kept = history.state;
      step(history);
      assertEquals(JSON.stringify(storedState(kept)), before);
    }),
    { numRuns: 200 },
  );
});

Deno.test("a run that has ended is never shown as live again", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const over = new Set<string>();
      let state = initialState(INSTANCE);
      for (const event of history.events) {
        const was = state.context.run;
        state = evolve(state, event);
        if (
          was?.runId && state.value.run === "ended" && state.context.run?.runId === was.runId
        ) over.add(was.runId);
        const present = state.context.run?.runId;
        // The memory of ended runs is bounded by eight; these histories know three.
        if (state.value.run === "running" && present) {
          assert(!over.has(present), `${present} lives again`);
        }
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("health is that of the live run, and a report about any other run changes nothing that is seen", () => {
  const seen = ({ context }: History["state"]) => {
    const { version: _, position: __, lastModifiedAt: ___, ...rest } = context;
    return rest;
  };
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { value, context: { health, run } } = history.state;
      if (health !== null) assertEquals([value.run, run?.runId], ["running", health.runId]);
      const before = history.state;
      history.health("unhealthy", { runId: "of-another-life" });
      assertEquals(seen(history.state), seen(before));
      assertEquals(history.state.value, before.value);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the response to a command in hand always ends it", () => {
  fc.assert(
    fc.property(anyHistory, response, (history, answer) => {
      const open = history.state.context.commands[0];
      fc.pre(open !== undefined);
      history.add("CommandSucceeded", {
        commandId: open!.commandId,
        attempt: 1,
        workerId: "w1",
        response: answer,
      });
      assert(!history.state.context.commands.some((one) => one.commandId === open!.commandId));
    }),
    { numRuns: 300 },
  );
});

Deno.test("Deleted is for ever", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      let wasDeleted = false;
      let state = initialState(INSTANCE);
      for (const event of history.events) {
        state = evolve(state, event);
        if (wasDeleted) assertEquals(statusOf(state), "Deleted");
        wasDeleted ||= statusOf(state) === "Deleted";
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("what a decision appends can be folded, and ends only commands that are in hand", () => {
  const requests = fc.constantFrom(
    { type: "start" as const },
    { type: "stop" as const },
    { type: "restart" as const },
    { type: "delete" as const, force: false },
    { type: "delete" as const, force: true },
  );
  fc.assert(
    fc.property(anyHistory, requests, (history, request) => {
      const { state } = history;
      const decision = decide(state, request, {
        commandId: "new",
        correlationId: "q",
        acceptWithinMs: 10,
        keepsAnswer: false,
      });
      if (decision.kind !== "accepted") return;
      const inHand = new Set(state.context.commands.map((one) => one.commandId));
      for (const end of decision.ends) {
        assert(inHand.has(end.commandId), `${end.commandId} is not in hand`);
      }
      for (const end of decision.ends) {
        const event = decision.events[end.eventIndex]!;
        assertEquals(endedCommandId({ ...event } as RecordedEvent), end.commandId);
      }
      for (const command of decision.commands) {
        assertEquals(command.generation, state.context.generation + 1);
      }
      assert(decision.commands.length <= 1);
    }),
    { numRuns: 500 },
  );
});

Deno.test("what is owed is in order of time, and nothing but expiries is owed to a deleted instance", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const owed = owedTo(history.state);
      assertEquals(
        owed.map((one) => one.dueAt),
        owed.map((one) => one.dueAt).sort((a, b) => a - b),
      );
      if (statusOf(history.state) === "Deleted") assert(owed.every((one) => one.kind === "expire"));
    }),
    { numRuns: 300 },
  );
});
