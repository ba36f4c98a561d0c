/**
 * Reads what an instance's runs printed where somebody else keeps it, as one output: their lines in order, and markers
 * between them. Each line has the time at which it was kept, which is its place.
 */
import { type Clock, sleep } from "../events/clock.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import {
  type LogPage,
  type LogReading,
  type OutputLine,
  PAGE_LINES_MAX,
} from "../events/server_output.ts";
import { redacted } from "./redaction.ts";
import type { GivenSecret, Mask, SecretStore } from "./secret_store.ts";

/** A chunk of what a server printed: one line, or a part of a long one. */
export interface PrintedLine {
  stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds, by the keeper's clock: sorts as text. */
  time: string;
  text: string;
}

/** What to read of a run's output. */
export interface PrintedReading {
  /** Only the last lines; absent: all. */
  tail?: number;
  /** Nothing before this, seconds since the epoch with a fraction; whoever keeps it may give some that are older. */
  since?: string;
  /** Goes on with what comes, until the run ends; else what is there is all. */
  follows: boolean;
  /** Absent: both. */
  stream?: "stdout" | "stderr";
  signal: AbortSignal;
}

/** One run that was begun. */
export interface PrintedRun {
  runId: string;
  startedAt: number;
  isLive: boolean;
  printed(reading: PrintedReading): AsyncIterable<PrintedLine>;
  /** What hides its secrets. */
  mask(): Promise<Mask>;
  /** How it ended. */
  ended(): Promise<RuntimeInfo>;
}

/** Runs of one instance whose output is kept, the oldest first. */
export type PrintedRuns = () => Promise<PrintedRun[]>;

/** A place in the output: after so many lines of one time in the output of one run. */
interface Place {
  runId: string;
  /** As the daemon writes it; empty: before all of the run's lines, after its first marker. */
  time: string;
  /** Lines of that very time that were given. */
  count: number;
}

/** Of a page, together: as much as a process worker gives. The line that goes beyond is the last. */
const PAGE_CHARACTERS_MAX = 512 * 1024;

/** One page, and waits for one while there is nothing. */
export async function readPrinted(
  runs: PrintedRuns,
  clock: Clock,
  reading: LogReading,
): Promise<LogPage> {
  const page = await readNow(runs, reading);
  if (page.lines.length > 0 || page.hasMore || !reading.waitMs) return page;
  await untilMore(runs, clock, placeOf(page.cursor ?? ""), reading.waitMs, reading.stream);
  return await readNow(runs, {
    ...reading,
    ...(page.cursor === null ? {} : { cursor: page.cursor }),
  });
}

async function readNow(runs: PrintedRuns, reading: LogReading): Promise<LogPage> {
  const begun = await runs();
  const from = placeOf(reading.cursor ?? "");
  // A place in a run that is gone: from the first that is left.
  const at = Math.max(0, begun.findIndex(({ runId }) => runId === from?.runId));
  const isTail = reading.tail !== undefined && from === null;
  const page = isTail ? new LastLines(reading.tail!) : new FirstLines();
  let place = from;
  for (const run of begun.slice(at)) {
    const isNew = from?.runId !== run.runId;
    if (isNew) page.add(marker("started", run.startedAt, `run ${run.runId} began`));
    const read = await readLines(run, isNew ? null : from, reading, page);
    place = read.place;
    if (read.hasMore) return { lines: page.lines, cursor: cursorOf(place), hasMore: true };
    if (!run.isLive && run !== begun.at(-1)) page.add(await endMarker(run));
  }
  return { lines: page.lines, cursor: place && cursorOf(place), hasMore: false };
}

/** What a page takes up of the lines that come. */
interface PageLines {
  readonly lines: OutputLine[];
  isFull(): boolean;
  add(line: OutputLine): void;
}

/** From where it is read on: no more than there is room for, the rest comes with the next page. */
class FirstLines implements PageLines {
  readonly lines: OutputLine[] = [];
  #characters = 0;

  isFull(): boolean {
    return this.lines.length >= PAGE_LINES_MAX || this.#characters >= PAGE_CHARACTERS_MAX;
  }

  add(line: OutputLine): void {
    this.#characters += line.text.length;
    this.lines.push(line);
  }
}

/** The last of all that comes: at most so many, and fewer where they are too long for a page. */
class LastLines implements PageLines {
  readonly lines: OutputLine[] = [];
  #characters = 0;

  constructor(private readonly most: number) {}

  isFull(): boolean {
    return false;
  }

