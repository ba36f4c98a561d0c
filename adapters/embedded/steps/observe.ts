/**
 * Observe: a worker reports a change of a run unasked. Design §4 rule 13.
 *
 * Reads: the worker, the instance. Writes: `RuntimeObserved` and the instance with its run, or
 * `HealthObserved` unless the run has ended. Answers: recorded.
 *
 * Atomic, because what `standing` and `forget` go by must never differ from what the log says.
 */
import { OperationalError } from "../../../events/errors.ts";
import type { HealthReport } from "../../../events/health.ts";
import { newEvent } from "../../../events/instance_events.ts";
import type { Observation } from "../../../events/observations.ts";
import { freezeDeep } from "../frozen.ts";
import { afterObservation } from "../live_run.ts";
import type { Dismissal } from "../../../events/worker_channel.ts";
import type { Step } from "../step.ts";
import { dismissalOf, presentWorker, workerMeta } from "./present_worker.ts";

/** The step that records a worker's report; it fails with `unknown_instance` for one that is not in the log. */
export function observe(
  workerId: string,
  incarnation: string,
  told: Observation | HealthReport,
): Step<"recorded" | Dismissal> {
  const text = JSON.stringify({ ...told, workerId });
  return (context) => {
    if (!presentWorker(context.tables, workerId, incarnation)) {
      return dismissalOf(context.tables, workerId, incarnation);
    }
    const instance = context.instance(told.instanceId);
    if (!instance) {
      throw new OperationalError(
        "unknown_instance",
        `The log knows of no instance ${told.instanceId}.`,
        false,
        "Ask for its standing before a report; what the log does not know is another fleet's.",
      );
    }
    const isHealth = "health" in told;
    if (isHealth && instance.endedRunId === told.runId) return "recorded";
    const type = isHealth ? "HealthObserved" : "RuntimeObserved";
    const event = newEvent(type, freezeDeep(JSON.parse(text)));
    const meta = workerMeta(workerId);
    context.record(instance, event, text, meta, JSON.stringify(meta));
    if (!isHealth) afterObservation(instance, told);
    context.tables.instances.put(instance);
    return "recorded";
  };
}
