/**
 * Questions to sites: a stream that one of the site's workers reads, and numbered chunks back on a reply channel. Never
 * in the log, bounded in size and time. Design §5.
 */
import { type Clock, sleep } from "../../events/clock.ts";
import type { Query } from "../../events/command_bus.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { connected, within } from "./redis_event_feed.ts";
import { type RedisLink, send } from "./redis_link.ts";
import type { ReplyChannels } from "./reply_channels.ts";
import { workerRecords } from "./worker_records.ts";

/** Questions that wait for a site; older ones are dropped. */
const WAITING_MAX = 256;
const CHUNK_LINES = 200;
/** An answer is cut after this many characters. */
const ANSWER_MAX = 1024 * 1024;
/** An answer of empty lines only has as many parts. */
const CHUNKS_MAX = ANSWER_MAX / CHUNK_LINES;
const BLOCK_MS = 1_000;
const STUCK_AFTER_MS = 4_000;
const RETRY_MS = 500;

interface Question {
  replyChannel: string;
  query: Query;
  timeoutMs: number;
}

/** One part of an answer, numbered from 0; the last has `end`. */
interface Chunk {
  number: number;
  lines: string[];
  end?: boolean;
  /** Why there is no answer. */
  error?: string;
}

export class SiteQuestions {
  constructor(
    private readonly link: RedisLink,
    private readonly replies: ReplyChannels,
    private readonly clock: Clock,
  ) {}

  /** @throws {OperationalError} `site_unreachable`; `query_failed` when the worker could not answer */
  async ask(site: string, query: Query, timeoutMs: number): Promise<string[]> {
    const worker = (await workerRecords(this.link)).find((one) => one.site === site);
    if (!worker) throw unreachable(site, "no worker answers for it");
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    const chunks: string[][] = [];
    let awaited = Infinity;
    const heard = await this.replies.listen(worker.platform, (message) => {
      const chunk = chunkOf(message);
      if (chunk.error !== undefined) return reject(failed(site, chunk.error));
      chunks[chunk.number] = chunk.lines;
      if (chunk.end) awaited = chunk.number + 1;
      if (Object.keys(chunks).length === awaited) resolve(chunks.flat());
    });
    const cancel = this.clock.after(
      timeoutMs,
      () => reject(unreachable(site, `no answer within ${timeoutMs} ms`)),
    );
    // Whoever asks is told by `promise`; while the question is still being sent nobody listens to it.
    promise.catch(() => {});
    try {
      const question: Question = { replyChannel: heard.channel, query, timeoutMs };
      const stream = this.link.keys.queries(worker.platform, site);
      const text = JSON.stringify(question);
      await this.link.ask("XADD", stream, "MAXLEN", "~", WAITING_MAX, "*", "q", text);
      return await promise;
    } finally {
      cancel();
      heard.close();
    }
  }

  /** Answers a site's questions until `signal` is aborted. */
  async serve(
    platform: string,
    site: string,
    workerId: string,
    answer: (query: Query) => Promise<string[]>,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = this.link.keys.queries(platform, site);
    let reader: RedisConnection | null = null;
    const letGo = () => {
      if (reader) this.link.letGo(reader);
      reader = null;
    };
    signal.addEventListener("abort", letGo);
    while (!signal.aborted) {
      try {
        reader ??= await connected(this.link, this.clock, "queries");
        const args = ["GROUP", "workers", workerId, "COUNT", 8, "BLOCK", BLOCK_MS, "NOACK"];
        const asked = send(reader, "XREADGROUP", [...args, "STREAMS", stream, ">"]);
        const read = await within(this.clock, asked, BLOCK_MS + STUCK_AFTER_MS);
        for (const [entry, [, text = ""]] of entriesOf(read)) {
          void this.reply(stream, entry, JSON.parse(text), answer).catch(() => {});
        }
      } catch {
        // Redis is away, the connection is stuck, or the group is not there yet: who asked hears that nobody answers.
        letGo();
        await sleep(this.clock, RETRY_MS, signal);
      }
    }
    letGo();
  }

  private async reply(
    stream: string,
    entry: string,
    { replyChannel, query, timeoutMs }: Question,
    answer: (query: Query) => Promise<string[]>,
  ): Promise<void> {
    const [[seconds]] = await Promise.all([
      this.link.ask("TIME") as Promise<[string, string]>,
      this.link.ask("XDEL", stream, entry),
    ]);
    // Asked long ago, while nobody was here: nobody listens any more.
    if (Number(seconds) * 1_000 > parseInt(entry, 10) + timeoutMs + 1_000) return;
    let chunks: Chunk[];
    try {
      chunks = chunksOf(await answer(query));
    } catch (error) {
      chunks = [{ number: 0, lines: [], error: reasonOf(error) }];
    }
    for (const chunk of chunks) {
      await this.link.ask("PUBLISH", replyChannel, JSON.stringify(chunk));
    }
  }
}

function entriesOf(read: unknown): [string, string[]][] {
  return (read as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? [];
}

/** What was published, by whomever: a part of an answer, or what says that it is none. */
function chunkOf(message: string): Chunk {
  try {
    const { number, lines, end, error }: Chunk = JSON.parse(message);
    if (error !== undefined) return { number: 0, lines: [], error: String(error) };
    const isPart = Number.isInteger(number) && number >= 0 && number <= CHUNKS_MAX &&
      Array.isArray(lines) && lines.every((line) => typeof line === "string");
    if (isPart) return { number, lines, end: end === true };
  } catch {
    // No JSON, or null.
  }
  return { number: 0, lines: [], error: "its answer is malformed" };
}

/** The last lines that fit, in parts. */
function chunksOf(lines: readonly string[]): Chunk[] {
  let first = lines.length;
  for (let length = 0; first > 0; first--) {
    length += lines[first - 1]!.length + 1;
    if (length > ANSWER_MAX) break;
  }
  const kept = lines.slice(first);
  const count = Math.max(1, Math.ceil(kept.length / CHUNK_LINES));
  return Array.from({ length: count }, (_, number) => ({
    number,
    lines: kept.slice(number * CHUNK_LINES, (number + 1) * CHUNK_LINES),
    ...(number === count - 1 ? { end: true } : {}),
  }));
}

function unreachable(site: string, reason: string): OperationalError {
  return new OperationalError(
    "site_unreachable",
    `The site ${site} cannot be asked: ${reason}.`,
    true,
    "See the list of workers: is one of this site alive?",
  );
}

function failed(site: string, reason: string): OperationalError {
  return new OperationalError(
    "query_failed",
    `The worker of site ${site} could not answer: ${reason}.`,
    true,
    "See the worker's log on its host.",
  );
}
