/** What the screen of logs keeps: lines, where one is in them, what is searched for, and how they are shown. Pure. */
import { type LogBuffer, NO_LINES } from "./logs_buffer.ts";

export interface LogsScreenState {
  /** Whose output is followed. */
  sources: readonly string[];
  /** Of these nothing more comes, and why; printable. */
  ended: ReadonlyMap<string, string>;
  buffer: LogBuffer;
  /** The key of the last line in sight; null: the newest, whatever comes. */
  bottom: number | null;
  /** Printable; empty: nothing is searched for. */
  pattern: string;
  /** The key of the line that was found last. */
  found: number | null;
  wraps: boolean;
  hasTimes: boolean;
}

export const LOGS_SCREEN: LogsScreenState = {
  sources: [],
  ended: new Map(),
  buffer: NO_LINES,
  bottom: null,
  pattern: "",
  found: null,
  wraps: false,
  hasTimes: false,
};
