/** Search in the lines of logs, any case: as it is typed, and from one place to the next. Pure. */
import { bottomIndex } from "./logs_rows.ts";
import type { LogLine } from "./logs_buffer.ts";
import type { LogsScreenState } from "./logs_state.ts";
import type { Model } from "./model.ts";
import { type Step, step, tell } from "./step.ts";

/** With another text searched for; the newest line in sight that has it is found. An empty one ends the search. */
export function searchedBy(model: Model, pattern: string): Model {
  const { logs } = model.screens;
  const { lines } = logs.buffer;
  const searched = { pattern, found: null };
  if (pattern === "") return withLogs(model, searched);
  const matches = matcher(pattern);
  const from = bottomIndex(logs);
  const at = lines.findLastIndex((line, index) => index <= from && matches(line));
  return at < 0 ? withLogs(model, searched) : foundAt(withLogs(model, searched), lines[at]!);
}

/** To the next line that has it, downwards or upwards, round the ends. */
export function nextFound(model: Model, by: 1 | -1): Step {
  const { logs } = model.screens;
  const { lines } = logs.buffer;
  if (logs.pattern === "") return step(tell(model, "Search for something first, with /."));
  const matches = matcher(logs.pattern);
  const before = lines.findLastIndex(({ key }) => key === logs.found);
  const from = before < 0 ? bottomIndex(logs) : before;
  for (let steps = 1; steps <= lines.length; steps++) {
    const line = lines[(from + by * steps + lines.length * 2) % lines.length]!;
    if (matches(line)) return step(foundAt(model, line));
  }
  return step(tell(model, `Nothing here has "${logs.pattern}".`, "bad"));
}

/** How many lines have it. */
export function countFound({ buffer, pattern }: LogsScreenState): number {
  return buffer.lines.filter(matcher(pattern)).length;
}

/** The line is in sight from then on: nothing that comes moves it away. */
function foundAt(model: Model, { key }: LogLine): Model {
  return withLogs(model, { found: key, bottom: key });
}

function matcher(pattern: string): (line: LogLine) => boolean {
  const needle = pattern.toLowerCase();
  return ({ text }) => text.toLowerCase().includes(needle);
}

/** With some of what the screen keeps changed. */
export function withLogs(model: Model, changes: Partial<LogsScreenState>): Model {
  return { ...model, screens: { ...model.screens, logs: { ...model.screens.logs, ...changes } } };
}
