/** Questions to the site that has an instance: no commands, never in the log. Design §5. */
import { type LogPage, type LogReading, TAIL_LINES_MAX } from "./server_output.ts";

/** A worker of an older release, or of another kind, does not know `reading` and answers with `tailLines` lines. */
export interface Query {
  type: "logs";
  instanceId: string;
  tailLines: number;
  /** Asks for a page instead of lines. */
  reading?: LogReading;
}

/** Lines, or a page to whoever asked for one. */
export type QueryAnswer = string[] | LogPage;

/** How long an answer may take, beyond the time that it is asked to wait. */
export const ANSWER_WITHIN_MS = 5_000;

/** Lines that a worker is asked for that cannot give pages. */
const TAIL_LINES = 200;

/** The question for a page. */
export function logsQuery(instanceId: string, reading: LogReading): Query {
  const tailLines = Math.min(reading.tail ?? TAIL_LINES, TAIL_LINES_MAX);
  return { type: "logs", instanceId, tailLines, reading };
}

/** An answer as lines. */
export function linesOf(answer: QueryAnswer): string[] {
  return Array.isArray(answer) ? answer : answer.lines.map(({ text }) => text);
}

/** An answer as a page: of plain lines nothing is known but their text, and no place to go on from. */
export function pageOf(answer: QueryAnswer): LogPage {
  if (!Array.isArray(answer)) return answer;
  const lines = answer.map((text) => ({ stream: "stdout" as const, at: null, text }));
  return { lines, cursor: null, hasMore: false };
}
