/** A reader of the event stream of an embedded log, whose positions are counted numbers: it finds each gap and each repeat. */

const RETRY_MS = 200;
const ID = "id: ";
const DECODER = new TextDecoder();
const CONNECTED = "event: connected";

export class StreamReader {
  /** The number of the last event that was heard. */
  last = 0;
  /** The first thing that was wrong. */
  fault: string | null = null;
  connections = 0;
  private lastId: string | null = null;
  private readonly leaving = new AbortController();

  /** @param url where the control plane is now */
  constructor(private readonly url: () => string) {}

  /** Follows until `leave`, over broken connections. */
  async follow(): Promise<void> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      try {
        await this.oneConnection(signal);
      } catch (error) {
        if (!(error instanceof TypeError) && !signal.aborted) this.fault ??= String(error);
      }
      if (!signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS * (0.5 + Math.random())));
      }
    }
  }

  leave(): void {
    this.leaving.abort();
  }

  private async oneConnection(signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.url()}/api/events?after=0-0`, {
      headers: this.lastId === null ? {} : { "last-event-id": this.lastId },
      signal,
    });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    this.connections++;
    const body = response.body!.getReader();
    // By hand: the signal of a request does not always end the reading of what was answered.
    const leave = () => void body.cancel().catch(() => {});
    signal.addEventListener("abort", leave);
    try {
      await this.readAll(body);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  private async readAll(body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    // All of it is ASCII: no character is parted, and one decoder does for all readers.
    let text = "";
    for (let piece = await body.read(); !piece.done; piece = await body.read()) {
      text += DECODER.decode(piece.value);
      const end = text.lastIndexOf("\n\n");
      if (end < 0) continue;
      this.take(text.slice(0, end + 2));
      text = text.slice(end + 2);
    }
  }

  /** Whole messages: those with an id are read as far as their first two lines. */
  private take(text: string): void {
    for (let at = text.indexOf(ID); at >= 0;) {
      const end = text.indexOf("\n", at);
      const id = text.slice(at + ID.length, end);
      this.hear(id, text.startsWith(CONNECTED, end + 1));
      const next = text.indexOf("\n\n", end);
      at = text.indexOf(ID, next);
    }
  }

  private hear(id: string, isConnected: boolean): void {
    const number = parseInt(id.slice(id.indexOf(":") + 1), 10);
    if (number !== this.last + (isConnected ? 0 : 1)) {
      this.fault ??= `after ${this.last} came ${isConnected ? "a connection at" : ""} ${id}`;
    }
    this.last = number;
    this.lastId = id;
  }
}
