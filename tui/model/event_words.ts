/** What an event of the fleet says, in a sentence: as `why` says it, and for the events that `why` leaves out. Pure. */
import type { RecordedEvent } from "../../events/envelope.ts";
import { eventSchemas, isKnownEventType } from "../../events/instance_events.ts";
import type { EventAnswer } from "../../http/client/answers.ts";
import {
  endText,
  policyText,
  reportText,
  requestText,
  whoAsked,
} from "../../machines/explain_words.ts";
import { printable } from "../terminal_text.ts";
import type { Tone } from "./line.ts";

/** Longer sentences are of servers that say much; their beginning is enough here. */
const WORDS_MAX = 400;

/** Printable. An event of a later release, or of a form that is not known, is told by what it says of itself. */
export function eventWords(event: EventAnswer): string {
  const known = knownOf(event);
  const words = known === null ? saidIn(event) : sentenceOf(known);
  return printable(words.length > WORDS_MAX ? `${words.slice(0, WORDS_MAX)}…` : words);
}

const TONES: Readonly<Record<string, Tone>> = {
  CommandSucceeded: "good",
  CommandFailed: "bad",
  CommandExpired: "bad",
  CommandRefused: "bad",
  CommandForgotten: "bad",
  CommandCancelled: "busy",
  RestartScheduled: "busy",
  RestartAbandoned: "bad",
};

/** In which tone its type is said. */
export function eventTone({ type, data }: EventAnswer): Tone {
  if (type === "HealthObserved" && data.health === "unhealthy") return "bad";
  if (type === "RuntimeObserved" && data.observation !== "Found") return "busy";
  return TONES[type] ?? "plain";
}

function knownOf({ type, data, at, requestedBy, ...rest }: EventAnswer): RecordedEvent | null {
  if (!isKnownEventType(type)) return null;
  const parsed = eventSchemas[type].safeParse(data);
  if (!parsed.success) return null;
  const meta = requestedBy === undefined ? {} : { requestedBy };
  return {
    ...rest,
    type,
    data: parsed.data,
    at: Date.parse(at),
    meta,
    previous: null,
    schema: 0,
  } as RecordedEvent;
}

function sentenceOf(event: RecordedEvent): string {
  return requestText(event) ?? endText(event) ?? reportText(event) ?? policyText(event) ??
    otherText(event);
}

function otherText(event: RecordedEvent): string {
  switch (event.type) {
    case "InstanceConfigured":
      return `${whoAsked(event)} changed its ${Object.keys(event.data.changes).join(", ")}.`;
    case "CommandAccepted":
      return `Worker ${event.data.workerId} took the ${deedOf(event.data.commandType)}.`;
    case "RequestAnswered":
      return `${whoAsked(event)} asked for a ${event.data.request}; there was nothing to do.`;
    case "ExternalStatusReported":
      return "Its status was reported from outside.";
    case "Baseline":
      return "Its whole state was written down.";
    default:
      return "";
  }
}

/** `start` of a `StartInstanceCommand`. */
function deedOf(commandType: string): string {
  return commandType.replace(/InstanceCommand$/, "").toLowerCase();
}

function saidIn({ data }: EventAnswer): string {
  const said = [data.message, data.reason].find((one) => typeof one === "string" && one !== "");
  return typeof said === "string" ? said : "";
}
