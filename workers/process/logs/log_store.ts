/**
 * An instance's output on the disk, all of it in one folder:
 *
 *     logs/stdout.log, stderr.log   written by the server itself, appended only
 *     logs/stdout.<offset>.log      what it wrote before, where old parts cannot be freed in place
 *     logs/index                    see `log_index.ts`
 *
 * Synchronous: each step takes less time than a turn of the event loop, and nothing is freed between the look at the
 * index and the read of what it says.
 */
import {
  beginOf,
  currentFile,
  endOf,
  type IndexRecord,
  LEGACY_FILE,
  type Offsets,
  parseIndex,
  type Part,
  partsOf,
  type StreamName,
  STREAMS,
} from "./log_index.ts";

/** One look at how much there is. */
export interface Seen {
  ends: Offsets;
  /** When the last of it was written, epoch ms by the host's clock; 0 where nothing was. */
  writtenAt: number;
}

/** The folder of logs below an instance's folder. */
export function logsFolderOf(instancePath: string): string {
  return `${instancePath}/logs`;
}

/** Where a part of a stream is. */
export function pathOf(folder: string, file: string): string {
  return `${file === LEGACY_FILE ? folder.slice(0, folder.lastIndexOf("/")) : folder}/${file}`;
}

/** Its index as it is; empty where there is none. `after`: see `parseIndex`. */
export function readIndex(folder: string, after = 0): IndexRecord[] {
  try {
    return parseIndex(Deno.readTextFileSync(`${folder}/index`), after);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Adds a record. On a line of its own, also after one that a crash, or a full disk, has torn. */
export function appendToIndex(folder: string, record: IndexRecord, afterTorn: boolean): void {
  using file = Deno.openSync(`${folder}/index`, { append: true, create: true, mode: 0o600 });
  const text = `${afterTorn ? "\n" : ""}${JSON.stringify(record)}\n`;
  file.writeSync(new TextEncoder().encode(text));
}

/** Replaces the index in one step. */
export function rewriteIndex(folder: string, records: readonly IndexRecord[]): void {
  const draft = `${folder}/index.new`;
  const text = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  Deno.writeTextFileSync(draft, text, { mode: 0o600 });
  Deno.renameSync(draft, `${folder}/index`);
}

/** The files of each stream. */
export function filesOf(
  folder: string,
  records: readonly IndexRecord[],
): Record<StreamName, Part[]> {
  const isLegacy = sizeOf(pathOf(folder, LEGACY_FILE)) !== null &&
    sizeOf(`${folder}/${currentFile("stdout")}`) === null;
  return {
    stdout: partsOf(records, "stdout", isLegacy),
    stderr: partsOf(records, "stderr", isLegacy),
  };
}

/** How much is there now. `current` is the last part of each stream. */
export function look(folder: string, current: Record<StreamName, Part>): Seen {
  const ends = { stdout: 0, stderr: 0 };
  let writtenAt = 0;
  for (const stream of STREAMS) {
    const { file, base } = current[stream];
    const found = statOf(pathOf(folder, file));
    ends[stream] = base + (found?.size ?? 0);
    if (found && found.size > 0) writtenAt = Math.max(writtenAt, found.mtime?.getTime() ?? 0);
  }
  return { ends, writtenAt };
}

/** The index, the files, and where all that is there begins and ends. */
export interface StoredOutput {
  folder: string;
  /** With one more at the end, which no worker has made, for what was written since. */
  records: IndexRecord[];
  /** Of the last record that a worker has made; 0 where there is none. */
  lastNumber: number;
  parts: Record<StreamName, Part[]>;
  begin: Offsets;
  end: Offsets;
}

/**
 * An instance's output as it is now.
 * @param isWatched whether a worker watches its server: what is new was written just now, then
 * @param after records up to this number need not be read
 */
export function openOutput(
  instancePath: string,
  isWatched: boolean,
  now: number,
  after = 0,
): StoredOutput {
  const folder = logsFolderOf(instancePath);
  const records = readIndex(folder, after);
  const parts = filesOf(folder, records);
  const current = { stdout: parts.stdout.at(-1)!, stderr: parts.stderr.at(-1)! };
  const { ends: end, writtenAt } = look(folder, current);
  const last = records.at(-1);
  const lastNumber = last?.[0] ?? 0;
  const known = endOf(records);
  for (const stream of STREAMS) end[stream] = Math.max(end[stream], known[stream]);
  if (end.stdout > known.stdout || end.stderr > known.stderr) {
    const at = Math.min(now, Math.max(writtenAt, last?.[2] ?? 0));
    records.push([lastNumber + 1, isWatched ? "t" : "u", at, end.stdout, end.stderr]);
  }
  return { folder, records, lastNumber, parts, begin: beginOf(records), end };
}

/** Bytes `from` to `to` of a stream; fewer where a file ends before, or is gone. */
export function readRange(
  folder: string,
  parts: readonly Part[],
  from: number,
  to: number,
): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, to - from));
  let filled = 0;
  parts.forEach(({ file, base }, index) => {
    const partEnd = parts[index + 1]?.base ?? Infinity;
    const [first, last] = [Math.max(from, base), Math.min(to, partEnd)];
    if (first >= last || first !== from + filled) return;
    const target = bytes.subarray(filled, filled + last - first);
    filled += readInto(pathOf(folder, file), first - base, target);
  });
  return bytes.subarray(0, filled);
}

function readInto(path: string, at: number, target: Uint8Array): number {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
  using open = file;
  open.seekSync(at, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < target.length) {
    const read = open.readSync(target.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return filled;
}

function statOf(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Bytes of a file; null where there is none. */
export function sizeOf(path: string): number | null {
  return statOf(path)?.size ?? null;
}
