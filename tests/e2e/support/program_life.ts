/** One life of a program as its users start it: a child process with the permissions of its task. */

/** What a run of the program came to. */
export interface ProgramEnd {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

const ROOT = new URL("../../../", import.meta.url);
/** Of the program. */
export const ROOT_FOLDER = decodeURIComponent(ROOT.pathname);
const POLICY = decodeURIComponent(new URL("../../support/worker.yaml", import.meta.url).pathname);
const HEARD_WITHIN_MS = 60_000;

/** One life of a program. */
export class ProgramLife {
  readonly ended: Promise<ProgramEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #listeners = new Set<() => void>();
  #stdout = "";
  #stderr = "";
  #hasEnded = false;

  /**
   * @param task a name in `deno.json`
   * @param root the folder of the program
   */
  constructor(
    task: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    root: string = ROOT_FOLDER,
  ) {
    const env = withDenoFolder({ ...hostEnvironment(), ...ownSettings(task), ...environment });
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...taskArguments(task, env), ...args],
      cwd: root,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const heard = [
      this.#collect(this.#child.stdout, (text) => this.#stdout += text),
      this.#collect(this.#child.stderr, (text) => this.#stderr += text),
    ];
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      await Promise.all(heard);
      this.#hasEnded = true;
      this.#tellListeners();
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it has said so far, on both streams. */
  get output(): string {
    return this.#stdout + this.#stderr;
  }

  /** Waits until it has said something that matches; gives the match. */
  async hears(pattern: RegExp): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.output);
      if (match) found.resolve(match);
      else if (this.#hasEnded) {
        found.reject(new Error(`it ended without ${pattern}: ${this.output}`));
      }
    };
    const limit = setTimeout(
      () => found.reject(new Error(`not in time: ${pattern} in ${this.output}`)),
      HEARD_WITHIN_MS,
    );
    this.#listeners.add(look);
    try {
      look();
      return await found.promise;
    } finally {
      clearTimeout(limit);
      this.#listeners.delete(look);
    }
  }

  /** Sends it a signal, if it is still there. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Ends it by a signal; gives what it said. */
  async end(signal: Deno.Signal): Promise<ProgramEnd> {
    this.signal(signal);
    return await this.ended;
  }

  async #collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      take(decoder.decode(bytes, { stream: true }));
      this.#tellListeners();
    }
  }

  #tellListeners(): void {
    for (const look of this.#listeners) look();
  }
}

/** What the task runs, without the `deno` before it; as the shell of tasks takes it apart. */
function taskArguments(task: string, { HOME = "" }: Readonly<Record<string, string>>): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  return (tasks[task] as string).split(" ").slice(1)
    .map((word) => word.replaceAll('"', "").replaceAll("$HOME", HOME));
}

/** A worker of tests may run any program, and all speak as they do in a terminal, unless a test says otherwise. */
function ownSettings(task: string): Record<string, string> {
  return {
    DRAAS_LOG_FORMAT: "text",
    ...task === "worker:process" ? { DRAAS_WORKER_POLICY: POLICY } : {},
  };
}

/** Deno's own folder is the host's, also for a program that is given another home. */
function withDenoFolder(environment: Record<string, string>): Record<string, string> {
  const home = Deno.env.get("HOME") ?? "";
  if (environment.DENO_DIR !== undefined || environment.HOME === home) return environment;
  return { ...environment, DENO_DIR: `${home}/.cache/deno` };
}

/** None of the settings of whoever runs the tests. */
function hostEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "TMPDIR"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
