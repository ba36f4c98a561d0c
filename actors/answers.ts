/** What an asker hears: the event that ended its command, told as an outcome. Pure. Design §3, §6. */
import type { RecordedEvent } from "../events/envelope.ts";
import { failureAtEnd } from "../machines/command_end.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { AskOutcome } from "./system_port.ts";

/** The outcome for a command that `event` has ended. */
export function answerFor(event: RecordedEvent, state: InstanceState): AskOutcome {
  const { position } = event;
  if (event.type === "CommandSucceeded") {
    return { kind: "done", changed: true, state, position, event };
  }
  const failure = failureAtEnd(event);
  if (!failure) throw new Error(`${event.type} does not end a command`);
  return { kind: "failed", failure, state, position };
}
