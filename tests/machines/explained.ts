/** Histories for explanations, and an explanation as lines that a test can compare. */
import type { EventMeta } from "../../events/envelope.ts";
import { explain } from "../../machines/explain.ts";
import { type History, launch } from "../support/recorded.ts";

/** Who asks. */
export const by = (requestedBy: string): EventMeta => ({ requestedBy });
/** A start that ann, or the policy on her behalf, asks for. */
export function start(
  history: History,
  commandId = "c1",
  cause: "user" | "restart-policy" = "user",
): History {
  return history.add("StartRequested", {
    ...launch(commandId, history.state.context.generation + 1),
    site: null,
    cause,
  }, by("ann"));
}

/** The chain as `kind: text` lines, then what comes next, then the sentence. */
export function told(history: History): string[] {
  const { steps, next, summary } = explain(history.state, history.events);
  return [
    ...steps.map(({ kind, text }) => `${kind}: ${text}`),
    ...next.map(({ text }) => `next: ${text}`),
    summary,
  ];
}
