/** What servers print, as it travels from a site to a reader: lines of both streams with their times, and markers. Design §5. */
import { z } from "zod";

/** Of one page of a followed output. */
export const PAGE_LINES_MAX = 1_000;
/** Of one look at the end of an output. */
export const TAIL_LINES_MAX = 5_000;
/** How long a site waits for more before it answers with an empty page: a reader that is gone is forgotten by then. */
export const INTEREST_MS = 10_000;

export const outputLineSchema = z.object({
  /** `marker`: no server printed it; it tells what happened there, in words. */
  stream: z.enum(["stdout", "stderr", "marker"]),
  /** When it was printed, epoch milliseconds by the host's clock, to a second or so; null where no worker watched. */
  at: z.number().nullable(),
  /** Where `at` is null: the line was printed after the first and not after the second. */
  between: z.tuple([z.number(), z.number()]).optional(),
  /** Of a marker. `started`, `ended`, `returned` (a worker is back), `dropped` (output that is gone), `moved`, `away`. */
  kind: z.string().optional(),
  /** Without its line end; colour codes are left in. */
  text: z.string(),
});

/** One line, or what stands between lines. */
export type OutputLine = z.infer<typeof outputLineSchema>;

export const logReadingSchema = z.object({
  /** The last lines; with `since`, of those. */
  tail: z.number().int().min(0).max(TAIL_LINES_MAX).optional(),
  /** Nothing that is known to be older, epoch milliseconds. */
  since: z.number().optional(),
  stream: z.enum(["stdout", "stderr"]).optional(),
  /** From a page before: what comes after it. `tail` and `since` say where to begin without one. */
  cursor: z.string().max(128).optional(),
  /** How long to wait for something to come, at most `INTEREST_MS`. */
  waitMs: z.number().int().min(0).max(INTEREST_MS).optional(),
});

/** What of an output is asked for. */
export type LogReading = z.infer<typeof logReadingSchema>;

/** Lines in order, and where they end. */
export interface LogPage {
  lines: OutputLine[];
  /** Where to go on; null: whoever answered keeps no place (an older release, or another kind of worker). */
  cursor: string | null;
  /** Whether more is there already. */
  hasMore: boolean;
}

/** A line for who gets text alone; null for a marker, unless it tells that output is missing. */
export function plainText({ stream, kind, text }: OutputLine): string | null {
  if (stream !== "marker") return text;
  return kind === "dropped" ? `--- ${text} ---` : null;
}

/** Control sequences of terminals (ECMA-48: CSI, OSC and the short ones) taken out of a line. */
export function withoutColours(text: string): string {
  return text.replace(CONTROL_SEQUENCES, "");
}

const CONTROL_SEQUENCES =
  // deno-lint-ignore no-control-regex -- they are what is looked for
  /[\u001b\u009b](?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\[?[0-9;:?]*[ -/]*[@-~])/g;
