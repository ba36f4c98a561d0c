/** What a worker knows of one instance's output: where it ends, and what the index says of it. */
import type { Clock } from "../../../events/clock.ts";
import { LineSource } from "./line_source.ts";
import type { Offsets, Part, StreamName } from "./log_index.ts";
import {
  beginOf,
  bytesBetween,
  compacted,
  currentFile,
  endOf,
  freeUpTo,
  type IndexRecord,
  LEGACY_FILE,
  NOTHING,
  openRunOf,
  STREAMS,
} from "./log_index.ts";
import {
  appendToIndex,
  filesOf,
  logsFolderOf,
  look,
  pathOf,
  readIndex,
  rewriteIndex,
  sizeOf,
} from "./log_store.ts";

/** Bytes of an index, and records after it was made smaller. */
const INDEX_BYTES_MAX = 256 * 1024;
const INDEX_RECORDS_KEPT = 1_500;
/** Stamps are at least this far apart. */
const STAMP_EVERY_MS = 250;
/** From one look to the next. */
const MUCH_BYTES = 256 * 1024;
const BUSY_FOR_MS = 2_000;
/** A drop within this time of the one before is told together with it. */
const DROPS_TOGETHER_MS = 60_000;

type Body = [kind: "t" | "u"] | ["m", string, string, string] | ["b", StreamName, string];

/**
 * One instance's output, as long as the worker has to do with it. Throws what the disk says; a disk that is full must
 * not keep a server from being started or ended, so its callers go on.
 */
export class WatchedOutput {
  readonly folder: string;
  /** Whether its server lives, as far as the worker knows. */
  isLive = false;
  /** Until its first look at a live server it does not know when what it finds was written. */
  isUnsupervised = true;
  /** Until then it is looked at more often: it has just begun, or writes much. */
  busyUntil = -Infinity;
  /** Whether its files can be freed in part, as far as it was tried. */
  canFree = true;
  /** Up to here this worker has freed; one before it may have died between its record and the deed. */
  freed: Offsets = { ...NOTHING };
  #ends: Offsets = { ...NOTHING };
  #number = 0;
  #at = 0;
  #stampedAt = -Infinity;
  #recorded: Offsets = { ...NOTHING };
  #current: Record<StreamName, Part>;
  #openRun: string | null = null;
  /** A worker before us, or a write of ours that failed, may have left a part of a line. */
  #mayBeTorn = true;
  #begin: Offsets = { ...NOTHING };

  constructor(instancePath: string, private readonly clock: Clock) {
    this.folder = logsFolderOf(instancePath);
    const records = readIndex(this.folder);
    const last = records.at(-1);
    const files = filesOf(this.folder, records);
    this.#current = { stdout: files.stdout.at(-1)!, stderr: files.stderr.at(-1)! };
    this.#number = last?.[0] ?? 0;
    this.#at = last?.[2] ?? 0;
    this.#recorded = endOf(records);
    this.#ends = { ...this.#recorded };
    this.#openRun = openRunOf(records);
    this.#begin = beginOf(records);
  }

  get openRun(): string | null {
    return this.#openRun;
  }

