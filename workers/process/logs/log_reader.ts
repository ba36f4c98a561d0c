/** Reads an instance's output as lines of both streams, in the order in which the index saw them, with its markers. */
import type { LogPage, LogReading, OutputLine } from "../../../events/server_output.ts";
import { PAGE_LINES_MAX, TAIL_LINES_MAX } from "../../../events/server_output.ts";
import { goesOn, LineSource } from "./line_source.ts";
import {
  bytesBetween,
  endOf,
  type FreedRecord,
  type IndexRecord,
  NOTHING,
  type Offsets,
  offsetsOf,
  type StreamName,
  STREAMS,
} from "./log_index.ts";
import type { StoredOutput } from "./log_store.ts";

/** How far back a look at the end goes. */
const TAIL_BYTES_MAX = 4 * 1024 * 1024;
/** Of text in one page. */
const PAGE_CHARACTERS_MAX = 512 * 1024;
/** Whoever looks at the end within this time of a drop is told of it. */
const DROP_IS_NEWS_MS = 60_000;

const EARLIER_WITHHELD =
  "earlier output is withheld: it may hold secrets that are not known any more, so they could not be hidden";

/** A place in an output: all records up to `number` are told, and of each stream all before its offset. */
interface Place extends Offsets {
  number: number;
}

/**
 * What is asked for; without a cursor, a tail or a time it is all that is there, from its beginning. `shownFrom`: of
 * each stream nothing before is shown.
 */
export function readOutput(
  output: StoredOutput,
  reading: LogReading,
  now: number,
  shownFrom: Offsets = NOTHING,
): LogPage {
  return new Reader(output, reading, now, TAIL_BYTES_MAX, shownFrom).page(placeIn(reading.cursor));
}

/** Records up to this one are told already: `openOutput` need not read them. */
export function toldBefore({ cursor }: LogReading): number {
  return placeIn(cursor)?.number ?? 0;
}

/**
 * The last of what one run printed, both streams as they came, at most `bytesMax` bytes; from the start of a line if it
 * can be.
 */
export function endOfRun(output: StoredOutput, run: Offsets, bytesMax: number): string {
  const cut = output.end;
  const from = { ...run, number: 0 };
  // After a cut by hand nothing older is left to be told apart.
  for (const stream of STREAMS) if (from[stream] > cut[stream]) from[stream] = 0;
  const { lines } = new Reader(output, { tail: TAIL_LINES_MAX }, 0, bytesMax).page(from);
  const text = wholeLines(lines).join("\n");
  return lastBytes(text, bytesMax).trimEnd();
}

/** With the pieces of long lines put together again: what is looked for in them may be across a cut. */
function wholeLines(lines: readonly OutputLine[]): string[] {
  const whole: string[] = [];
  const goingOn: { [stream in OutputLine["stream"]]?: number | undefined } = {};
  for (const { stream, text } of lines) {
    if (stream === "marker") continue;
    const at = goingOn[stream] ?? whole.push("") - 1;
    whole[at] += text;
    goingOn[stream] = goesOn(text) ? at : undefined;
  }
  return whole;
}

function lastBytes(text: string, bytesMax: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= bytesMax) return text;
  const end = new TextDecoder().decode(bytes.subarray(bytes.length - bytesMax));
  const lineEnd = end.indexOf("\n");
  const hasMore = lineEnd >= 0 && lineEnd < end.length - 1;
  return hasMore ? end.slice(lineEnd + 1) : end;
}

class Reader {
  readonly #sources: Record<StreamName, LineSource>;
  readonly #streams: readonly StreamName[];
  readonly #lines: OutputLine[] = [];
  #characters = 0;

