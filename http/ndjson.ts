/** Lines of JSON on their way to one client, with a sign of life while nothing is told. */
import type { Clock } from "../events/clock.ts";
import type { JsonObject } from "../events/json.ts";

/** What a channel is made of. */
export interface NdjsonOptions {
  clock: Clock;
  heartbeatMs: number;
  /** The client has gone away. */
  onGone(): void;
}

/** One answer that is told line by line. What waits for its client is bounded by what there is to tell. */
export class NdjsonChannel {
  private readonly stream: ReadableStream<Uint8Array>;
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  private cancelHeartbeat = () => {};
  private isOver = false;
  private readonly encoder = new TextEncoder();

  constructor(private readonly options: NdjsonOptions) {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
      },
      cancel: () => {
        this.finish();
        options.onGone();
      },
    });
    this.beat();
  }

  /** One line; dropped where nobody reads any more. */
  send(line: JsonObject): void {
    if (!this.isOver) this.controller.enqueue(this.encoder.encode(`${JSON.stringify(line)}\n`));
  }

  /** That was all. */
  end(): void {
    if (this.isOver) return;
    this.finish();
    this.controller.close();
  }

  /** The answer that carries it. */
  response(): Response {
    return new Response(this.stream, {
      // Proxies that collect answers before they pass them on would hold lines back.
      headers: { "content-type": "application/x-ndjson", "x-accel-buffering": "no" },
    });
  }

  private finish(): void {
    this.isOver = true;
    this.cancelHeartbeat();
  }

  private beat(): void {
    this.cancelHeartbeat = this.options.clock.after(this.options.heartbeatMs, () => {
      this.send({ type: "heartbeat" });
      this.beat();
    });
  }
}
