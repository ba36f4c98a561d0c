/** The release of a server's program, for display: asked once for each file, since each question is a process. */
import type { Clock } from "../../events/clock.ts";
import { askShell } from "./asked_shell.ts";

const ANSWER_WITHIN_MS = 5_000;
/** `drasi-server 0.2.2`: the name, then the version. */
const VERSION_LINE = /^\S+ v?(\d[0-9A-Za-z.+-]{0,63})/;

/** What a program says of itself. */
export interface ProgramRelease {
  version: string;
  /** It says that it stands in for another. */
  isStandIn: boolean;
}

/** Asks programs for their versions. */
export class ProgramReleases {
  readonly #clock: Clock;
  readonly #searchPath: string;
  readonly #known = new Map<string, Promise<ProgramRelease | null>>();

  constructor(clock: Clock, searchPath: string) {
    this.#clock = clock;
    this.#searchPath = searchPath;
  }

  /** The release of the program at this absolute path; null where it does not tell. A file that was replaced is asked anew. */
  async of(path: string): Promise<ProgramRelease | null> {
    const { mtime, size, ino } = await Deno.stat(path);
    const key = `${path} ${mtime?.getTime()} ${size} ${ino}`;
    const known = this.#known.get(key);
    if (known) return await known;
    this.#known.clear();
    const asked = this.#ask(path);
    this.#known.set(key, asked);
    return await asked;
  }

  async #ask(path: string): Promise<ProgramRelease | null> {
    const { lines: [first = ""], isSuccess } = await askShell(this.#clock, {
      script: 'exec "$1" --version',
      args: [path],
      searchPath: this.#searchPath,
      withinMs: ANSWER_WITHIN_MS,
    });
    const [, version] = VERSION_LINE.exec(first) ?? [];
    if (!isSuccess || version === undefined) return null;
    return { version, isStandIn: first.includes("STAND-IN") };
  }
}
