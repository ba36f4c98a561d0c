/**
 * Observe: a worker reports a change of a run unasked. Design §4 rule 13.
 *
 * Reads: the worker, the instance. Writes: `RuntimeObserved` and the instance with its run. Answers: recorded.
 *
 * Atomic, because what `standing` and `forget` go by must never differ from what the log says.
 */
import { OperationalError } from "../../../events/errors.ts";
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
  observation: Observation,
): Step<"recorded" | Dismissal> {
  const text = JSON.stringify({ ...observation, workerId });
  return (context) => {
    if (!presentWorker(context.tables, workerId, incarnation)) {
      return dismissalOf(context.tables, workerId, incarnation);
    }
    const instance = context.instance(observation.instanceId);
    if (!instance) {
      throw new OperationalError(
        "unknown_instance",
        `The log knows of no instance ${observation.instanceId}.`,
        false,
        "Ask for its standing before a report; what the log does not know is another fleet's.",
      );
    }
    const event = newEvent("RuntimeObserved", freezeDeep(JSON.parse(text)));
    const meta = workerMeta(workerId);
    context.record(instance, event, text, meta, JSON.stringify(meta));
    afterObservation(instance, observation);
    context.tables.instances.put(instance);
    return "recorded";
  };
}