  add(line: OutputLine): void {
    this.#characters += line.text.length;
    this.lines.push(line);
    while (this.#isOver()) this.#characters -= this.lines.shift()!.text.length;
  }

  #isOver(): boolean {
    const count = this.lines.length;
    return count > this.most || (count > 1 && this.#characters > PAGE_CHARACTERS_MAX);
  }
}

async function readLines(
  run: PrintedRun,
  from: Place | null,
  { tail, since, stream }: LogReading,
  page: PageLines,
): Promise<{ place: Place; hasMore: boolean }> {
  const { runId } = run;
  const mask = await run.mask();
  let place = from ?? { runId, time: "", count: 0 };
  let toSkip = place.count;
  const begin = place.time === ""
    ? since === undefined ? null : secondsText(since)
    : secondsOf(place.time);
  const reading = {
    follows: false,
    signal: new AbortController().signal,
    ...(begin === null ? {} : { since: begin }),
    ...(tail === undefined || from ? {} : { tail }),
    ...(stream === undefined ? {} : { stream }),
  };
  for await (const line of run.printed(reading)) {
    if (line.time < place.time) continue;
    if (line.time === place.time && toSkip > 0) {
      toSkip--;
      continue;
    }
    if (page.isFull()) return { place, hasMore: true };
    place = {
      runId,
      time: line.time,
      count: line.time === place.time ? place.count + 1 : 1,
    };
    page.add({ ...outputLine(line), text: mask(line.text) });
  }
  return { place, hasMore: false };
}

/** Until the live run prints something after this place, or the time is over. */
async function untilMore(
  runs: PrintedRuns,
  clock: Clock,
  place: Place | null,
  waitMs: number,
  stream: LogReading["stream"],
): Promise<void> {
  const limit = new AbortController();
  const cancel = clock.after(waitMs, () => limit.abort());
  try {
    const live = (await runs()).find(({ isLive }) => isLive);
    if (!live) return await sleep(clock, waitMs, limit.signal);
    let toSkip = place?.count ?? 0;
    const since = place && place.time !== "" ? { since: secondsOf(place.time) } : {};
    const asked = { ...since, ...(stream === undefined ? {} : { stream }), follows: true };
    for await (const { time } of live.printed({ ...asked, signal: limit.signal })) {
      if (place && time < place.time) continue;
      if (place && time === place.time && toSkip-- > 0) continue;
      return;
    }
  } finally {
    cancel();
    limit.abort();
  }
}

async function endMarker(run: PrintedRun): Promise<OutputLine> {
  const info = await run.ended();
  return marker(
    "ended",
    info.stoppedAt ?? info.startedAt,
    `run ${info.runId} ${info.exit?.message}`,
  );
}

function marker(kind: string, at: number, text: string): OutputLine {
  return { stream: "marker", kind, at, text };
}

function outputLine({ stream, time, text }: PrintedLine): OutputLine {
  return { stream, at: Date.parse(time), text };
}

/** `2026-11-29T03:02:25.911319387Z` as seconds with their fraction. */
function secondsOf(time: string): string {
  const [, fraction = "0"] = /\.(\d+)Z$/.exec(time) ?? [];
  return `${Math.floor(Date.parse(time) / 1_000)}.${fraction.padEnd(9, "0")}`;
}

function cursorOf({ runId, time, count }: Place): string {
  return `${runId} ${time} ${count}`;
}

/** Null: from the beginning. */
function placeOf(cursor: string): Place | null {
  const [, runId, time = "", count] = /^(\S+) (\S*) (\d+)$/.exec(cursor) ?? [];
  return runId ? { runId, time, count: Number(count) } : null;
}

/** Milliseconds since the epoch as a `PrintedReading` takes times. */
function secondsText(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

/** What hides the secrets of a run in what it prints; all of it, where one of them is not to be had any more. */
export async function outputMask(
  secrets: SecretStore,
  given: readonly GivenSecret[],
): Promise<Mask> {
  const { mask, lost } = await secrets.masker(given);
  if (lost.length === 0) return (text, cut) => redacted(mask(text, cut));
  const names = [...new Set(lost.map(({ name }) => name))].join(", ");
  return () =>
    `(withheld: the secret ${names} cannot be read, or was changed since, so it could not be hidden)`;
}

/** Of the end of a failed run's output. UTF-8 has at most four bytes a character. */
const TAIL_LINES = 50;
const TAIL_CHARACTERS_MAX = 2_048;
const NEVER: AbortSignal = new AbortController().signal;

/** The last lines of a run that has ended; empty where they cannot be had any more: its end can be told without them. */
export async function lastWords(
  printed: (reading: PrintedReading) => AsyncIterable<PrintedLine>,
  mask: Mask,
): Promise<string> {
  const lines: string[] = [];
  try {
    const reading = { tail: TAIL_LINES, follows: false, signal: NEVER };
    for await (const { text } of printed(reading)) lines.push(mask(text));
  } catch {
    // Somebody is removing it, or who keeps it is away.
  }
  return lines.join("\n").slice(-TAIL_CHARACTERS_MAX);
}
