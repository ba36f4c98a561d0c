/** What the pure core costs: a fold of an event, a decision, and what a state takes in memory. Design §4. */
import { InstanceTable } from "../actors/instance_table.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import type { Deciding } from "../machines/accept.ts";
import { decide } from "../machines/decide.ts";
import { evolve, initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { type Figure, figure } from "./figures.ts";
import { historyOf } from "./histories.ts";

const ROUNDS = 9;
const EVENTS = 5_000;
const DECISIONS = 5_000;
const INSTANCES = 10_000;
/** Created, started, stopped, started: each kind of event of an everyday life. */
const EVENTS_EACH = 10;
const MICROSECONDS = 1_000;

/** Time of a fold and of a decision, over start and stop in turn. */
export function machineFigures(): Figure[] {
  const events = historyOf(0, EVENTS);
  const [stopped, running] = [1, 4].map((length) => folded(historyOf(0, length)));
  const folds = timesOf(() => void folded(events), EVENTS);
  const decisions = timesOf(() => {
    for (let n = 0; n < DECISIONS / 2; n++) {
      decide(stopped!, { type: "start" }, given);
      decide(running!, { type: "stop" }, given);
    }
  }, DECISIONS);
  return [
    figure({ name: "fold", unit: "µs", goal: null, note: "one event through the machine" }, folds),
    figure(
      {
        name: "decision",
        unit: "µs",
        goal: null,
        note: "start or stop: its event through the machine, and its command",
      },
      decisions,
    ),
  ];
}

/** Heap of the instance table for each instance; its states keep parts of their events. */
export function memoryFigures(): Figure[] {
  const before = heapBytes();
  const table = new InstanceTable();
  for (let instance = 0; instance < INSTANCES; instance++) {
    for (const event of historyOf(instance, EVENTS_EACH, INSTANCES)) table.apply(event);
  }
  const each = (heapBytes() - before) / INSTANCES;
  const note =
    `heap after ${INSTANCES} instances of ${EVENTS_EACH} events, running (${table.fleetSize})`;
  return [figure({ name: "memory of an instance", unit: "bytes", goal: null, note }, [each])];
}

const given: Deciding = {
  commandId: "command-1",
  correlationId: "request-1",
  replyChannel: "instance.commands.process.response.1",
  acceptWithinMs: 30_000,
  keepsAnswer: false,
};

function folded(events: readonly RecordedEvent[]): InstanceState {
  return events.reduce(evolve, initialState(events[0]!.instanceId));
}

/** Microseconds of one of the `count` things that `work` does, by round; the first round warms up. */
function timesOf(work: () => void, count: number): number[] {
  return Array.from({ length: ROUNDS + 1 }, () => {
    const startedAt = performance.now();
    work();
    return (performance.now() - startedAt) * MICROSECONDS / count;
  }).slice(1);
}

function heapBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) throw new Error("the heap is measured with --v8-flags=--expose-gc");
  gc();
  return Deno.memoryUsage().heapUsed;
}
