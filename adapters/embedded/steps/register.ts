/**
 * Register, drain, leave: a worker's standing. Design §4 rule 7.
 *
 * Reads: the worker, the live commands, the runs at its site. Writes: the worker. Answers: what it inherits, or why it is refused.
 *
 * Atomic, because from the same instant on the older incarnation is refused everywhere and the new one owns what that
 * had accepted.
 */
import type { Command } from "../../../events/commands.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import type { RegisterOutcome, Registration } from "../../../events/worker_channel.ts";
import type { Step } from "../step.ts";
import type { CommandRow, Tables, WorkerRow } from "../tables.ts";
import { presentWorker } from "./present_worker.ts";

/** A worker that beat within this time counts as alive. Design §4 rule 8. */
const BEATS_WITHIN_MS = 5_000;
/** Former incarnations that are remembered for each worker. */
const RETIRED_MAX = 64;

/** The step that makes `registration` the worker's present incarnation. `beatAt`: when the worker was last heard. */
export function register(
  registration: Registration,
  beatAt: (worker: WorkerRow) => number,
): Step<RegisterOutcome> {
  return ({ tables, now, effects }) => {
    const { workerId, incarnation, machineId } = registration;
    const before = tables.workers.get(workerId);
    const isGivenUp = before?.lost && before.incarnation === incarnation;
    if (isGivenUp || before?.retired.includes(incarnation)) {
      return refused("this incarnation was superseded or given up; start the worker anew");
    }
    const beats = before && !before.forgotten && !before.left &&
      now - beatAt(before) < BEATS_WITHIN_MS;
    if (beats && before.machineId !== machineId) {
      return refused(`worker ${workerId} is alive on another machine; give this one another id`);
    }
    tables.workers.put({
      ...registration,
      registeredAt: now,
      // An admin's drain outlasts a restart of the worker; a forgotten worker's does not.
      draining: before !== undefined && !before.forgotten && before.draining,
      left: false,
      forgotten: false,
      lost: false,
      retired: before && before.incarnation !== incarnation
        ? retire(before)
        : before?.retired ?? [],
    });
    effects.workersChanged = true;
    return {
      kind: "registered",
      inherited: inheritedBy(tables, workerId, incarnation),
      placed: placedAt(tables, registration.site),
    };
  };
}

/** The step by which an admin lets a worker take new commands or not; false when there is none of that id. */
export function drain(workerId: string, draining: boolean): Step<boolean> {
  return ({ tables, effects }) => {
    const worker = tables.workers.get(workerId);
    if (!worker || worker.forgotten) return false;
    tables.workers.put({ ...worker, draining });
    effects.workersChanged = true;
    return true;
  };
}

/** The step by which a worker takes nothing more. */
export function leave(workerId: string, incarnation: string): Step<void> {
  return ({ tables, effects }) => {
    const worker = presentWorker(tables, workerId, incarnation);
    if (!worker) return;
    tables.workers.put({ ...worker, left: true });
    effects.workersChanged = true;
  };
}

/** Every run that the log takes for live at `site`. */
export function placedAt(tables: Tables, site: string): RuntimeInfo[] {
  return tables.instances.standingAt(site).map((row) => JSON.parse(row.runtimeInfo!));
}

/** The former incarnations of a worker, with its present one. */
export function retire(worker: WorkerRow): readonly string[] {
  return [...worker.retired, worker.incarnation].slice(-RETIRED_MAX);
}

/** What a worker has accepted, in whatever life. */
export function acceptedBy(tables: Tables, workerId: string): CommandRow[] {
  return [...tables.commands.all()].filter(({ accepted }) => accepted?.workerId === workerId);
}

function inheritedBy(tables: Tables, workerId: string, incarnation: string): Command[] {
  return acceptedBy(tables, workerId)
    .filter(({ accepted }) => accepted!.incarnation !== incarnation)
    .sort((a, b) => a.order - b.order)
    .map((row) => row.command);
}

function refused(reason: string): RegisterOutcome {
  return { kind: "refused", reason };
}
