/** Reply channels: one pattern subscription for all requests of this process, there before any of them is sent. Design §5. */
import type { Clock } from "../../events/clock.ts";
import type { PendingReply } from "../../events/command_bus.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Ids } from "../../events/ids.ts";
import { upcast } from "../../events/upcast.ts";
import { within } from "./redis_event_feed.ts";
import type { RedisConnection } from "./redis_connection.ts";
import type { RedisLink } from "./redis_link.ts";

const SUBSCRIBED_WITHIN_MS = 3_000;
const RETRY_MS = 500;

/** Hears messages on channels that begin with this process's own name. */
export class ReplyChannels {
  private readonly listeners = new Map<string, (message: string) => void>();
  private readonly name: string;
  private subscriber: RedisConnection | null = null;
  /** Ends when the subscriber listens, or is refused; another one after each loss and each refusal. */
  private listening = endingLater();
  private hears = false;
  private cancelRetry: (() => void) | null = null;

  constructor(
    private readonly link: RedisLink,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.name = ids.next("reply");
  }

  /** A reply that is listened to from now on. */
  async expect(platform: string): Promise<PendingReply> {
    const { promise, resolve } = Promise.withResolvers<RecordedEvent>();
    const heard = await this.listen(platform, (message) => {
      const event = replyIn(message);
      if (event) resolve(event);
    });
    return { replyChannel: heard.channel, ended: promise, close: heard.close };
  }

  /** Calls `hear` with each message on a new channel. */
  async listen(
    platform: string,
    hear: (message: string) => void,
  ): Promise<{ channel: string; close(): void }> {
    await this.ready();
    const channel = this.link.keys.replyChannel(platform, `${this.name}.${this.ids.next("reply")}`);
    this.listeners.set(channel, hear);
    return { channel, close: () => void this.listeners.delete(channel) };
  }

  /** Waits until this process listens; a lost connection is renewed by itself, and what it missed is in the log. */
  private async ready(): Promise<void> {
    if (this.link.away() !== null) await this.link.ask("PING");
    this.subscriber ??= this.open();
    try {
      await within(this.clock, this.listening.promise, SUBSCRIBED_WITHIN_MS);
    } catch (cause) {
      throw new OperationalError(
        "log_unavailable",
        "Redis does not let this process listen for replies.",
        true,
        "Ask again in a moment; if it stays so, check the ACL's channels (docs/security.md).",
        { cause },
      );
    }
  }

  private open(): RedisConnection {
    const subscriber = this.link.open("replies");
    subscriber.on("pmessage", (_pattern: string, channel: string, message: string) => {
      this.listeners.get(channel)?.(message);
    });
    // By itself ioredis would do so once, and with a failure that nobody can handle.
    subscriber.on("ready", () => void this.subscribe(subscriber));
    subscriber.on("close", () => {
      this.cancelRetry?.();
      if (this.hears) this.listening = endingLater();
      this.hears = false;
    });
    return subscriber;
  }

  /** In each session of the connection, since Redis forgets a subscription with it; again while it is refused. */
  private async subscribe(subscriber: RedisConnection): Promise<void> {
    try {
      const subscribing = subscriber.psubscribe(this.link.keys.replyPattern(this.name));
      await within(this.clock, subscribing, SUBSCRIBED_WITHIN_MS);
      this.hears = true;
      this.listening.resolve();
    } catch (error) {
      // Lost: it subscribes when it is ready again, and who waits for that waits on.
      if (subscriber.status !== "ready") return;
      this.listening.reject(error);
      this.listening = endingLater();
      this.cancelRetry = this.clock.after(RETRY_MS, () => void this.subscribe(subscriber));
    }
  }
}

/** A promise of which nobody need be told. */
function endingLater(): PromiseWithResolvers<void> {
  const later = Promise.withResolvers<void>();
  later.promise.catch(() => {});
  return later;
}

/**
 * The event that a reply carries. Null for one of a newer release, and for what is none, since anybody may publish: the
 * log's tail tells whoever waits.
 */
function replyIn(message: string): RecordedEvent | null {
  try {
    return upcast(JSON.parse(message));
  } catch {
    return null;
  }
}
