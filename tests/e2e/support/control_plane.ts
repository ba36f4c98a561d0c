/** The control plane as its users start it, its API, and a data folder with all of its lives. */
import type { Limits } from "../../../events/limits.ts";
import { endProcessesOf, type MarkedProcess, processesOf } from "../../support/marked_processes.ts";
import { type ProgramEnd, ProgramLife } from "./program_life.ts";

/** An answer of the API with its body read. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- tests look into answers of every shape
  json: any;
}

/** One life of a control plane. */
export class ControlPlane extends ProgramLife {
  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    task: "start" | "serve" = "start",
    root?: string,
  ) {
    super(task, ["--headless", ...args], environment, root);
  }

  /** Its address, once it serves. */
  async ready(): Promise<string> {
    const [, url = ""] = await this.hears(/^ {2}API +(\S+)/m);
    return url;
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
  limits?: Limits;
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
