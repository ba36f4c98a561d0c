/** Reads server-sent events from a response, one message at a time. */

export interface ServerSentEvent {
  id: string;
  event: string;
  // deno-lint-ignore no-explicit-any -- events of every shape
  data: any;
}

/** Messages as they come; comments (`: heartbeat`) are counted. */
export class EventReader {
  comments = 0;
  private buffer = "";
  private readonly decoder = new TextDecoder();
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    if (response.body === null) throw new Error("the answer has no stream");
    this.reader = response.body.getReader();
  }

  /** The next message; null when the stream has ended. */
  async next(): Promise<ServerSentEvent | null> {
    for (;;) {
      const end = this.buffer.indexOf("\n\n");
      if (end < 0) {
        if (!await this.fill()) return null;
        continue;
      }
      const lines = this.buffer.slice(0, end).split("\n");
      this.buffer = this.buffer.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
      if (lines[0]?.startsWith(":")) this.comments++;
      else return { id: field("id"), event: field("event"), data: JSON.parse(field("data")) };
    }
  }

  async take(count: number): Promise<ServerSentEvent[]> {
    const messages = [];
    for (let at = 0; at < count; at++) {
      const message = await this.next();
      if (message === null) throw new Error(`the stream ended after ${at} of ${count} messages`);
      messages.push(message);
    }
    return messages;
  }

  /** Reads until a comment comes. */
  async nextComment(): Promise<void> {
    while (!this.buffer.includes(": heartbeat\n\n")) {
      if (!await this.fill()) throw new Error("the stream ended");
    }
  }

  /** Reads until a heart-beat comes that has an id, and gives that. */
  async nextHeartbeatId(): Promise<string> {
    const beat = /: heartbeat\nid: (.*)\n\n/;
    while (!beat.test(this.buffer)) {
      if (!await this.fill()) throw new Error("the stream ended");
    }
    return beat.exec(this.buffer)![1]!;
  }

  async close(): Promise<void> {
    await this.reader.cancel();
  }

  private async fill(): Promise<boolean> {
    const { done, value } = await this.reader.read();
    if (done) return false;
    this.buffer += this.decoder.decode(value, { stream: true });
    return true;
  }
}
