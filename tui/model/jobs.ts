/** What was asked of one or many instances and has not ended: how far each job is, and what is said at its end. Pure. */
import type { AskResult, Failure, Request } from "./effect.ts";

export interface Job {
  id: number;
  verb: Request["type"];
  /** The name of the instance, or `20 instances`. */
  subject: string;
  total: number;
  /** How many of them have been answered. */
  answered: number;
  unchanged: number;
  failed: number;
  /** The first that went wrong. */
  failure: Failure | null;
}

/** The words of a request, before and after. */
export const VERBS: Readonly<
  Record<Request["type"], { doing: string; done: string; same: string }>
> = {
  create: { doing: "creating", done: "created", same: "exists already" },
  start: { doing: "starting", done: "started", same: "runs already" },
  stop: { doing: "stopping", done: "stopped", same: "was stopped already" },
  restart: { doing: "restarting", done: "restarted", same: "runs already" },
  configure: { doing: "configuring", done: "configured", same: "is so already" },
  change: { doing: "changing", done: "changed", same: "is so already" },
  rollback: { doing: "rolling back", done: "rolled back", same: "is so already" },
  delete: { doing: "deleting", done: "deleted", same: "was deleted already" },
  move: { doing: "moving", done: "moved", same: "is there already" },
};

/** The job after one of its answers. */
export function answered(job: Job, result: AskResult): Job {
  const failure = result.kind === "failed" ? result.failure : null;
  return {
    ...job,
    answered: job.answered + 1,
    unchanged: job.unchanged + Number(result.kind === "unchanged"),
    failed: job.failed + Number(failure !== null),
    failure: job.failure ?? failure,
  };
}

/** `starting 20 instances: 12 done`. */
export function progressText({ verb, subject, total, answered }: Job): string {
  return `${VERBS[verb].doing} ${subject}${total > 1 ? `: ${answered} of ${total}` : " …"}`;
}

/** What is said when the last answer is there. */
export function endText(job: Job): { text: string; tone: "good" | "bad" } {
  const { verb, subject, total, failed, unchanged, failure } = job;
  const { done, same } = VERBS[verb];
  if (failure !== null) {
    const hint = failure.hint === "" ? "" : ` ${failure.hint}`;
    return total === 1
      ? { text: `${subject} was not ${done}: ${failure.message}${hint}`, tone: "bad" }
      : {
        text: `${failed} of ${total} were not ${done}; the first: ${failure.message}${hint}`,
        tone: "bad",
      };
  }
  if (unchanged === total) {
    return { text: `${subject} ${total > 1 ? `${done} before` : same}`, tone: "good" };
  }
  return { text: `${subject} ${done}`, tone: "good" };
}
