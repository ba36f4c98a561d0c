/** A folder that is a small disk of its own where the user may mount, so that it can become full and have room again. */
import { canMount, fillDisk, smallDisk } from "../../e2e/support/mounts.ts";

/** Room for the log of some hours, so that only a fault makes it full. */
const KIB = 256 * 1024;

/** Whether there can be full disks. */
export const hasSmallDisks: boolean = canMount;

/** The disk of one part. Without the right to mount it is a folder that never becomes full. */
export class SmallDisk {
  readonly #mounted: Disposable | null;
  isFull = false;

  constructor(readonly folder: string) {
    Deno.mkdirSync(folder, { recursive: true });
    this.#mounted = hasSmallDisks ? smallDisk(folder, KIB) : null;
  }

  /** From now on nothing more can be written, until `free`. */
  fill(): void {
    this.isFull = true;
    fillDisk(this.#filler);
  }

  free(): void {
    if (!this.isFull) return;
    Deno.removeSync(this.#filler);
    this.isFull = false;
  }

  /** Takes it away; what lay on it is gone. */
  close(): void {
    this.#mounted?.[Symbol.dispose]();
  }

  get #filler(): string {
    return `${this.folder}/filler`;
  }
}
