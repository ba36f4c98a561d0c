/** Which of the rare states an event shows. */
import type { RecordedEvent } from "../../events/envelope.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";

/** The name of the state that `event` shows after `before`; null for a usual one. */
export function rareStateOf(
  event: RecordedEvent,
  before: InstanceState | undefined,
): string | null {
  switch (event.type) {
    case "CommandRefused":
      return event.data.reason === "Poison" ? "poison" : "refused stale accept";
    case "CommandExpired":
      return "expired";
    case "CommandCancelled":
      return "cancelled before accept";
    case "CommandForgotten":
      return "forgotten";
    case "RestartScheduled":
      return "retried with back-off";
    case "RestartAbandoned":
      return "crash loop";
    case "CommandAccepted": {
      const { commandId, attempt } = event.data;
      const command = before?.context.commands.find((one) => one.commandId === commandId);
      const isOvertaken = command && command.generation < before!.context.generation;
      if (isOvertaken && attempt > 1) return "settled take-over";
      const last = before?.context.run?.site;
      return last && last !== event.data.site ? "moved" : null;
    }
    case "RuntimeObserved":
      if (event.data.observation === "Lost") return "lost run";
      return event.data.runtimeInfo.exit?.reason === "LeaseLapsed" ? "lease lapsed" : null;
    default:
      return null;
  }
}
