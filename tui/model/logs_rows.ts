/** The lines of logs that are in sight: cut or wrapped, with what was searched for set off. Pure. */
import { fitMiddle, pieces } from "../terminal_text.ts";
import { layoutOf } from "./layout.ts";
import { fitLine, type Line, lineOf, type Span, span, type Tone } from "./line.ts";
import type { LogLine } from "./logs_buffer.ts";
import type { LogsScreenState } from "./logs_state.ts";
import type { Model } from "./model.ts";

/** Names of instances before their lines, where there are several. */
const NAME_COLUMNS = 14;
/** The sign of the line that was found, and that of standard error. */
const SIGN_COLUMNS = 2;

/** Where the last line in sight is among the lines; -1 where there are none. */
export function bottomIndex({ buffer: { lines }, bottom }: LogsScreenState): number {
  if (bottom === null || lines.length === 0) return lines.length - 1;
  return Math.max(0, lines.findLastIndex(({ key }) => key === bottom));
}

/** The first line that can be the last in sight with the rows above it full. */
export function firstBottom(model: Model): number {
  const { screens: { logs }, terminal } = model;
  const { lines } = logs.buffer;
  let rows = 0;
  for (let at = 0; at < lines.length; at++) {
    rows += rowsOf(model, lines[at]!).length;
    if (rows >= layoutOf(terminal).body) return at;
  }
  return lines.length - 1;
}

/** As many rows as there is room for, the line at the bottom the last of them where there are enough above it. */
export function logRows(model: Model): Line[] {
  const { terminal, screens: { logs } } = model;
  const { body, width } = layoutOf(terminal);
  const { lines } = logs.buffer;
  if (lines.length === 0) {
    return emptyRows(model).slice(0, body).map((line) => fitLine(line, width));
  }
  const bottom = bottomIndex(logs);
  const rows = [...rowsOf(model, lines[bottom]!)];
  // Its end is seen with the line below it.
  if (rows.length > body) return rows.slice(0, body);
  for (let at = bottom - 1; at >= 0 && rows.length < body; at--) {
    rows.unshift(...rowsOf(model, lines[at]!));
  }
  for (let at = bottom + 1; at < lines.length && rows.length < body; at++) {
    rows.push(...rowsOf(model, lines[at]!));
    if (rows.length >= body) return rows.slice(0, body);
  }
  return rows.slice(-body);
}

function emptyRows({ screens: { logs }, fleet }: Model): Line[] {
  if (logs.sources.length === 0) {
    return [
      lineOf(""),
      lineOf("  No output is followed."),
      lineOf("  On the fleet, choose an instance or mark some with Space, and press l."),
    ];
  }
  const names = logs.sources.map((id) => fleet.instances.get(id)?.name ?? id).join(", ");
  return [lineOf(""), lineOf(`  Nothing has been printed yet by ${names}.`, "quiet")];
}

/** One line as rows: one, cut, or as many as it takes. */
function rowsOf({ terminal, screens: { logs }, fleet }: Model, line: LogLine): Line[] {
  const { width } = layoutOf(terminal);
  const name = logs.sources.length > 1
    ? `${fitMiddle(fleet.instances.get(line.instanceId)?.name ?? line.instanceId, NAME_COLUMNS)} `
    : "";
  const time = logs.hasTimes ? `${timeText(line.at)} ` : "";
  const begin: Line = [
    span(line.key === logs.found ? "›" : " ", "accent"),
    span(line.stream === "stderr" ? "│" : " ", "busy"),
    span(time, "quiet"),
    span(name, "accent"),
  ];
  const isMarker = line.stream === "marker";
  const text = isMarker ? `── ${line.text} ──` : line.text;
  const tone: Tone = isMarker ? "quiet" : "plain";
  if (!logs.wraps) {
    return [fitLine([...begin, ...setOff(text, logs.pattern, tone)], width)];
  }
  const indent = SIGN_COLUMNS + time.length + (name === "" ? 0 : NAME_COLUMNS + 1);
  const room = Math.max(10, width - indent);
  return pieces(text, room).map((piece, at) =>
    fitLine(
      [
        ...at === 0 ? begin : [span(" ".repeat(indent))],
        ...setOff(piece, logs.pattern, tone),
      ],
      width,
    )
  );
}

/** The text with each place of the pattern in another tone. */
function setOff(text: string, pattern: string, tone: Tone): Span[] {
  if (pattern === "") return [span(text, tone)];
  const [haystack, needle] = [text.toLowerCase(), pattern.toLowerCase()];
  // Small letters of some scripts are longer than their capitals: then no place is known.
  if (haystack.length !== text.length) return [span(text, tone)];
  const spans: Span[] = [];
  let from = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, from)) {
    spans.push(
      span(text.slice(from, at), tone),
      span(text.slice(at, at + needle.length), "accent"),
    );
    from = at + needle.length;
  }
  return [...spans, span(text.slice(from), tone)];
}

/** Of the day, UTC: `12:04:31.250`. */
function timeText(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}
