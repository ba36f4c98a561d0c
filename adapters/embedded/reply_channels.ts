/** Who waits for which reply. A reply that nobody waits for is dropped: the log has the fact. */
import type { PendingReply } from "../../events/command_bus.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { Ids } from "../../events/ids.ts";

export class ReplyChannels {
  readonly #waiting = new Map<string, (event: RecordedEvent) => void>();

  constructor(private readonly ids: Ids) {}

  /** Listens on a new channel from now on. */
  open(platform: string): PendingReply {
    const replyChannel = `instance.commands.${platform}.response.${this.ids.next("reply")}`;
    const { promise, resolve } = Promise.withResolvers<RecordedEvent>();
    this.#waiting.set(replyChannel, resolve);
    return {
      replyChannel,
      ended: promise,
      close: () => {
        this.#waiting.delete(replyChannel);
      },
    };
  }

  publish(channel: string, event: RecordedEvent): void {
    const resolve = this.#waiting.get(channel);
    if (!resolve) return;
    this.#waiting.delete(channel);
    resolve(event);
  }
}
