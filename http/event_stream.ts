/** The fleet's log as a stream to one client: in order, without gaps or repeats, at the client's pace. Design §6. */
import type { HistoryBreak, InstanceSystem } from "../actors/system_port.ts";
import { type Clock, sleep } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { Subscription } from "../events/event_log.ts";
import { type EventFilter, filtered } from "./event_filter.ts";
import type { EventFormat } from "./event_format.ts";
import type { Place } from "./event_id.ts";
import { type EventPage, type EventPages, inARow } from "./event_pages.ts";
import { historyBreakView } from "./history_break_view.ts";
import { SseChannel } from "./sse_channel.ts";

/** What a stream is made of. */
export interface EventStreamOptions {
  system: InstanceSystem;
  pages: EventPages;
  format: EventFormat;
  /** Absent: everything is told. */
  filter?: EventFilter;
  clock: Clock;
  heartbeatMs: number;
  /** What may wait for the client, and a page more; the pages themselves are shared. */
  bufferBytes: number;
  /** A client that has something to read, and reads nothing for so long, is let go. */
  stalledMs: number;
  /** Ends the stream when aborted. */
  closing?: AbortSignal;
  /** Called once, when the stream is over. */
  onEnd: () => void;
  onBug: (error: unknown) => void;
}

/**
 * Every event after `place`, as a stream. Its first message tells the place, so that a client that loses the line before
 * the first event can resume too. Where the log was put back or cannot be read further, or the client does not read, the
 * last message is `gap` or `error`, and the stream is over: nobody waits for what will not come.
 * @throws {OperationalError} `log_truncated` when the place lies before the log's begin
 */
export async function openEventStream(
  options: EventStreamOptions,
  place: Place,
): Promise<ReadableStream<Uint8Array>> {
  return await new EventStream(options, place).open();
}

class EventStream {
  private channel: SseChannel | null = null;
  private isOver = false;
  /** It was told that it reads too slowly. */
  private isDropped = false;
  /** What has happened to the log before there was a client to tell it to. */
  private broken: HistoryBreak | null = null;
  /** The id that the client knows. */
  private toldId: string;
  private stopWaiting = () => {};
  private cancelStall = () => {};
  private readonly close = () => this.finish("closed");
  /** Also while nothing is read: the client would else go on in another history. */
  private readonly watching: Subscription;

  constructor(private readonly options: EventStreamOptions, private at: Place) {
    this.toldId = at.id;
    this.watching = options.system.watchHistory((broken) => this.breakOff(broken));
  }

  async open(): Promise<ReadableStream<Uint8Array>> {
    const { pages, format, closing } = this.options;
    try {
      await pages.enter();
      // What the client must be told in another way than by a stream: that this was cut, that the log is away.
      await pages.after(this.at.position);
    } catch (error) {
      this.finish("gone");
      throw error;
    }
    const channel = this.channel = new SseChannel({
      ...this.options,
      heartbeat: () => this.heartbeat(),
      pull: () => this.pull(),
      cancel: () => this.finish("gone"),
    });
    const { id, position } = this.at;
    channel.send(format.preamble + format.message("connected", id, { position }));
    closing?.addEventListener("abort", this.close);
    if (this.broken) this.breakOff(this.broken);
    if (closing?.aborted) this.finish("closed");
    return channel.stream;
  }

  /** The stream calls this while there is room, one call after the other. */
  private async pull(): Promise<void> {
    this.cancelStall();
    if (this.isDropped) return this.finish("closed");
    try {
      while (!this.isOver) {
        const page = await this.nextPage();
        if (page && await this.tell(page)) return;
      }
    } catch (error) {
      // The log is away, or was cut: the client resumes with its last id, and is told the reason then.
      this.finish("closed");
      if (!(error instanceof OperationalError)) this.options.onBug(error);
    }
  }

  /** Null when the stream is over. */
  private async nextPage(): Promise<EventPage | null> {
    const { pages } = this.options;
    while (!this.isOver) {
      const { heard } = pages;
      const page = await pages.after(this.at.position);
      if (page) return page;
      const { arrived, stop } = pages.newsSince(heard);
      this.stopWaiting = stop;
      await arrived;
    }
    return null;
  }

  /** Whether anything of it was for this client. */
  private async tell({ frames, bytes, last, lastId }: EventPage): Promise<boolean> {
    const { filter, system, clock, stalledMs } = this.options;
    const some = filter ? await filtered(frames, filter, system) : frames;
    if (this.isOver) return false;
    this.at = { id: lastId, position: last };
    if (some.length === 0) {
      // A long log of others must not keep everybody waiting.
      await sleep(clock, 0);
      return false;
    }
    this.channel!.sendBytes(some.length === frames.length ? bytes : inARow(some));
    this.toldId = lastId;
    if (this.channel!.room <= 0) this.cancelStall = clock.after(stalledMs, () => this.drop());
    return true;
  }

  private heartbeat(): string {
    const id = this.at.id === this.toldId ? null : this.at.id;
    this.toldId = this.at.id;
    return this.options.format.heartbeat(id);
  }

  /** What it has not read yet stays for it to read, and then it hears why that is all; but not for ever. */
  private drop(): void {
    const { stalledMs, clock } = this.options;
    this.isDropped = true;
    this.tellLast("error", this.at.id, {
      position: this.at.position,
      code: "slow_reader",
      detail: `Nothing was read for ${stalledMs / 1_000} s.`,
      retryable: true,
      hint: "Go on with Last-Event-ID, and read faster; ?instance=, type= and label= tell less.",
    });
    this.cancelStall = clock.after(stalledMs, () => this.finish("cut off"));
  }

  private breakOff(broken: HistoryBreak): void {
    if (this.isOver) return;
    this.broken = broken;
    if (!this.channel) return;
    const { type, resumeAfter, data } = historyBreakView(broken, this.at.position);
    this.tellLast(type, broken.kind === "unreadable" ? this.at.id : resumeAfter, data);
    this.finish("closed");
  }

  private tellLast(type: string, id: string, data: unknown): void {
    this.channel?.send(this.options.format.message(type, id, data));
  }

  private finish(end: "closed" | "gone" | "cut off"): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelStall();
    this.stopWaiting();
    this.watching.close();
    this.options.closing?.removeEventListener("abort", this.close);
    if (end === "cut off") this.channel?.breakOff("the client reads too slowly");
    else this.channel?.end(end === "gone");
    this.options.pages.leave();
    this.options.onEnd();
  }
}
