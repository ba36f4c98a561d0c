/** An answer to a question on its way: numbered chunks, and signs of life while nothing is there to be told. Design §5. */
import type { OutputLine } from "../../events/server_output.ts";
import { outputLineSchema } from "../../events/server_output.ts";
import type { QueryAnswer } from "../../events/site_query.ts";

const CHUNK_LINES = 200;
/** An answer is cut after this many characters. */
const ANSWER_MAX = 1024 * 1024;
/** An answer of empty lines only has as many parts. */
const CHUNKS_MAX = ANSWER_MAX / CHUNK_LINES;

/** One part of an answer, numbered from 0; the last has `end`. */
export interface Chunk {
  number: number;
  lines: string[];
  /** Instead of `lines`, in the answer to `reading`. */
  entries?: OutputLine[];
  /** With `end`, in the answer to `reading`. */
  cursor?: string | null;
  hasMore?: boolean;
  end?: boolean;
  /** The worker has the question, and waits for something to tell. */
  beat?: boolean;
  /** Why there is no answer. */
  error?: string;
}

/** Puts chunks together as they come. */
export class Answering {
  readonly #chunks: Chunk[] = [];
  #heard = 0;
  #awaited = Infinity;

  /** The answer, once it is whole; null until then. */
  take(chunk: Chunk): QueryAnswer | null {
    if (chunk.beat) return null;
    if (!this.#chunks[chunk.number]) this.#heard++;
    this.#chunks[chunk.number] = chunk;
    if (chunk.end) this.#awaited = chunk.number + 1;
    if (this.#heard !== this.#awaited) return null;
    const last = this.#chunks.at(-1)!;
    if (!last.entries) return this.#chunks.flatMap(({ lines }) => lines);
    const lines = this.#chunks.flatMap(({ entries }) => entries ?? []);
    return { lines, cursor: last.cursor ?? null, hasMore: last.hasMore ?? false };
  }
}

/** What was published, by whomever: a part of an answer, or what says that it is none. */
export function chunkIn(message: string): Chunk {
  try {
    const chunk: Chunk = JSON.parse(message);
    if (chunk.error !== undefined) return { number: 0, lines: [], error: String(chunk.error) };
    if (isPart(chunk)) return chunk;
  } catch {
    // No JSON, or null.
  }
  return { number: 0, lines: [], error: "its answer is malformed" };
}

function isPart({ number, lines, entries, cursor }: Chunk): boolean {
  return Number.isInteger(number) && number >= 0 && number <= CHUNKS_MAX &&
    Array.isArray(lines) && lines.every((line) => typeof line === "string") &&
    (entries === undefined || outputLineSchema.array().safeParse(entries).success) &&
    (cursor === undefined || cursor === null || typeof cursor === "string");
}

/** An answer in parts; of lines the last that fit. */
export function chunksOf(answer: QueryAnswer): Chunk[] {
  if (Array.isArray(answer)) {
    const parts = split(lastThatFit(answer));
    return numbered(parts.map((lines) => ({ lines })), {});
  }
  const { lines: entries, cursor, hasMore } = answer;
  const parts = split(entries).map((part) => ({ lines: [], entries: part }));
  return numbered(parts, { cursor, hasMore });
}

function numbered(parts: Omit<Chunk, "number">[], atEnd: Partial<Chunk>): Chunk[] {
  return parts.map((part, number) => ({
    number,
    ...part,
    ...(number === parts.length - 1 ? { ...atEnd, end: true } : {}),
  }));
}

function split<T>(items: readonly T[]): T[][] {
  const count = Math.max(1, Math.ceil(items.length / CHUNK_LINES));
  return Array.from(
    { length: count },
    (_, number) => items.slice(number * CHUNK_LINES, (number + 1) * CHUNK_LINES),
  );
}

function lastThatFit(lines: readonly string[]): readonly string[] {
  let first = lines.length;
  for (let length = 0; first > 0; first--) {
    length += lines[first - 1]!.length + 1;
    if (length > ANSWER_MAX) break;
  }
  return lines.slice(first);
}
