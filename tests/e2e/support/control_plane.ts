/** The whole program as its users start it: a child process with the permissions of `deno task start`, and its API. */
import { endProcessesOf, type MarkedProcess, processesOf } from "../../support/marked_processes.ts";

/** What a run of the program came to. */
export interface ProgramEnd {
  code: number;
  signal: Deno.Signal | null;
  stdout: string;
  stderr: string;
}

/** An answer of the API with its body read. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- tests look into answers of every shape
  json: any;
}

const ROOT = new URL("../../../", import.meta.url);
const READY_WITHIN_MS = 60_000;

/** One life of the program. */
export class ControlPlane {
  readonly ended: Promise<ProgramEnd>;
  readonly #child: Deno.ChildProcess;
  readonly #url = Promise.withResolvers<string>();
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...startArguments(), ...args],
      cwd: decodeURIComponent(ROOT.pathname),
      clearEnv: true,
      env: { ...hostEnvironment(), ...environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const heard = [
      this.#collect(this.#child.stdout, (text) => {
        this.#stdout += text;
        const url = /^ {2}API +(\S+)/m.exec(this.#stdout)?.[1];
        if (url) this.#url.resolve(url);
      }),
      this.#collect(this.#child.stderr, (text) => this.#stderr += text),
    ];
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      await Promise.all(heard);
      const end = { code, signal, stdout: this.#stdout, stderr: this.#stderr };
      this.#url.reject(new Error(`the control plane ended with code ${code}: ${this.#stderr}`));
      return end;
    });
    // Whoever does not wait for its readiness waits for its end.
    this.#url.promise.catch(() => {});
  }

  /** Its address, once it serves. */
  async ready(): Promise<string> {
    const limit = setTimeout(
      () => this.#url.reject(new Error(`not ready in time: ${this.#stdout}${this.#stderr}`)),
      READY_WITHIN_MS,
    );
    try {
      return await this.#url.promise;
    } finally {
      clearTimeout(limit);
    }
  }

  /** `call("POST /api/server/instances", {…})`. */
  async call(
    line: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> {
    const [method = "GET", path = "/"] = line.split(" ");
    const response = await fetch(`${await this.ready()}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: text === "" ? null : JSON.parse(text),
    };
  }

  /** Ends it by a signal; gives what it said. */
  async end(signal: Deno.Signal): Promise<ProgramEnd> {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    return await this.ended;
  }

  async #collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
  }
}

/** A data folder of its own and the lives of the program on it. */
export interface ProgramWorld {
  folder: string;
  dataFolder: string;
  /** Starts the program on the data folder and waits until it serves. */
  start(...args: string[]): Promise<ControlPlane>;
  /** Starts it where it is not expected to serve, and waits for its end. */
  refused(...args: string[]): Promise<ProgramEnd>;
  /** The live servers of this data folder; no shims. */
  servers(): MarkedProcess[];
}

/** Runs `test` in a new folder; ends every program and every server that it started. */
export async function withProgram(test: (world: ProgramWorld) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-e2e-" });
  const dataFolder = `${folder}/data`;
  const lives: ControlPlane[] = [];
  // It outlives the folder's contents, which a test may spoil or hide.
  const sites = new Set<string>();
  const begin = (args: string[]) => {
    const life = new ControlPlane(["--port", "0", "--data-dir", dataFolder, ...args]);
    lives.push(life);
    return life;
  };
  const site = () => {
    const id = siteOf(dataFolder);
    if (id !== null) sites.add(id);
    return id;
  };
  try {
    await test({
      folder,
      dataFolder,
      async start(...args) {
        const life = begin(args);
        await life.ready();
        site();
        return life;
      },
      refused: (...args) => begin(args).ended,
      servers: () => processesOf(site() ?? "none").filter(({ isShim }) => !isShim),
    });
  } finally {
    for (const life of lives) await life.end("SIGKILL");
    site();
    for (const id of sites) await endProcessesOf(id);
    await Deno.remove(folder, { recursive: true });
  }
}

/** The body of a create of a program run by the `command` template. */
export interface CommandInstance {
  name: string;
  template: "command";
  serverConfiguration: { command: string[]; stopGraceMs: number };
  restartPolicy: { mode: string; baseMs: number; capMs: number };
}

/** An instance that is quick to be started again, if its policy says so. */
export function commandInstance(
  name: string,
  command: string[],
  policy = "on-failure",
): CommandInstance {
  return {
    name,
    template: "command",
    serverConfiguration: { command, stopGraceMs: 5_000 },
    restartPolicy: { mode: policy, baseMs: 10, capMs: 100 },
  };
}

/** Creates an instance and starts it; gives its id and the pid that the API tells. */
export async function startInstance(
  life: ControlPlane,
  body: CommandInstance,
): Promise<{ id: string; pid: string }> {
  const { json: { id } } = await life.call("POST /api/server/instances", body);
  const { status, json } = await life.call(`POST /api/server/instances/${id}/start`);
  if (status !== 200) throw new Error(`${body.name} does not start: ${JSON.stringify(json)}`);
  return { id, pid: json.runtimeInfo.processId };
}

function siteOf(dataFolder: string): string | null {
  try {
    return Deno.readTextFileSync(`${dataFolder}/process/site`).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What `deno task start` runs, without the `deno` before it. */
function startArguments(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  return [...(tasks.start as string).split(" ").slice(1), "--headless"];
}

/** None of the settings of whoever runs the tests. */
function hostEnvironment(): Record<string, string> {
  const names = ["PATH", "HOME", "DENO_DIR", "TMPDIR"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
