/** A whole fleet on one real Redis: control planes and workers as processes of their own, and what they leave behind. */
import {
  endProcessesOf,
  isThere,
  type MarkedProcess,
  processesOf,
} from "../../support/marked_processes.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { testWith } from "../../support/tools.ts";
import { ControlPlane } from "./control_plane.ts";
import { ProgramLife } from "./program_life.ts";

type Environment = Readonly<Record<string, string>>;

/** A Redis, and the programs that a test starts on it. */
export interface RedisFleet {
  redis: RedisServer;
  folder: string;
  /** Starts a control plane on a free port and waits until it serves. */
  serve(args?: readonly string[], environment?: Environment): Promise<ControlPlane>;
  /** Starts an embedded control plane on the data folder `name`, beside this fleet, and waits until it serves. */
  start(name: string): Promise<ControlPlane>;
  /** Starts a worker on the data folder `name` and waits until it has registered. */
  worker(name: string, args?: readonly string[], environment?: Environment): Promise<ProgramLife>;
  /** A program that is not expected to get that far. */
  begin(task: string, args: readonly string[], environment?: Environment): ProgramLife;
  /** The live servers that the worker on this data folder has started; no shims, no children of servers. */
  servers(name: string): MarkedProcess[];
  /** The ids of all runs that were ever started on this data folder, by instance. */
  runs(name: string): Map<string, string[]>;
}

/** Registers a test over a fleet of its own; everything that it started ends with it. */
export function testWithFleet(name: string, run: (fleet: RedisFleet) => Promise<void>): void {
  testWith(["redis-server", "redis-cli"], name, () => withFleet(run));
}

/** Runs `test` over a new fleet; everything that it started ends with it. */
export async function withFleet(test: (fleet: RedisFleet) => Promise<void>): Promise<void> {
  const redis = await RedisServer.start();
  const folder = await Deno.makeTempDir({ prefix: "draas-fleet-" });
  const lives: ProgramLife[] = [];
  const names = new Set<string>();
  const added = <T extends ProgramLife>(life: T): T => {
    lives.push(life);
    return life;
  };
  const settings = (environment: Environment = {}) => ({ REDIS_URL: redis.url, ...environment });
  const fleet: RedisFleet = {
    redis,
    folder,
    async serve(args = [], environment = {}) {
      const life = added(
        new ControlPlane(["--port", "0", ...args], settings(environment), "serve"),
      );
      await life.ready();
      return life;
    },
    async start(name) {
      names.add(name);
      const life = added(new ControlPlane(["--port", "0", "--data-dir", `${folder}/${name}`]));
      await life.ready();
      return life;
    },
    async worker(name, args = [], environment = {}) {
      names.add(name);
      const own = ["--data-dir", `${folder}/${name}`, ...args];
      const life = added(new ProgramLife("worker:process", own, settings(environment)));
      await life.hears(/^ {2}Found +\d+/m);
      return life;
    },
    begin: (task, args, environment = {}) =>
      added(new ProgramLife(task, args, settings(environment))),
    servers: (name) =>
      processesOf(siteOf(`${folder}/${name}`)).filter(({ isShim, leads }) => !isShim && leads),
    runs: (name) => runsBelow(`${folder}/${name}/process/instances`),
  };
  try {
    await test(fleet);
  } catch (error) {
    const said = lives.map((life) => life.output).join("\n--- \n");
    throw new Error(`${(error as Error).message}\n\nThe programs said:\n${said}`, { cause: error });
  } finally {
    for (const life of lives) await life.end("SIGKILL");
    for (const name of names) await endProcessesOf(siteOf(`${folder}/${name}`));
    await redis.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether the process of this pid, as the API tells it, is one of `servers` and lives. */
export function isServed(servers: readonly MarkedProcess[], processId: string): boolean {
  return servers.some((one) => String(one.pid) === processId && isThere(one));
}

function runsBelow(folder: string): Map<string, string[]> {
  return new Map(
    [...Deno.readDirSync(folder)].map(({ name }) => [
      name,
      [...Deno.readDirSync(`${folder}/${name}/runs`)].map((run) => run.name),
    ]),
  );
}

function siteOf(dataFolder: string): string {
  try {
    return Deno.readTextFileSync(`${dataFolder}/process/site`).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "none";
    throw error;
  }
}
