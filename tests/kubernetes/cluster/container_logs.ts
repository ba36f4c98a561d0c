/** What a container wrote, with the time of each line, and how a kubelet gives it out. */

interface LoggedLine {
  /** RFC 3339 with nine digits. */
  time: string;
  text: string;
}

/** How a log is asked for: the parameters of `GET …/pods/NAME/log`. */
export interface LogQuery {
  follow: boolean;
  timestamps: boolean;
  tailLines: number | null;
  limitBytes: number | null;
  /** Epoch milliseconds. */
  sinceMs: number | null;
}

/** A real kubelet turns files over; this one forgets the oldest lines. */
const CHARACTERS_MAX = 10_000_000;

/** Of `FallbackToLogsOnError`. */
const TAIL_LINES = 80;
const TAIL_CHARACTERS = 2_048;

/** The lines of one run of a container. */
export class ContainerLog {
  readonly #lines: LoggedLine[] = [];
  readonly #listeners = new Set<() => void>();
  #characters = 0;
  #forgotten = 0;
  #lastMicros = 0;
  #isEnded = false;

  /** Keeps a stream's lines until it ends. */
  async keep(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#add(part);
    }
    if (rest !== "") this.#add(rest);
  }

  /** Nothing more will come: those who follow are done. */
  end(): void {
    this.#isEnded = true;
    this.#tell();
  }

  /** The log as asked for; when followed, until the container ends or the reader goes. */
  read(query: LogQuery): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let left = query.limitBytes ?? Infinity;
    let next = this.#forgotten + this.#firstOf(query);
    let wake: (() => void) | null = null;
    return new ReadableStream({
      pull: async (controller) => {
        for (;;) {
          const line = this.#lines[Math.max(0, next - this.#forgotten)];
          if (line && left > 0) {
            next = Math.max(next, this.#forgotten) + 1;
            const bytes = encoder.encode(
              `${query.timestamps ? `${line.time} ` : ""}${line.text}\n`,
            ).slice(0, left);
            left -= bytes.length;
            controller.enqueue(bytes);
            return;
          }
          if (!query.follow || this.#isEnded || left <= 0) {
            controller.close();
            return;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
            this.#listeners.add(resolve);
          });
        }
      },
      cancel: () => {
        if (wake) this.#listeners.delete(wake);
      },
    });
  }

  /** The end of it, as it is told of a container that failed. */
  tail(): string {
    const lines = this.#lines.slice(-TAIL_LINES).map(({ text }) => `${text}\n`);
    return lines.join("").slice(-TAIL_CHARACTERS);
  }

  #firstOf({ tailLines, sinceMs }: LogQuery): number {
    const since = sinceMs === null
      ? 0
      : this.#lines.findIndex(({ time }) => Date.parse(time) >= sinceMs);
    const first = since < 0 ? this.#lines.length : since;
    return tailLines === null ? first : Math.max(first, this.#lines.length - tailLines);
  }

  #add(text: string): void {
    this.#lines.push({ time: this.#now(), text });
    this.#characters += text.length;
    while (this.#characters > CHARACTERS_MAX) {
      this.#characters -= this.#lines.shift()?.text.length ?? 0;
      this.#forgotten++;
    }
    this.#tell();
  }

  /** Each line has a time of its own, so that a reader can go on where it was. */
  #now(): string {
    const micros = Math.floor((performance.timeOrigin + performance.now()) * 1_000);
    this.#lastMicros = Math.max(micros, this.#lastMicros + 1);
    const seconds = new Date(this.#lastMicros / 1_000).toISOString().slice(0, 19);
    return `${seconds}.${String(this.#lastMicros % 1_000_000).padStart(6, "0")}000Z`;
  }

  #tell(): void {
    const waiting = [...this.#listeners];
    this.#listeners.clear();
    for (const wake of waiting) wake();
  }
}
