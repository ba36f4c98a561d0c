/**
 * The index of an instance's output: what was where, and when. The files belong to the server, which only appends; all
 * that a worker knows of them is here, in a file that it appends to itself, one JSON array a line:
 *
 *     [number, kind, at, out, err, …]
 *
 * `out` and `err` are _offsets_: bytes of each stream since the instance's first run, whatever was freed or begun anew
 * since. A line's time is that of the first record at or after its end. Pure; `log_store.ts` reads and writes.
 */
import { z } from "zod";

const base = [
  z.number().int().positive(),
  z.number().nonnegative(),
  z.number().int().nonnegative(),
  z.number().int().nonnegative(),
] as const;
const [number, at, out, err] = base;

/** `t`: so much was there; a worker has watched it grow. `u`: the same, but nobody watched it since the record before. */
const stamp = z.tuple([number, z.enum(["t", "u"]), at, out, err]);
/** A marker: its kind, its words, and the run that it is about. */
const marker = z.tuple([number, z.literal("m"), at, out, err, z.string(), z.string(), z.string()]);
/** All before is freed: how many bytes since when, and whether by size (the server writes much) or by age. */
const freed = z.tuple([
  number,
  z.literal("f"),
  at,
  out,
  err,
  z.number(),
  z.number(),
  z.enum(["size", "age"]),
]);
/** A stream went on in a new file here; what it was in before has this name now ("": it is gone). */
const begun = z.tuple([
  number,
  z.literal("b"),
  at,
  out,
  err,
  z.enum(["stdout", "stderr"]),
  z.string(),
]);

const recordSchema = z.union([stamp, marker, freed, begun]);

export type IndexRecord = z.infer<typeof recordSchema>;
export type FreedRecord = z.infer<typeof freed>;

export type StreamName = "stdout" | "stderr";
export const STREAMS: readonly StreamName[] = ["stdout", "stderr"];

/** Bytes of each stream. */
export interface Offsets {
  stdout: number;
  stderr: number;
}

export const NOTHING: Readonly<Offsets> = { stdout: 0, stderr: 0 };

/** One file of a stream, and the offset of its first byte. */
export interface Part {
  file: string;
  base: number;
}

export function offsetsOf(record: IndexRecord): Offsets {
  return { stdout: record[3], stderr: record[4] };
}

/** How much both streams have between two points. */
export function bytesBetween(from: Offsets, to: Offsets): number {
  return Math.max(0, to.stdout - from.stdout) + Math.max(0, to.stderr - from.stderr);
}

/**
 * The records of an index; what is torn, or no record, is passed over, and so is what goes back.
 * @param after of the stamps and markers up to this number only the last ones, so that a reader that goes on needs
 *   not pay for what it has read
 */
export function parseIndex(text: string, after = 0): IndexRecord[] {
  const records: IndexRecord[] = [];
  const lines = text.split("\n").filter((line) => line !== "");
  const first = lines.findIndex((line) => numberIn(line) > after);
  const newer = Math.max(0, (first < 0 ? lines.length : first) - OLDER_KEPT);
  for (const [index, line] of lines.entries()) {
    if (index < newer && !LASTING.test(line)) continue;
    const record = recordIn(line);
    if (record === null || record[0] <= (records.at(-1)?.[0] ?? 0)) continue;
    records.push(record);
  }
  return records;
}

