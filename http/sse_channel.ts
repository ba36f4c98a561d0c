/** Server-sent events on their way to one client: a bounded buffer, and a sign of life while nothing is told. */
import type { Clock } from "../events/clock.ts";

/** What a channel is made of. */
export interface SseChannelOptions {
  clock: Clock;
  heartbeatMs: number;
  /** The sign of life, where it is not the usual one. */
  heartbeat?(): string;
  /** What may wait for the client; `room` is what is left of it. */
  bufferBytes: number;
  /** Called while there is room, one call after the other, from the channel's making on. */
  pull(): Promise<void>;
  /** The client has gone away. */
  cancel(): void;
}

export class SseChannel {
  readonly stream: ReadableStream<Uint8Array>;
  private controller!: ReadableStreamDefaultController<Uint8Array>;
  private cancelHeartbeat = () => {};
  private readonly encoder = new TextEncoder();

  constructor(private readonly options: SseChannelOptions) {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
      },
      pull: () => options.pull(),
      cancel: () => options.cancel(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: options.bufferBytes }));
    this.beat();
  }

  /** Bytes; 0 or less: the client has not read what it was told. */
  get room(): number {
    return this.controller.desiredSize ?? 0;
  }

  send(text: string): void {
    this.sendBytes(this.encoder.encode(text));
  }

  /** The bytes may be shared with other channels: nobody changes them. */
  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.controller.enqueue(bytes);
  }

  /** Nothing more is told. `isGone`: there is nobody to tell the end to. */
  end(isGone: boolean): void {
    this.cancelHeartbeat();
    if (!isGone) this.controller.close();
  }

  /** Nothing more is told, and what waits for the client is dropped. */
  breakOff(reason: string): void {
    this.cancelHeartbeat();
    this.controller.error(new Error(reason));
  }

  private beat(): void {
    this.cancelHeartbeat = this.options.clock.after(this.options.heartbeatMs, () => {
      if (this.room > 0) this.send(this.options.heartbeat?.() ?? ": heartbeat\n\n");
      this.beat();
    });
  }
}

/** One message; without an id a client that comes back goes on after the message before. */
export function sseMessage(type: string, id: string | null, data: unknown): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The answer that carries it; null for a request without a body to read. */
export function streamResponse(
  stream: ReadableStream<Uint8Array> | null,
  contentType = "text/event-stream",
): Response {
  return new Response(stream, {
    // Proxies that collect answers before they pass them on would hold messages back.
    headers: { "content-type": contentType, "x-accel-buffering": "no" },
  });
}
