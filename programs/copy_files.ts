/** Files that hold a copy of a log: written whole or not at all, packed where they are named so, read as a stream. */
import { damaged } from "../actors/log_copy/copy_reader.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";

/** Standard output or input in the place of a file. */
export const STANDARD = "-";
/** Longer than any line that was ever written. */
const LINE_LENGTH_MAX = 16 * 1024 * 1024;
const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A copy that is being written. */
export interface CopyFile {
  write(text: string): Promise<void>;
  /** It is whole, on the disk and under its name; gives its size in bytes. */
  finish(): Promise<number>;
  /** It is not to be. */
  abandon(): Promise<void>;
}

/** Where bytes go. */
interface Sink {
  write(bytes: Uint8Array): Promise<unknown>;
  close(): Promise<void>;
  abandon(): Promise<void>;
}

/**
 * Begins a file that is not there yet. What it holds is seen under its name only when it is whole.
 * @throws {OperationalError} `copy_exists`, `copy_not_written`
 */
export async function createCopyFile(path: string): Promise<CopyFile> {
  const sink = path === STANDARD ? standardOutput() : await partialFile(path);
  let size = 0;
  const counting = new WritableStream<Uint8Array>({
    async write(bytes) {
      for (let at = 0; at < bytes.length;) at += Number(await sink.write(bytes.subarray(at)));
      size += bytes.length;
    },
  });
  const packer = path.endsWith(".gz") ? new CompressionStream("gzip") : null;
  const packed = packer?.readable.pipeTo(counting) ?? Promise.resolve();
  // A failure is told by the write that it ends.
  packed.catch(() => {});
  const writer: WritableStreamDefaultWriter<BufferSource> = (packer?.writable ?? counting)
    .getWriter() as WritableStreamDefaultWriter<BufferSource>;
  writer.closed.catch(() => {});
  const encoder = new TextEncoder();
  const told = async <T>(work: () => Promise<T>) => {
    try {
      return await work();
    } catch (error) {
      throw notWritten(path, error);
    }
  };
  return {
    write: (text) => told(() => writer.write(encoder.encode(text))),
    finish: () =>
      told(async () => {
        await writer.close();
        await packed;
        await sink.close();
        return size;
      }),
    async abandon() {
      await writer.abort().catch(() => {});
      await sink.abandon();
    },
  };
}

/**
 * The lines of a copy, without their line ends; packed or not, as its first bytes say.
 * @throws {OperationalError} `copy_missing`, `copy_damaged`
 */
export async function* copyLines(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const text of unpacked(path)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > LINE_LENGTH_MAX) throw damaged("it has a line without an end");
    yield* lines;
  }
  if (rest === "") return;
  try {
    JSON.parse(rest);
  } catch {
    throw damaged("it was cut short: its last line has no end");
  }
  yield rest;
}

async function* unpacked(path: string): AsyncGenerator<string> {
  const source = await opened(path);
  const isPacked = GZIP_MAGIC.every((byte, index) => source.first[index] === byte);
  const bytes = ReadableStream.from(source.all()) as ReadableStream<Uint8Array<ArrayBuffer>>;
  const plain = isPacked ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of plain) yield decoder.decode(chunk, { stream: true });
    decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw damaged(
      isPacked
        ? `it cannot be unpacked to its end, so it was cut short or changed (${reasonOf(error)})`
        : "it is not a text",
    );
  }
}

/** A file with its first bytes, which tell what it is. */
async function opened(
  path: string,
): Promise<{ first: Uint8Array; all(): AsyncGenerator<Uint8Array> }> {
  const reader = (path === STANDARD ? Deno.stdin.readable : (await existing(path)).readable)
    .getReader();
  const begin: Uint8Array[] = [];
  let first = new Uint8Array();
  while (first.length < GZIP_MAGIC.length) {
    const { done, value } = await reader.read();
    if (done) break;
    begin.push(value);
    first = new Uint8Array([...first, ...value.subarray(0, GZIP_MAGIC.length)]);
  }
  async function* all() {
    try {
      yield* begin;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }
  return { first, all };
}

async function existing(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    throw new OperationalError(
      "copy_missing",
      `The copy ${path} cannot be read: ${reasonOf(error)}.`,
      false,
      "Name a file that deno task log:export has written: --from.",
      { cause: error },
    );
  }
}

function standardOutput(): Sink {
  return {
    write: (bytes) => Deno.stdout.write(bytes),
    close: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}

async function partialFile(path: string): Promise<Sink> {
  if (await isThere(path)) {
    throw new OperationalError(
      "copy_exists",
      `${path} is there already; a copy is never written over.`,
      false,
      "Name another file: --to.",
    );
  }
  const part = `${path}.part`;
  try {
    // It holds what the log does: for its owner alone.
    const options = { create: true, write: true, truncate: true, mode: 0o600 };
    const file = await Deno.open(part, options);
    return {
      write: (bytes) => file.write(bytes),
      async close() {
        await file.syncData();
        file.close();
        await Deno.rename(part, path);
      },
      async abandon() {
        try {
          file.close();
        } catch {
          // Closed by `close`, which failed after it.
        }
        await Deno.remove(part).catch(() => {});
      },
    };
  } catch (error) {
    throw notWritten(path, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw notWritten(path, error);
  }
}

function notWritten(path: string, error: unknown): unknown {
  if (error instanceof OperationalError) return error;
  const where = path === STANDARD ? "standard output" : path;
  return new OperationalError(
    "copy_not_written",
    `The copy cannot be written to ${where}: ${reasonOf(error)}. Nothing of it is left.`,
    true,
    "See that there is room, and that this user may write there.",
    { cause: error },
  );
}