/** Of what a reader has read: enough for the time before, also where the last lines are torn. */
const OLDER_KEPT = 16;
/** Records that count for ever: of files, and of what is freed. */
const LASTING = /^\[\d+,"[bf]"/;

function numberIn(line: string): number {
  return parseInt(line.slice(1), 10);
}

function recordIn(line: string): IndexRecord | null {
  try {
    const parsed = recordSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    // Torn by a crash in the middle of a write.
    return null;
  }
}

/** Where what is still there begins. */
export function beginOf(records: readonly IndexRecord[]): Offsets {
  const last = records.findLast((record) => record[1] === "f");
  return last ? offsetsOf(last) : { ...NOTHING };
}

/** Up to where the records go; one of what is freed tells of what lies behind. */
export function endOf(records: readonly IndexRecord[]): Offsets {
  const last = records.findLast((record) => record[1] !== "f");
  return last ? offsetsOf(last) : { ...NOTHING };
}

/**
 * The files of a stream, oldest first; the last is the one that is written.
 * @param isLegacy whether the folder is of a release that wrote both streams into `server.log`
 */
export function partsOf(
  records: readonly IndexRecord[],
  stream: StreamName,
  isLegacy: boolean,
): Part[] {
  const parts: Part[] = [];
  let base = 0;
  for (const record of records) {
    if (record[1] !== "b" || record[5] !== stream) continue;
    if (record[6] !== "") parts.push({ file: record[6], base });
    base = offsetsOf(record)[stream];
  }
  const isCombined = isLegacy && stream === "stdout" && parts.length === 0 && base === 0;
  return [...parts, { file: isCombined ? LEGACY_FILE : currentFile(stream), base }];
}

/** Both streams of runs of older releases, beside the folder of logs. */
export const LEGACY_FILE = "server.log";

export function currentFile(stream: StreamName): string {
  return `${stream}.log`;
}

/** The run that the last marker is about, unless that tells of its end; null when there is no such run. */
export function openRunOf(records: readonly IndexRecord[]): string | null {
  const last = records.findLast((record) => record[1] === "m");
  return last?.[1] === "m" && last[5] !== "ended" ? last[7] : null;
}

/** Stamps are merged until their times are this far apart at most, and then further. */
const FIRST_MERGE_MS = 1_000;
const MERGE_MS_MAX = 24 * 3_600_000;

/**
 * The same index with at most `recordsMax` records, or so: without what lies before the begin, then with fewer stamps,
 * so that older lines' times are coarser. What is never left out: new files, the last freed, markers (the newest).
 */
export function compacted(records: readonly IndexRecord[], recordsMax: number): IndexRecord[] {
  const begin = beginOf(records);
  const lastFreed = records.findLast((record) => record[1] === "f");
  let kept = records.filter((record) =>
    record[1] === "b" || record === lastFreed || record === records.at(-1) ||
    record[1] !== "f" && bytesBetween(begin, offsetsOf(record)) > 0
  );
  for (let apart = FIRST_MERGE_MS; kept.length > recordsMax && apart <= MERGE_MS_MAX; apart *= 2) {
    kept = merged(kept, apart);
  }
  const markersMax = Math.floor(recordsMax / 2);
  const tooMany = kept.filter((record) => record[1] === "m").length - markersMax;
  let left = tooMany;
  return kept.filter((record) => record[1] !== "m" || left-- <= 0);
}

/** A stamp goes where the next one of its kind is near: that one then speaks for both. */
function merged(records: readonly IndexRecord[], apartMs: number): IndexRecord[] {
  let keptAt = -Infinity;
  return records.filter((record, index) => {
    const next = records[index + 1];
    const isNear = next !== undefined && record[1] === "t" && next[1] === "t" &&
      next[2] - keptAt <= apartMs;
    if (!isNear) keptAt = record[2];
    return !isNear;
  });
}

/**
 * Up to where an output is freed so that about `keepBytes` are left, and nothing older than `keepAfter`.
 * @returns null when nothing need be freed
 */
export function freeUpTo(
  records: readonly IndexRecord[],
  end: Offsets,
  limits: { keepBytes: number; keepAfter: number },
): { upTo: Offsets; cause: "size" | "age" } | null {
  const begin = beginOf(records);
  const isOver = bytesBetween(begin, end) > limits.keepBytes * SLACK;
  if (isOver) {
    const first = records.find((record) =>
      bytesBetween(offsetsOf(record), end) <= limits.keepBytes
    );
    const upTo = furthest(begin, first ? offsetsOf(first) : end);
    // One look saw more than is kept: then of each stream its end, however they were mixed.
    const isEnough = bytesBetween(upTo, end) > limits.keepBytes / 2;
    return {
      upTo: isEnough ? upTo : furthest(begin, endOfEach(begin, end, limits.keepBytes)),
      cause: "size",
    };
  }
  const last = records.findLast((record) => record[2] < limits.keepAfter);
  const isOld = last !== undefined && bytesBetween(begin, offsetsOf(last)) > 0;
  return isOld ? { upTo: furthest(begin, offsetsOf(last)), cause: "age" } : null;
}

/** Not at each step: one step frees a quarter of what is kept. */
export const SLACK = 1.25;

/** Half for each stream, and for one what the other does not need. */
function endOfEach(begin: Offsets, end: Offsets, keepBytes: number): Offsets {
  const share = (other: StreamName) =>
    keepBytes - Math.min(keepBytes / 2, end[other] - begin[other]);
  return {
    stdout: Math.max(0, end.stdout - share("stderr")),
    stderr: Math.max(0, end.stderr - share("stdout")),
  };
}

function furthest(one: Offsets, other: Offsets): Offsets {
  return {
    stdout: Math.floor(Math.max(one.stdout, other.stdout)),
    stderr: Math.floor(Math.max(one.stderr, other.stderr)),
  };
}
