/** The parent's hold on one life of the control plane: opens it, arms it, asks it, and sees it die. */
import type { Position } from "../../events/envelope.ts";
import type { Armed } from "./kill_points.ts";
import { linesOf, type VictimOrder, type VictimReport, type VictimWord } from "./victim.ts";

const OPEN_WITHIN_MS = 30_000;

/** How a life ended. */
export interface VictimEnd {
  signal: Deno.Signal | null;
  code: number;
}

/** One life. It stands by until `open`. */
export class VictimProcess {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #ready = Promise.withResolvers<{ url: string; site: string; tookMs: number } | null>();
  #reported: ((report: VictimReport | null) => void) | null = null;
  #isOver = false;
  /** What it told of faults in the program. */
  readonly bugs: string[] = [];
  readonly ended: Promise<VictimEnd>;

  constructor() {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--no-check", "--allow-all", VICTIM],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    const heard = this.#listen();
    this.ended = this.#child.status.then(async ({ signal, code }) => {
      this.#isOver = true;
      await heard;
      this.#ready.resolve(null);
      this.#reported?.(null);
      await this.#orders.abort().catch(() => undefined);
      return { signal, code };
    });
  }

  /** Opens the data folder; null when it was killed before it served. */
  async open(
    folders: { dataFolder: string; tools: string },
    armed: Armed | null,
  ): Promise<{ url: string; site: string; tookMs: number } | null> {
    this.#order({ open: folders, armed });
    const limit = setTimeout(() => this.kill(), OPEN_WITHIN_MS);
    const ready = await this.#ready.promise;
    clearTimeout(limit);
    return ready;
  }

  arm(armed: Armed): void {
    this.#order({ arm: armed });
  }

  /** What its log holds after a position; null when it died before it said so. One question at a time. */
  report(after: Position): Promise<VictimReport | null> {
    if (this.#isOver) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#reported = resolve;
      this.#order({ report: after });
    });
  }

  /** Ends it in order. */
  end(): void {
    this.#order({ end: true });
  }

  kill(): void {
    if (this.#isOver) return;
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It died by itself at this very moment.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #order(order: VictimOrder): void {
    // One that is dead hears nothing, and its death is what the caller sees.
    this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`)).catch(() => {});
  }

  async #listen(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) {
      const word = JSON.parse(line) as VictimWord;
      if ("ready" in word) this.#ready.resolve(word.ready);
      else if ("bug" in word) this.bugs.push(word.bug);
      else {
        const reported = this.#reported;
        this.#reported = null;
        reported?.(word.report);
      }
    }
  }
}

const VICTIM = decodeURIComponent(new URL("./victim.ts", import.meta.url).pathname);
