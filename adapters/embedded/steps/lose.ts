/**
 * Lose: the leader gives up one silent incarnation of a worker, for the instances that may go on elsewhere. Design §4
 * rule 8.
 *
 * Reads: the worker with its last beat, the other workers of its site, the listed instances with their commands.
 * Writes: the incarnation as lost; `CommandForgotten` and the removal of commands; `RuntimeObserved` (`Lost`). Answers:
 * the events; none when the worker is not to be lost.
 *
 * Atomic, because a worker that comes back meanwhile must either not be lost at all, or find that it is before it
 * completes or beats again: a beat that is answered prolongs the leases of its servers.
 */
import type { Loss } from "../../../events/command_bus.ts";
import type { RecordedEvent } from "../../../events/envelope.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import type { Step, StepContext } from "../step.ts";
import type { CommandRow, WorkerRow } from "../tables.ts";
import { endForgotten, loseRun } from "./give_up.ts";
import { presentWorker } from "./present_worker.ts";

const REQUESTED_BY = "leader";

/** The step that gives up `loss.incarnation`. `beatAt`: when a worker was last heard. */
export function lose(loss: Loss, beatAt: (worker: WorkerRow) => number): Step<RecordedEvent[]> {
  const { workerId, incarnation, silentMs } = loss;
  const instanceIds = [...new Set(loss.instanceIds)];
  return (context) => {
    const { tables, now } = context;
    const worker = tables.workers.get(workerId);
    if (!worker || worker.forgotten || worker.incarnation !== incarnation) return [];
    if (now - beatAt(worker) < silentMs) return [];
    if (!worker.lost) {
      tables.workers.put({ ...worker, lost: true });
      context.effects.workersChanged = true;
    }
    const isShared = [...tables.workers.all()].some((other) =>
      other.workerId !== workerId && other.site === worker.site &&
      presentWorker(tables, other.workerId, other.incarnation) !== null && !other.left &&
      now - beatAt(other) < silentMs
    );
    return instanceIds.flatMap((instanceId) => giveUp(context, instanceId, worker, isShared));
  };
}

function giveUp(
  context: StepContext,
  instanceId: string,
  worker: WorkerRow,
  isShared: boolean,
): RecordedEvent[] {
  const { workerId, site } = worker;
  const doomed = context.tables.commands.of(instanceId).filter((row) =>
    row.accepted ? row.accepted.workerId === workerId : !isShared && needsSite(row, site)
  );
  const events = endForgotten(context, doomed, workerId, REQUESTED_BY);
  const instance = context.instance(instanceId);
  if (isShared || !instance?.runtimeInfo) return events;
  const run: RuntimeInfo = JSON.parse(instance.runtimeInfo);
  return run.site === site
    ? [...events, loseRun(context, instance, workerId, REQUESTED_BY)]
    : events;
}

/** What is about a server at `site`, and means nothing once that is lost. */
function needsSite({ command }: CommandRow, site: string): boolean {
  return command.site === site &&
    (command.type === "StopInstanceCommand" || command.type === "RestartInstanceCommand");
}
