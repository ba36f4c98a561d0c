/**
 * Questions to a long-lived `sh` that runs one of our scripts. Deno refuses to touch `/proc`, `/sys` and other processes
 * unless it may do everything; through this, a worker needs to run `sh` and `setsid` only.
 */
import type { Clock } from "../../events/clock.ts";
import type { OperationalError } from "../../events/errors.ts";
import { readLines } from "./line_reader.ts";

/** No answer takes this long: the slowest reads each process's environment once. */
const ANSWER_WITHIN_MS = 15_000;

/** What the `sh` runs. */
export interface ShellScript {
  script: string;
  /** `$0`: what the process table shows it as. */
  name: string;
  /** `$1` */
  argument: string;
  /** The host's `PATH`. */
  path: string;
}

interface Question {
  line: string;
  answered: (lines: string[]) => void;
  lost: (error: OperationalError) => void;
}

/** One `sh` and the questions that it has not answered yet, in order. */
class Session {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting: Question[] = [];
  readonly finished: Promise<void>;
  isOver = false;

  constructor(shell: ShellScript, private readonly lost: () => OperationalError) {
    this.#child = new Deno.Command("sh", {
      args: ["-c", shell.script, shell.name, shell.argument],
      clearEnv: true,
      env: { PATH: shell.path, LC_ALL: "C" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
      // Ctrl-C in the worker's terminal is for the worker, which may need this to shut down.
      detached: true,
    }).spawn();
    this.#child.unref();
    this.#input = this.#child.stdin.getWriter();
    this.finished = this.#listen();
  }

  ask(question: Question): void {
    this.#waiting.push(question);
    this.#input.write(new TextEncoder().encode(question.line + "\n")).catch(() => this.end());
  }

  /** Ends the `sh`; what it has not answered is lost. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    // Whoever waits for its end holds the worker up for that long.
    this.#child.ref();
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself, which is what is wanted.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #listen(): Promise<void> {
    let lines: string[] = [];
    for await (const line of readLines(this.#child.stdout)) {
      if (line === ".") {
        this.#waiting.shift()?.answered(lines);
        lines = [];
      } else lines.push(line);
    }
    this.isOver = true;
    await this.#input.abort().catch(() => undefined);
    await this.#child.status;
    for (const question of this.#waiting.splice(0)) question.lost(this.lost());
  }
}

/** The `sh` starts with the first question, and again with the first one after it ended. */
export class ShellAnswers {
  #session: Session | null = null;
  #isClosed = false;

  /** @param lost what a question fails with whose `sh` ended before the answer */
  constructor(
    private readonly clock: Clock,
    private readonly shell: ShellScript,
    private readonly lost: () => OperationalError,
  ) {}

  /** The lines of the answer to a question of one line. */
  ask(line: string): Promise<string[]> {
    if (line.includes("\n")) throw new Error("a question to the shell is one line");
    if (this.#isClosed) return Promise.reject(this.lost());
    if (this.#session === null || this.#session.isOver) {
      this.#session = new Session(this.shell, this.lost);
    }
    const asked = this.#session;
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(ANSWER_WITHIN_MS, () => asked.end());
      asked.ask({
        line,
        answered: (lines) => (cancel(), resolve(lines)),
        lost: (error) => (cancel(), reject(error)),
      });
    });
  }

  /** Nothing is answered any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#session?.end();
    await this.#session?.finished;
  }
}
