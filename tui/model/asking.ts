/** Sends requests to instances: a job, whose end is told when the last answer is there. Pure. */
import { printable } from "../terminal_text.ts";
import type { Effect } from "./effect.ts";
import type { Job } from "./jobs.ts";
import type { Model } from "./model.ts";
import type { Deed } from "./overlay.ts";
import { type Step, step } from "./step.ts";

/** Sends what was confirmed: a job of one request for each instance. */
export function begin(model: Model, deed: Deed): Step {
  const { request, instanceIds } = deed;
  const id = model.nextJob;
  const job: Job = {
    id,
    verb: request.type,
    subject: subjectOf(model, deed),
    total: instanceIds.length,
    answered: 0,
    unchanged: 0,
    failed: 0,
    failure: null,
  };
  const asks = instanceIds.map((instanceId): Effect => ({
    kind: "ask",
    job: id,
    instanceId,
    request,
  }));
  const jobs = [...model.jobs, job];
  return step({ ...model, overlay: null, lastDeed: deed, jobs, nextJob: id + 1 }, ...asks);
}

/** The name of the one that it is about, or how many they are. */
function subjectOf({ fleet }: Model, { request, instanceIds }: Deed): string {
  const [only = null] = instanceIds;
  if (instanceIds.length !== 1) return `${instanceIds.length} instances`;
  if (request.type === "create") return printable(String(request.specification.name ?? "it"));
  return only === null ? "it" : fleet.instances.get(only)?.name ?? only;
}