  /** Bytes that are kept. */
  get kept(): number {
    return bytesBetween(this.#begin, this.#ends);
  }

  /** Makes the folder and the files of a run that is about to start. Its offsets: where its output begins. */
  begin(runId: string, keepBytes: number): Offsets {
    Deno.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.look();
    const legacy = sizeOf(pathOf(this.folder, LEGACY_FILE));
    if (this.#current.stdout.file === LEGACY_FILE && legacy !== null) {
      this.#goOn("stdout", LEGACY_FILE);
    }
    for (const stream of STREAMS) {
      const path = `${this.folder}/${currentFile(stream)}`;
      if (!this.canFree && (sizeOf(path) ?? 0) > keepBytes / 2) this.#renew(stream, path);
      Deno.openSync(path, { append: true, create: true, mode: 0o600 }).close();
    }
    this.mark("started", `run ${runId} starts`, runId);
    return { ...this.#ends };
  }

  /** Looks how much there is, and makes a stamp of it. True when there is more than at the look before. */
  look(): boolean {
    const { ends, writtenAt } = look(this.folder, this.#current);
    this.#noticeCut(ends);
    const growth = bytesBetween(this.#ends, ends);
    if (growth >= MUCH_BYTES) this.busyUntil = this.clock.monotonic() + BUSY_FOR_MS;
    this.#ends = ends;
    const isNew = bytesBetween(this.#recorded, ends) > 0;
    if (
      isNew && (this.isUnsupervised || this.clock.monotonic() - this.#stampedAt >= STAMP_EVERY_MS)
    ) {
      this.#stamp(writtenAt);
    }
    return growth > 0;
  }

  #stamp(writtenAt: number): void {
    this.#append([this.isUnsupervised ? "u" : "t"], Math.min(this.clock.now(), writtenAt));
    this.#stampedAt = this.clock.monotonic();
  }

  /** A marker at the end of what there is. */
  mark(kind: string, text: string, runId: string, at = this.clock.now()): void {
    if (bytesBetween(this.#recorded, this.#ends) > 0) this.#stamp(at);
    this.#append(["m", kind, text, runId], at);
    this.#openRun = kind === "ended" ? null : runId;
  }

  /** What is to be freed by now, after it is written down that it is. Null where nothing is. */
  release(limits: { keepBytes: number; keepAfter: number }): Offsets | null {
    const records = readIndex(this.folder);
    const found = freeUpTo(records, this.#ends, limits);
    if (found === null) return null;
    const upTo = this.#wholeLines(records, found.upTo);
    if (bytesBetween(this.#begin, upTo) === 0) return null;
    this.#writeFreed(records, upTo, found.cause);
    return upTo;
  }

  /** Back to where a line begins: else whoever reads on from there would take the rest of one for a line. */
  #wholeLines(records: readonly IndexRecord[], upTo: Offsets): Offsets {
    const parts = filesOf(this.folder, records);
    const begin = (stream: StreamName) =>
      new LineSource(this.folder, parts[stream], this.#ends[stream])
        .lineBegin(upTo[stream], this.#begin[stream]);
    return { stdout: begin("stdout"), stderr: begin("stderr") };
  }

  /** Empties files that cannot be freed in part: all that is there now is dropped. */
  cutDown(): void {
    const records = readIndex(this.folder);
    this.#writeFreed(records, this.#ends, "size");
    for (const stream of STREAMS) {
      const path = pathOf(this.folder, this.#current[stream].file);
      const size = sizeOf(path) ?? 0;
      this.#ends[stream] = this.#current[stream].base + size;
      Deno.truncateSync(path, 0);
      this.#goOn(stream, "");
    }
  }

  /** Bytes on the disk of the files that are written now, holes counted. */
  get fileBytes(): number {
    return STREAMS.reduce(
      (sum, stream) => sum + this.#ends[stream] - this.#current[stream].base,
      0,
    );
  }

  /** Makes the index smaller where it is too large. */
  tidy(): void {
    if ((sizeOf(`${this.folder}/index`) ?? 0) <= INDEX_BYTES_MAX) return;
    rewriteIndex(this.folder, compacted(readIndex(this.folder), INDEX_RECORDS_KEPT));
  }

  #writeFreed(records: readonly IndexRecord[], upTo: Offsets, cause: "size" | "age"): void {
    const now = this.clock.now();
    const last = records.findLast((record) => record[1] === "f");
    const isSame = last?.[1] === "f" && last[7] === cause && now - last[2] < DROPS_TOGETHER_MS;
    const bytes = bytesBetween(this.#begin, upTo) + (isSame ? last[5] : 0);
    const since = isSame ? last[6] : now;
    this.#at = Math.max(this.#at, now);
    this.#number++;
    this.#write([this.#number, "f", this.#at, upTo.stdout, upTo.stderr, bytes, since, cause]);
    this.#begin = upTo;
  }

  /** A stream goes on in its usual file, anew; what it was in has the name `former`. */
  #goOn(stream: StreamName, former: string): void {
    this.#append(["b", stream, former], this.clock.now());
    this.#current[stream] = { file: currentFile(stream), base: this.#ends[stream] };
  }

  #renew(stream: StreamName, path: string): void {
    const former = `${stream}.${this.#current[stream].base}.log`;
    Deno.renameSync(path, `${this.folder}/${former}`);
    this.#goOn(stream, former);
  }

  /** Somebody emptied a file: what comes now goes on where the offsets were. */
  #noticeCut(ends: Offsets): void {
    for (const stream of STREAMS) {
      if (ends[stream] >= this.#ends[stream]) continue;
      const size = ends[stream] - this.#current[stream].base;
      this.#goOn(stream, "");
      ends[stream] = this.#ends[stream] + size;
    }
  }

  #append(body: Body, at: number): void {
    this.#number++;
    this.#at = Math.max(this.#at, at);
    const [kind, ...rest] = body;
    const { stdout, stderr } = this.#ends;
    this.#write([this.#number, kind, this.#at, stdout, stderr, ...rest] as IndexRecord);
    this.#recorded = { ...this.#ends };
  }

  #write(record: IndexRecord): void {
    const afterTorn = this.#mayBeTorn;
    this.#mayBeTorn = true;
    appendToIndex(this.folder, record, afterTorn);
    this.#mayBeTorn = false;
  }
}
