/**
 * The checker for whole runs, real and simulated: what clients saw, the log with its rollbacks and the processes, put
 * in the order of their times and judged in one pass. Pure. It begins at the log's first event.
 */
import type { Position } from "../../events/envelope.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { statusOf } from "../../machines/status.ts";
import type { Violation } from "../simulation/run_result.ts";
import { inHandFaults } from "./history_checker.ts";
import { Ledger, type PositionForm, requestIdOf, type Written } from "./ledger.ts";
import { LIFECYCLE_RULES } from "./lifecycle_rules.ts";
import { COMMAND_RULES, ORDER_RULES } from "./log_rules.ts";
import type { Operation, Read } from "./operations.ts";
import { type Life, type ProcessChange, ProcessLives } from "./process_lives.ts";
import { allBroken } from "./rule.ts";
import { Telling } from "./telling.ts";

/** A run as it was seen from outside. All times are of one clock; where hosts differ, `skewMs` says by how much. */
export interface FleetHistory {
  form: PositionForm;
  /** In the order in which they were written, also those that a rollback has taken. */
  written: readonly Written[];
  rollbacks: readonly { at: number; lost: ReadonlySet<Position> }[];
  operations: readonly Operation[];
  reads: readonly Read[];
  /** The process table over time. */
  lives: readonly Life[];
  /** When hosts stood still with all that runs on them. */
  freezes: readonly { host: string; from: number; to: number }[];
  /** Commands in hand once everything has come to rest; null when it was not waited for. */
  inHandAtRest: readonly string[] | null;
}

/** Before what is told at the same time; what was asked then may be what is written. */
const ASKED = 0, WRITTEN = 1, CHANGED = 2, TOLD = 3, ROLLED_BACK = 4;

interface Moment {
  at: number;
  kind: number;
  judge: () => readonly (Violation | null)[];
}

/** Everything in a run that cannot be, in the order of its times. */
export function checkFleet(history: FleetHistory, skewMs = 0): Violation[] {
  const ledger = new Ledger(history.form);
  const telling = new Telling(ledger);
  const lives = new ProcessLives();
  const moments: Moment[] = [
    ...history.written.map((written) => ({
      at: written.writtenAt - skewMs,
      kind: WRITTEN,
      judge: () => follow(ledger, telling, written),
    })),
    ...history.rollbacks.map(({ at, lost }) => ({
      at,
      kind: ROLLED_BACK,
      judge: () => {
        ledger.rollBack(lost, at);
        telling.rolledBack();
        return [];
      },
    })),
    ...history.operations.flatMap((operation) => momentsOf(operation, telling, skewMs)),
    ...history.reads.map((read) => ({
      at: read.returnedAt,
      kind: TOLD,
      judge: () => [telling.read(read)],
    })),
    ...changesOf(history).map((change) => ({
      at: change.at,
      kind: CHANGED,
      judge: () => [lives.take(change)],
    })),
  ];
  const found = moments.sort((a, b) => a.at - b.at || a.kind - b.kind)
    .flatMap(({ judge }) => judge().filter((one) => one !== null));
  if (history.inHandAtRest === null) return found;
  return [...found, ...atRest(ledger, lives, history.inHandAtRest)];
}

const LOG_RULES = { ...ORDER_RULES, ...COMMAND_RULES, ...LIFECYCLE_RULES };

function follow(ledger: Ledger, telling: Telling, written: Written): (Violation | null)[] {
  const entry = ledger.prepare(written);
  const broken = allBroken(LOG_RULES, ledger, entry);
  ledger.add(entry);
  return [
    ...broken.map((one) => told(one, written.event)),
    telling.wrote(requestIdOf(written.event)),
  ];
}

function told({ invariant, found }: Violation, event: RecordedEvent): Violation {
  const { type, position, instanceId } = event;
  return { invariant, found: `${type} at ${position} of ${instanceId}: ${found}` };
}

function momentsOf(operation: Operation, telling: Telling, skewMs: number): Moment[] {
  const asked = {
    at: operation.invokedAt - 2 * skewMs,
    kind: ASKED,
    judge: () => [telling.asked(operation)],
  };
  const { returnedAt } = operation;
  return returnedAt === null
    ? [asked]
    : [asked, { at: returnedAt, kind: TOLD, judge: () => [telling.told(operation)] }];
}

function changesOf({ lives, freezes }: FleetHistory): ProcessChange[] {
  return [
    ...lives.flatMap(({ from, to, ...spawned }): ProcessChange[] => [
      { kind: "began", at: from, ...spawned },
      ...(to === null ? [] : [{ kind: "ended", at: to, runId: spawned.runId } as const]),
    ]),
    ...freezes.flatMap(({ host, from, to }): ProcessChange[] => [
      { kind: "host-froze", at: from, host },
      { kind: "host-thawed", at: to, host },
    ]),
  ];
}

/** Nothing acknowledged is left undone, and what lives is what the log names. */
function atRest(ledger: Ledger, lives: ProcessLives, inHand: readonly string[]): Violation[] {
  const found = inHandFaults(ledger, inHand).map((fault) => ({
    invariant: "busHoldsWhatIsOpen",
    found: fault,
  }));
  for (const [instanceId, own] of lives.live) {
    const state = ledger.states.get(instanceId);
    const named = state && statusOf(state) !== "Deleted" && state.value.run === "running"
      ? state.context.run?.runId
      : null;
    for (const { runId } of own.filter((life) => life.runId !== named)) {
      found.push({
        invariant: "nothingIsOrphaned",
        found: `${runId} of ${instanceId} lives unnamed`,
      });
    }
  }
  for (const { value, context: { instanceId, run } } of ledger.states.values()) {
    if (value.run !== "running" || value.pending === "deleted") continue;
    if (lives.liveOf(instanceId).some(({ runId }) => runId === run?.runId)) continue;
    found.push({
      invariant: "nothingIsOrphaned",
      found: `${instanceId} runs as ${run?.runId}, and that process is gone`,
    });
  }
  return found;
}