  constructor(
    private readonly output: StoredOutput,
    private readonly reading: LogReading,
    private readonly now: number,
    private readonly tailBytesMax = TAIL_BYTES_MAX,
    private readonly shownFrom: Offsets = NOTHING,
  ) {
    const { folder, parts, end } = output;
    this.#sources = {
      stdout: new LineSource(folder, parts.stdout, end.stdout),
      stderr: new LineSource(folder, parts.stderr, end.stderr),
    };
    this.#streams = reading.stream ? [reading.stream] : STREAMS;
  }

  page(from: Place | null): LogPage {
    const { tail, waitMs, cursor } = this.reading;
    const isTail = cursor === undefined && tail !== undefined;
    const place = this.#shown(this.#present(this.#start(from)));
    const hasMore = this.#walk(place, isTail ? Infinity : PAGE_LINES_MAX);
    if (waitMs === undefined && !hasMore) this.#tellUnfinished(place);
    const lines = isTail ? lastOf(this.#lines, tail) : this.#lines;
    return { lines, cursor: `${place.number}.${place.stdout}.${place.stderr}`, hasMore };
  }

  /** Where to begin, by what was asked for. */
  #start(from: Place | null): Place {
    const { cursor, since, tail } = this.reading;
    const place = from ?? { number: 0, stdout: 0, stderr: 0 };
    if (cursor !== undefined && from) return this.#known(from);
    if (since !== undefined) this.#skipUntil(place, since);
    if (tail === undefined) return place;
    for (const stream of this.#streams) {
      const source = this.#sources[stream];
      const begin = Math.max(place[stream], this.output.begin[stream]);
      place[stream] = Math.max(place[stream], source.tailBegin(tail, begin, this.tailBytesMax));
    }
    return place;
  }

  /** A cursor of another folder, or of files that were put back, is not followed into nothing. */
  #known(place: Place): Place {
    const { end, records } = this.output;
    const isAhead = place.stdout > end.stdout || place.stderr > end.stderr ||
      place.number > (records.at(-1)?.[0] ?? 0);
    return isAhead ? { number: 0, stdout: 0, stderr: 0 } : place;
  }

  /** To the line that was being written when the last record before `since` was made. */
  #skipUntil(place: Place, since: number): void {
    const { records, begin, end } = this.output;
    const first = records.findIndex((record) => record[2] >= since);
    const older = first < 0 ? records : records.slice(0, first);
    place.number = older.at(-1)?.[0] ?? 0;
    const seen = endOf(older);
    for (const stream of STREAMS) {
      const at = Math.min(seen[stream], end[stream]);
      const line = this.#sources[stream].lineBegin(at, begin[stream]);
      place[stream] = Math.max(place[stream], line);
    }
  }

  /** What is freed is told of and passed over. */
  #present(place: Place): Place {
    const { begin, records } = this.output;
    const last = records.findLast((record) => record[1] === "f");
    if (last?.[1] !== "f") return place;
    const isBehind = this.#streams.some((stream) => place[stream] < begin[stream]);
    const isNews = this.reading.cursor === undefined && last[7] === "size" &&
      this.now - last[2] < DROP_IS_NEWS_MS;
    if (isBehind || isNews) this.#lines.push(droppedLine(last));
    for (const stream of STREAMS) {
      if (place[stream] >= begin[stream]) continue;
      place[stream] = this.#sources[stream].lineStart(begin[stream], begin[stream]);
    }
    return place;
  }

  /** What is not to be shown is passed over, and told of in its place. */
  #shown(place: Place): Place {
    const hidden = this.#streams.filter((stream) => place[stream] < this.shownFrom[stream]);
    for (const stream of hidden) place[stream] = this.shownFrom[stream];
    if (hidden.length > 0) {
      this.#lines.push({ stream: "marker", at: this.now, kind: "dropped", text: EARLIER_WITHHELD });
    }
    return place;
  }

  /** Record by record; `place` goes along. True when there is more than fits. */
  #walk(place: Place, linesMax: number): boolean {
    let before: IndexRecord | null = null;
    for (const record of this.output.records) {
      if (record[0] > place.number) {
        if (this.#tellUpTo(record, before, place, linesMax)) return true;
        // The last one stands for what no record is made of yet.
        if (record[0] <= this.output.lastNumber) place.number = record[0];
        if (record[1] === "m" && !this.#isFreed(record)) this.#tellMarker(record);
      }
      before = record;
    }
    return false;
  }

  #isFreed(record: IndexRecord): boolean {
    const { begin } = this.output;
    const at = offsetsOf(record);
    return bytesBetween(begin, at) === 0 && bytesBetween(at, begin) > 0;
  }

  /** The lines that end by a record. */
  #tellUpTo(
    record: IndexRecord,
    before: IndexRecord | null,
    place: Place,
    linesMax: number,
  ): boolean {
    const to = offsetsOf(record);
    // No line goes on after a run, or in another file.
    const isCut = record[1] === "b" || (record[1] === "m" && isRunEdge(record[5]));
    const times = timesOf(record, before);
    for (const stream of STREAMS) {
      if (!this.#streams.includes(stream)) {
        place[stream] = Math.max(place[stream], to[stream]);
        continue;
      }
      for (;;) {
        if (this.#lines.length >= linesMax || this.#characters >= PAGE_CHARACTERS_MAX) {
          if (linesMax !== Infinity) return true;
        }
        const found = this.#sources[stream].lineAt(place[stream], to[stream], isCut);
        if (!found) break;
        place[stream] = found.next;
        this.#characters += found.text.length;
        this.#lines.push({ stream, ...times, text: found.text });
      }
      // What is not to be read any more in the file before is gone: nobody waits for it.
      if (record[1] === "b" && record[5] === stream) {
        place[stream] = Math.max(place[stream], to[stream]);
      }
    }
    return false;
  }

  #tellMarker(record: IndexRecord & { 1: "m" }): void {
    this.#lines.push({ stream: "marker", at: record[2], kind: record[5], text: record[6] });
  }

  /** A last line without its end, to whoever does not wait for that. */
  #tellUnfinished(place: Place): void {
    const last = this.output.records.at(-1);
    if (!last) return;
    const times = timesOf(last, this.output.records.at(-2) ?? null);
    for (const stream of this.#streams) {
      const found = this.#sources[stream].lineAt(place[stream], this.output.end[stream], true);
      if (found) this.#lines.push({ stream, ...times, text: found.text });
    }
  }
}

