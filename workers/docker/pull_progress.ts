/** How far the pull of an image is, in words. Pure. */

/** One line of what the daemon tells of a pull: Docker Engine API, "Create an image". */
export interface LayerNews {
  status?: string;
  /** The layer; absent: it is about the image. */
  id?: string;
  progressDetail?: { current?: number; total?: number };
  /** It has failed: nothing else says so once the answer has begun. */
  error?: string;
}

const MEGABYTE = 1_000_000;
const DONE: readonly string[] = ["Pull complete", "Already exists"];

/** Adds up what is told of each layer. */
export class PullProgress {
  readonly #layers = new Map<string, { bytes: number; total: number; isDone: boolean }>();

  constructor(private readonly image: string) {}

  /** `pulling redis:7: 3 of 6 layers, 12.4 of 40.1 MB`. */
  hear({ status = "", id, progressDetail }: LayerNews): string {
    if (id !== undefined && !status.startsWith("Pulling from")) {
      const layer = this.#layers.get(id) ?? { bytes: 0, total: 0, isDone: false };
      // Of what is unpacked, other bytes are counted.
      const isDownload = status === "Downloading";
      const { current, total } = progressDetail ?? {};
      this.#layers.set(id, {
        bytes: isDownload ? current ?? layer.bytes : layer.bytes,
        total: isDownload ? total ?? layer.total : layer.total,
        isDone: layer.isDone || DONE.includes(status),
      });
    }
    return this.#words();
  }

  #words(): string {
    const layers = [...this.#layers.values()];
    if (layers.length === 0) return `pulling ${this.image}`;
    const done = layers.filter(({ isDone }) => isDone).length;
    const total = sum(layers.map((layer) => layer.total));
    const bytes = sum(layers.map((layer) => layer.isDone ? layer.total : layer.bytes));
    const size = total === 0 ? "" : `, ${megabytes(bytes)} of ${megabytes(total)} MB`;
    return `pulling ${this.image}: ${done} of ${layers.length} layers${size}`;
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
