/**
 * Questions to sites: a stream that one of the site's workers reads, and numbered chunks back on a reply channel. Never
 * in the log, bounded in size and time. Design §5.
 */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { logReadingSchema } from "../../events/server_output.ts";
import { ANSWER_WITHIN_MS, type Query, type QueryAnswer } from "../../events/site_query.ts";
import { Answering, type Chunk, chunkIn, chunksOf } from "./answer_chunks.ts";
import type { RedisConnection } from "./redis_connection.ts";
import { connected, within } from "./redis_event_feed.ts";
import { type RedisLink, send } from "./redis_link.ts";
import type { ReplyChannels } from "./reply_channels.ts";
import { workerRecords } from "./worker_records.ts";

/** Questions that wait for a site; older ones are dropped. */
const WAITING_MAX = 256;
/** Readers that wait for more of an output of this worker's servers. */
const READERS_MAX = 1_000;
/** A reader that waits hears this often that it is not forgotten. */
const BEAT_MS = 2_000;
const BLOCK_MS = 1_000;
const STUCK_AFTER_MS = 4_000;
const RETRY_MS = 500;

interface Question {
  replyChannel: string;
  query: Query;
  timeoutMs: number;
}

export class SiteQuestions {
  private waiting = 0;

  constructor(
    private readonly link: RedisLink,
    private readonly replies: ReplyChannels,
    private readonly clock: Clock,
  ) {}

  /** @throws {OperationalError} `site_unreachable`; `query_failed` when the worker could not answer */
  ask(site: string, query: Query, timeoutMs: number): Promise<QueryAnswer> {
    return this.asked(site, query, { limitMs: timeoutMs, silenceMs: timeoutMs });
  }

  /** As `ask`, of a question that may wait for `waitMs`: its worker says meanwhile that it has it. */
  askWaiting(
    site: string,
    query: Query,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<QueryAnswer> {
    const limits = { limitMs: waitMs + ANSWER_WITHIN_MS, silenceMs: ANSWER_WITHIN_MS };
    return this.asked(site, query, limits, signal);
  }

  private async asked(
    site: string,
    query: Query,
    { limitMs, silenceMs }: { limitMs: number; silenceMs: number },
    signal?: AbortSignal,
  ): Promise<QueryAnswer> {
    const worker = (await workerRecords(this.link)).find((one) => one.site === site);
    if (!worker) throw unreachable(site, "no worker answers for it");
    const { promise, resolve, reject } = Promise.withResolvers<QueryAnswer>();
    const answering = new Answering();
    const giveUp = (ms: number) => reject(unreachable(site, `no answer within ${ms} ms`));
    let cancelSilence = this.clock.after(silenceMs, () => giveUp(silenceMs));
    const cancelLimit = this.clock.after(limitMs, () => giveUp(limitMs));
    const leave = () => resolve([]);
    signal?.addEventListener("abort", leave, { once: true });
    if (signal?.aborted) leave();
    // Whoever asks is told by `promise`; while the question is still being sent nobody listens to it.
    promise.catch(() => {});
    let heard: { channel: string; close(): void } | null = null;
    try {
      heard = await this.replies.listen(worker.platform, (message) => {
        const chunk = chunkIn(message);
        if (chunk.error !== undefined) return reject(failed(site, chunk.error));
        cancelSilence();
        cancelSilence = this.clock.after(silenceMs, () => giveUp(silenceMs));
        const answer = answering.take(chunk);
        if (answer !== null) resolve(answer);
      });
      const question: Question = { replyChannel: heard.channel, query, timeoutMs: limitMs };
      const stream = this.link.keys.queries(worker.platform, site);
      const text = JSON.stringify(question);
      await this.link.ask("XADD", stream, "MAXLEN", "~", WAITING_MAX, "*", "q", text);
      return await promise;
    } finally {
      cancelSilence();
      cancelLimit();
      signal?.removeEventListener("abort", leave);
      heard?.close();
    }
  }

  /** Answers a site's questions until `signal` is aborted. */
  async serve(
    platform: string,
    site: string,
    workerId: string,
    answer: (query: Query) => Promise<QueryAnswer>,
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
    answer: (query: Query) => Promise<QueryAnswer>,
  ): Promise<void> {
    const [[seconds]] = await Promise.all([
      this.link.ask("TIME") as Promise<[string, string]>,
      this.link.ask("XDEL", stream, entry),
    ]);
    // Asked long ago, while nobody was here: nobody listens any more.
    if (Number(seconds) * 1_000 > parseInt(entry, 10) + timeoutMs + 1_000) return;
    const publish = (chunk: Chunk) => this.link.ask("PUBLISH", replyChannel, JSON.stringify(chunk));
    let chunks: Chunk[];
    try {
      chunks = chunksOf(await this.answered(query, answer, publish));
    } catch (error) {
      chunks = [{ number: 0, lines: [], error: reasonOf(error) }];
    }
    for (const chunk of chunks) await publish(chunk);
  }

  /** While an answer waits for something to come, its reader hears that somebody has the question. */
  private async answered(
    query: Query,
    answer: (query: Query) => Promise<QueryAnswer>,
    publish: (chunk: Chunk) => Promise<unknown>,
  ): Promise<QueryAnswer> {
    // Written by whoever may write here: what it makes a worker do is bounded.
    if (query.reading) logReadingSchema.parse(query.reading);
    if (!query.reading?.waitMs) return await answer(query);
    if (this.waiting >= READERS_MAX) throw new Error("too many readers wait for its servers");
    this.waiting++;
    let stop = () => {};
    const beat = () => {
      void publish({ number: 0, lines: [], beat: true }).catch(() => {});
      stop = this.clock.after(BEAT_MS, beat);
    };
    stop = this.clock.after(BEAT_MS, beat);
    try {
      return await answer(query);
    } finally {
      stop();
      this.waiting--;
    }
  }
}

function entriesOf(read: unknown): [string, string[]][] {
  return (read as [string, [string, string[]][]][] | null)?.[0]?.[1] ?? [];
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
