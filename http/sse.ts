/** The fleet's log as server-sent events: in order, without gaps, at the client's pace, within a bounded buffer. */
import type { HistoryBreak, InstanceSystem } from "../actors/system_port.ts";
import type { Clock } from "../events/clock.ts";
import { comparePositions, type Position, type RecordedEvent } from "../events/envelope.ts";
import type { Subscription } from "../events/event_log.ts";
import { eventView } from "./event_view.ts";
import { historyBreakView } from "./history_break_view.ts";
import { SseChannel, sseMessage } from "./sse_channel.ts";

/** What a stream is made of. */
export interface EventStreamOptions {
  system: InstanceSystem;
  clock: Clock;
  heartbeatMs: number;
  /** What may wait for the client; then the subscription ends, and begins again where it ended once half is read. */
  bufferBytes: number;
  /** Ends the stream when aborted. */
  closing?: AbortSignal;
  /** Called once, when the stream is over. */
  onEnd: () => void;
}

/**
 * Every event after `after`, as a stream. Its first message tells `after`, so that a client that loses the line before
 * the first event can resume too. Where the log was put back, or cannot be read further, the last message is `gap` or
 * `error`, and the stream is over: nobody waits for what will not come.
 * @throws {OperationalError} what `observe` throws: `log_truncated` when the position lies before the log's begin
 */
export async function openEventStream(
  options: EventStreamOptions,
  after: Position,
): Promise<ReadableStream<Uint8Array>> {
  const feed = new Feed(options, after);
  await feed.subscribe();
  return feed.stream;
}

class Feed {
  private readonly channel: SseChannel;
  private subscription: Subscription | null = null;
  /** Of the present subscription. What a former one still delivers is left to this one. */
  private asking = new AbortController();
  private isPaused = false;
  private isOver = false;
  private readonly end = () => this.finish(true);
  /** Also while the subscription is paused: the client would else go on in another history. */
  private readonly watching: Subscription;

  constructor(private readonly options: EventStreamOptions, private last: Position) {
    this.channel = new SseChannel({
      ...options,
      pull: () => this.resume(),
      cancel: () => this.finish(false),
    });
    this.channel.send(`retry: 2000\n${sseMessage("connected", last, { position: last })}`);
    this.watching = options.system.watchHistory((broken) => this.breakOff(broken));
    options.closing?.addEventListener("abort", this.end);
    if (options.closing?.aborted) this.finish(true);
  }

  get stream(): ReadableStream<Uint8Array> {
    return this.channel.stream;
  }

  async subscribe(): Promise<void> {
    if (this.isOver) return;
    const asking = this.asking = new AbortController();
    this.isPaused = false;
    try {
      const opened = await this.options.system.observe(
        (events) => this.take(events, asking.signal),
        this.last,
        asking.signal,
      );
      if (asking.signal.aborted) opened.close();
      else this.subscription = opened;
    } catch (error) {
      this.finish(true);
      throw error;
    }
  }

  private take(events: RecordedEvent[], signal: AbortSignal): void {
    for (const event of events) {
      if (signal.aborted) return;
      if (comparePositions(event.position, this.last) <= 0) continue;
      this.last = event.position;
      this.channel.send(sseMessage(event.type, event.position, eventView(event)));
      if (this.channel.room <= 0) this.pause();
    }
  }

  private pause(): void {
    this.isPaused = true;
    this.unsubscribe();
  }

  /** The abort reaches a log that is still catching up, where there is no subscription to close yet. */
  private unsubscribe(): void {
    this.asking.abort();
    this.subscription?.close();
    this.subscription = null;
  }

  /** The stream calls this whenever the client has read something. */
  private async resume(): Promise<void> {
    if (!this.isPaused || this.isOver || this.channel.room < this.options.bufferBytes / 2) return;
    try {
      await this.subscribe();
    } catch {
      // The stream has ended; the client resumes with the last id and is told the reason then.
    }
  }

  private breakOff(broken: HistoryBreak): void {
    if (this.isOver) return;
    const { type, resumeAfter, data } = historyBreakView(broken, this.last);
    this.channel.send(sseMessage(type, resumeAfter, data));
    this.finish(true);
  }

  private finish(closesStream: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.unsubscribe();
    this.watching.close();
    this.options.closing?.removeEventListener("abort", this.end);
    this.channel.end(!closesStream);
    this.options.onEnd();
  }
}
