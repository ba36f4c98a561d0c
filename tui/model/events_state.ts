/** What is kept of the fleet's log while the program runs: the last events, and marks where some are missing. Pure. */
import type { EventAnswer } from "../../http/client/answers.ts";
import { printable } from "../terminal_text.ts";
import { eventTone, eventWords } from "./event_words.ts";
import type { Tone } from "./line.ts";
import { AT_TOP, type ListCursor } from "./list_cursor.ts";

/** Texts are printable. `at` is epoch milliseconds. */
export type LogEntry =
  | {
    kind: "event";
    /** Its position in the log. */
    id: string;
    at: number;
    instanceId: string;
    /** As it was called then; its id where nobody knows. */
    name: string;
    type: string;
    tone: Tone;
    /** Who asked; empty where nobody did. */
    by: string;
    words: string;
  }
  /** Here events are missing. */
  | { kind: "gap"; id: string; at: number; words: string };

export interface EventsScreenState {
  /** Oldest first; at most `ENTRIES_MAX`. */
  entries: readonly LogEntry[];
  /** How many of them were let go of, to keep the last. */
  dropped: number;
  /** Counts gaps, for their ids. */
  gaps: number;
  filter: string;
  cursor: ListCursor;
  /** What comes is chosen as it comes. */
  isFollowing: boolean;
}

/** So many are kept: more nobody goes through by hand, and each instance's whole past is in its timeline. */
export const ENTRIES_MAX = 1_000;

export const EVENTS_SCREEN: EventsScreenState = {
  entries: [],
  dropped: 0,
  gaps: 0,
  filter: "",
  cursor: AT_TOP,
  isFollowing: true,
};

/** With these events behind what is there. `nameOf`: what an instance is called now, if anybody knows. */
export function withEvents(
  state: EventsScreenState,
  events: readonly EventAnswer[],
  nameOf: (instanceId: string) => string | undefined,
): EventsScreenState {
  const skipped = Math.max(0, events.length - ENTRIES_MAX);
  const added = events.slice(skipped).map((event) => entryOf(event, nameOf));
  return bounded({ ...state, dropped: state.dropped + skipped }, added);
}

/** With a mark that something is missing here. */
export function withGap(state: EventsScreenState, text: string, at: number): EventsScreenState {
  const gaps = state.gaps + 1;
  const words = printable(text);
  return bounded({ ...state, gaps }, [{ kind: "gap", id: `gap-${gaps}`, at, words }]);
}

function bounded(state: EventsScreenState, added: readonly LogEntry[]): EventsScreenState {
  const entries = [...state.entries, ...added];
  const over = Math.max(0, entries.length - ENTRIES_MAX);
  return { ...state, entries: entries.slice(over), dropped: state.dropped + over };
}

function entryOf(
  event: EventAnswer,
  nameOf: (instanceId: string) => string | undefined,
): LogEntry {
  const { position, instanceId, type, at, requestedBy } = event;
  return {
    kind: "event",
    id: position,
    at: Date.parse(at),
    instanceId,
    name: nameOf(instanceId) ?? nameIn(event) ?? printable(instanceId),
    type: printable(type),
    tone: eventTone(event),
    by: printable(requestedBy ?? ""),
    words: eventWords(event),
  };
}

/** A created one is known by its event before it is known by anything else. */
function nameIn({ data }: EventAnswer): string | undefined {
  const { specification } = data;
  const name = typeof specification === "object" && specification !== null &&
      !Array.isArray(specification)
    ? specification.name
    : undefined;
  return typeof name === "string" && name.trim() !== "" ? printable(name) : undefined;
}