function isRunEdge(kind: string): boolean {
  return kind === "started" || kind === "ended";
}

function timesOf(
  record: IndexRecord,
  before: IndexRecord | null,
): Pick<OutputLine, "at" | "between"> {
  if (record[1] !== "u") return { at: record[2] };
  return { at: null, between: [before?.[2] ?? 0, record[2]] };
}

/** The last `count` lines, with the markers among and after them; fewer where they are too long for one page. */
function lastOf(lines: OutputLine[], count: number): OutputLine[] {
  let left = count;
  let characters = 0;
  let first = lines.length;
  for (; first > 0 && left > 0; first--) {
    const { stream, text } = lines[first - 1]!;
    characters += text.length;
    if (characters > PAGE_CHARACTERS_MAX && left < count) break;
    if (stream !== "marker") left--;
  }
  const drop = lines.slice(0, first).find(({ kind }) => kind === "dropped");
  return [...(drop ? [drop] : []), ...lines.slice(first)];
}

function droppedLine(record: FreedRecord): OutputLine {
  const [, , at, , , bytes, since, cause] = record;
  const size = sizeText(bytes);
  const seconds = Math.max(1, Math.round((at - since) / 1_000));
  const text = cause === "age"
    ? `${size} of older output were removed: its time is over`
    : at - since < 1_000
    ? `${size} of output were dropped: the server has written more than is kept`
    : `${size} of output were dropped in ${seconds} s: the server writes more than is kept`;
  return { stream: "marker", at, kind: "dropped", text };
}

/** Bytes for people: `64 MiB`. */
export function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A cursor as a page gave it; null for one that no page gave. */
function placeIn(cursor: string | undefined): Place | null {
  const [number, stdout, stderr] = /^(\d{1,15})\.(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? "")
    ?.slice(1).map(Number) ?? [];
  if (number === undefined) return null;
  return { number, stdout: stdout!, stderr: stderr! };
}
