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

/** Hears messages on channels that begin with this process's own name. */
export class ReplyChannels {
  private readonly listeners = new Map<string, (message: string) => void>();
  private readonly name: string;
  private subscriber: RedisConnection | null = null;
  private subscribed: Promise<unknown> | null = null;

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

  /** Begins to listen; a lost connection is renewed by itself, and what it missed is in the log. */
  private ready(): Promise<unknown> {
    const away = this.link.away();
    if (away !== null) return this.link.ask("PING");
    return this.subscribed ??= this.subscribe().catch((error) => {
      this.subscribed = null;
      throw error;
    });
  }

  private async subscribe(): Promise<void> {
    this.subscriber ??= this.link.open("replies");
    this.subscriber.on("pmessage", (_pattern: string, channel: string, message: string) => {
      this.listeners.get(channel)?.(message);
    });
    try {
      const subscribing = this.subscriber.psubscribe(this.link.keys.replyPattern(this.name));
      await within(this.clock, subscribing, SUBSCRIBED_WITHIN_MS);
    } catch (cause) {
      this.subscriber.disconnect();
      this.subscriber = null;
      throw new OperationalError(
        "log_unavailable",
        "Redis does not let this process listen for replies.",
        true,
        "Ask again in a moment; if it stays so, check the ACL's channels (docs/security.md).",
        { cause },
      );
    }
  }
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
