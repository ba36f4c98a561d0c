/** Which events a filter lets through: what is typed after `/` on their screen. Pure. */
import type { LogEntry } from "./events_state.ts";
import { patternOf } from "./fleet_filter.ts";

type Event = Extract<LogEntry, { kind: "event" }>;

const FIELDS: Readonly<Record<string, (event: Event) => string>> = {
  type: ({ type }) => type,
  by: ({ by }) => by,
  name: ({ name }) => name,
  id: ({ instanceId }) => instanceId,
};

/**
 * Terms with spaces between them; all must be true. `type:`, `by:`, `name:` and `id:` look at the beginning of a field,
 * anything else is a regular expression on all that the line says. `!` turns a term round. Gaps are always let through:
 * what is missing might have been let through, too.
 */
export function eventsFilter(text: string): (entry: LogEntry) => boolean {
  const tests = text.split(/\s+/).filter((term) => term !== "" && term !== "!").map(testOf);
  return (entry) => entry.kind === "gap" || tests.every((test) => test(entry));
}

function testOf(term: string): (event: Event) => boolean {
  if (term.startsWith("!")) {
    const test = testOf(term.slice(1));
    return (event) => !test(event);
  }
  const [, word = "", value = ""] = /^([a-z]+):(.*)$/i.exec(term) ?? [];
  const field = FIELDS[word.toLowerCase()];
  if (field !== undefined) {
    const wanted = value.toLowerCase();
    return (event) => field(event).toLowerCase().startsWith(wanted);
  }
  const pattern = patternOf(term);
  return ({ name, instanceId, type, by, words }) =>
    pattern.test(`${name} ${instanceId} ${type} ${by} ${words}`);
}
