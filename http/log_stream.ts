/** An instance's output as server-sent events: at the client's pace, within a bounded buffer, resumed on any node. */
import type { FollowedPage } from "../actors/system_port.ts";
import type { Clock } from "../events/clock.ts";
import { reasonOf } from "../events/errors.ts";
import type { OutputLine } from "../events/server_output.ts";
import { isoTime } from "./iso_time.ts";
import { SseChannel, sseMessage } from "./sse_channel.ts";

/** What a stream is made of. */
export interface LogStreamOptions {
  /** Begins to follow; ends when the signal is aborted. */
  follow(signal: AbortSignal): AsyncIterator<FollowedPage>;
  /** What is done to each line before it is told. */
  adapt(line: OutputLine): OutputLine;
  clock: Clock;
  heartbeatMs: number;
  /** What may wait for the client: while that is much, no more is asked of the worker. */
  bufferBytes: number;
  /** A client that reads nothing for so long is let go. */
  stalledMs: number;
  /** Ends the stream when aborted. */
  closing?: AbortSignal;
  /** Called once, when the stream is over. */
  onEnd: () => void;
}

/** A line as the API shows it; times are ISO 8601. */
export interface OutputLineView {
  stream: OutputLine["stream"];
  at: string | null;
  between?: string[];
  kind?: string;
  text: string;
}

/** `line` for a client. */
export function outputLineView(line: OutputLine): OutputLineView {
  const { stream, at, between, kind, text } = line;
  return {
    stream,
    at: at === null ? null : isoTime(at),
    ...(between ? { between: between.map(isoTime) } : {}),
    ...(kind === undefined ? {} : { kind }),
    text,
  };
}

/**
 * Pages as messages `lines`, each with the id to go on after; the last one is `end` (and why), or `error`.
 * @throws {OperationalError} when the first page cannot be had
 */
export async function openLogStream(
  options: LogStreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  return await new LogFeed(options).open();
}

class LogFeed {
  private readonly leaving = new AbortController();
  private readonly pages: AsyncIterator<FollowedPage>;
  private channel: SseChannel | null = null;
  private first: FollowedPage | null = null;
  private isOver = false;
  private cancelStall: (() => void) | null = null;
  private readonly close = () => this.finish(false);

  constructor(private readonly options: LogStreamOptions) {
    this.pages = options.follow(this.leaving.signal);
  }

  async open(): Promise<ReadableStream<Uint8Array>> {
    const { closing } = this.options;
    try {
      this.first = (await this.pages.next()).value ?? null;
    } catch (error) {
      this.finish(true);
      throw error;
    }
    // Only now: a stream asks for what comes next as soon as it is made.
    const channel = this.channel = new SseChannel({
      ...this.options,
      pull: () => this.pull(),
      cancel: () => this.finish(true),
    });
    closing?.addEventListener("abort", this.close);
    if (closing?.aborted) this.finish(false);
    return channel.stream;
  }

  private async pull(): Promise<void> {
    this.cancelStall?.();
    this.cancelStall = null;
    if (this.isOver) return;
    try {
      const page = this.first ?? (await this.pages.next()).value as FollowedPage | undefined;
      this.first = null;
      if (this.isOver) return;
      if (page) this.tell(page);
      else this.finish(false);
    } catch (error) {
      if (!this.isOver) this.fail("query_failed", reasonOf(error));
    }
  }

  private tell({ lines, position, end }: FollowedPage): void {
    const items = lines.map((line) => outputLineView(this.options.adapt(line)));
    // Also an empty first one: it says where the client is.
    this.channel?.send(sseMessage("lines", position, { items }));
    if (end !== null) {
      this.channel?.send(sseMessage("end", position, { reason: end }));
      return this.finish(false);
    }
    if (this.channel!.room > 0) return;
    const { clock, stalledMs } = this.options;
    const error = `Nothing was read for ${stalledMs / 1_000} s. Go on with Last-Event-ID.`;
    // What it has not read yet stays for it to read; then it hears why that is all.
    this.cancelStall = clock.after(stalledMs, () => this.fail("slow_reader", error));
  }

  private fail(code: string, error: string): void {
    this.channel?.send(sseMessage("error", null, { code, error }));
    this.finish(false);
  }

  private finish(isGone: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelStall?.();
    this.leaving.abort();
    this.options.closing?.removeEventListener("abort", this.close);
    this.channel?.end(isGone);
    this.options.onEnd();
  }
}
