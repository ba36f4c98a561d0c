/** What is owed to an instance and what is not, in sentences: for `why`. Pure. Design §6. */
import { timeText } from "./explain_words.ts";
import type { InstanceState } from "./lifecycle.ts";
import { type Owed, owedTo } from "./reconcile.ts";

/** What is owed. */
export interface ExpectedStep {
  kind: Owed["kind"] | "answer";
  /** Epoch milliseconds by the log's clock; null: at once, or nobody knows. */
  at: number | null;
  text: string;
  commandId?: string;
  workerId?: string;
}

/** Why nothing is tried again, where no event says so; null where something is. */
export function leftAloneText(state: InstanceState): string | null {
  const { unjudged, failure, specification } = state.context;
  const isAtRest = state.value.pending === "idle" && state.value.run !== "running";
  if (!isAtRest || !specification || owedTo(state).length > 0) return null;
  if (unjudged) {
    const { mode, exitCodes } = specification.restartPolicy;
    const code = unjudged.exit?.code ?? null;
    const rule = code === null ? undefined : exitCodes?.[code];
    if (rule !== undefined) {
      return `The restart policy leaves it: its rule for code ${code} is ${rule}.`;
    }
    return `The restart policy leaves it: its mode is ${mode}${
      code === 0 ? ", and code 0 is no failure" : ""
    }.`;
  }
  if (failure === null || failure.code === "crash_loop") return null;
  return failure.retryable
    ? "It is not tried again by itself: a start that a person asked for is final."
    : "It is not tried again: what it failed of does not pass by itself.";
}

/** What is owed to a state; workers first, then what is due first. */
export function expectedOf(state: InstanceState): ExpectedStep[] {
  const inWork = state.context.commands.flatMap(({ commandId, kind, accepted }): ExpectedStep[] =>
    accepted === null ? [] : [{
      kind: "answer",
      at: null,
      text: `Worker ${accepted.workerId} has the ${kind} since ${
        timeText(accepted.at)
      }, and answers it.`,
      commandId,
      workerId: accepted.workerId,
    }]
  );
  return [...inWork, ...owedTo(state).map((owed) => owedStep(state, owed))];
}

function owedStep({ context, value }: InstanceState, owed: Owed): ExpectedStep {
  const at = owed.dueAt === 0 ? null : owed.dueAt;
  const when = at === null ? "now" : `at ${timeText(at)}`;
  switch (owed.kind) {
    case "judge":
      return { kind: owed.kind, at, text: "The restart policy decides now what becomes of it." };
    case "restart": {
      const tried = (context.nextStart?.attempt ?? 0) + 1;
      const again = value.run === "running" ? "restarts it" : "starts it again";
      return { kind: owed.kind, at, text: `The restart policy ${again} ${when}, as try ${tried}.` };
    }
    case "stop":
      return {
        kind: owed.kind,
        at,
        text: "It is stopped now: it was found to run after it had been stopped.",
      };
    case "release":
      return { kind: owed.kind, at, text: "The start that waited for the stop begins now." };
    case "expire":
    case "expire-queued":
      return {
        kind: owed.kind,
        at,
        text: owed.kind === "expire"
          ? `The command ends ${when} if no worker has taken it by then.`
          : `The start that waits for the stop ends ${when} if that is not over by then.`,
        commandId: owed.commandId,
      };
  }
}
