/** The fleet that chaos is made with: a real Redis, nodes and workers as programs of their own, and what they leave. */

import { endProcessesOf, processesOf } from "../../support/marked_processes.ts";
import { RedisServer } from "../../support/redis_server.ts";
import { type RedisBroker } from "../../../adapters/redis/redis_broker.ts";
import { brokerAt } from "../../adapters/redis_fault_world.ts";
import { makeShimTools } from "../killing_ports.ts";
import type { Door } from "../sessions.ts";
import { list, type Listed } from "../inspection.ts";
import { ProgramSeat } from "./program_seat.ts";
import { SmallDisk } from "./small_disk.ts";

/** How large it is. */
export interface FleetSize {
  nodes: number;
  workers: number;
}

/** A worker with its data folder, which is its site, and the tools that its shims find first. */
export interface WorkerSeat extends ProgramSeat {
  readonly disk: SmallDisk;
  readonly tools: string;
}

const NAMESPACE = "chaos";
const PING_EVERY_MS = 50;
const FREE_WITHIN_MS = 15_000;

export class ChaosFleet {
  /** A fault of Redis as a whole is under way. */
  isRedisBusy = false;
  readonly redisDisk: SmallDisk;
  readonly nodes: ProgramSeat[] = [];
  readonly workers: WorkerSeat[] = [];
  readonly #folder: string;
  readonly #redisConfig: string[];
  readonly #clients = new Map<string, Deno.HttpClient>();
  #redis: RedisServer | null = null;

  constructor(private readonly size: FleetSize) {
    this.#folder = Deno.makeTempDirSync({ prefix: "draas-chaos-redis-" });
    this.redisDisk = new SmallDisk(`${this.#folder}/redis`);
    // Without rewrites: Redis (7.0) opens the file that follows one not for appending, and leaves a hole of zeros in it
    // when a full disk cuts a write short. It does not load such a file.
    this.#redisConfig = [
      `dir ${this.redisDisk.folder}`,
      "auto-aof-rewrite-percentage 0",
      "appendfsync everysec",
    ];
  }

  get redis(): RedisServer {
    if (this.#redis === null) throw new Error("the fleet has not begun");
    return this.#redis;
  }

  get seats(): ProgramSeat[] {
    return [...this.nodes, ...this.workers];
  }

  /** The sites that there are by now: each worker's own. */
  sites(): string[] {
    return this.workers.flatMap(({ disk }) => siteOf(disk.folder) ?? []);
  }

  /** Where a site keeps its instances' folders; null for an unknown site. */
  instanceFolderAt(site: string): string | null {
    const worker = this.workers.find(({ disk }) => siteOf(disk.folder) === site);
    return worker ? instancesOf(worker) : null;
  }

  /** How many instances' folders there are. */
  folders(): number {
    return this.workers.reduce(
      (sum, one) => sum + [...Deno.readDirSync(instancesOf(one))].length,
      0,
    );
  }

  async start(): Promise<void> {
    this.#redis = await RedisServer.start({ config: this.#redisConfig });
    for (let i = 1; i <= this.size.nodes; i++) this.nodes.push(this.#node(i));
    for (let i = 1; i <= this.size.workers; i++) this.workers.push(this.#worker(i));
    await Promise.all(this.seats.map((seat) => seat.start()));
  }

  /** From the next life of Redis on; and now, if it answers. */
  async syncs(policy: "everysec" | "always"): Promise<void> {
    this.#redisConfig[2] = `appendfsync ${policy}`;
    await this.redis.cli("CONFIG", "SET", "appendfsync", policy);
  }

  /** The nodes that serve at the moment. */
  doors(): Door[] {
    return this.nodes.flatMap(({ greeted }) => greeted ? [this.#door(greeted[1]!)] : []);
  }

  /** Whether every node says that it is ready. */
  async isReady(): Promise<boolean> {
    const doors = this.doors();
    const answers = await Promise.all(doors.map(async ({ url, client }) => {
      try {
        const signal = AbortSignal.timeout(5_000);
        const response = await fetch(`${url}/readyz`, { client, signal });
        await response.body?.cancel();
        return response.status === 200;
      } catch {
        // It is frozen, or does not listen yet: not ready, whatever the reason.
        return false;
      }
    }));
    return doors.length === this.nodes.length && answers.every(Boolean);
  }

  /** The fleet as each node lists it; null when one does not answer. */
  async listings(): Promise<Listed[][] | null> {
    const listings = await Promise.all(this.doors().map(list));
    const answered = listings.filter((one) => one !== null);
    return answered.length === this.nodes.length ? answered : null;
  }

  /** Runs `use` with a way to the log that no fault is put upon. */
  async withBroker<T>(use: (broker: RedisBroker) => Promise<T>): Promise<T> {
    const broker = await brokerAt(this.redis.url, NAMESPACE);
    try {
      return await use(broker);
    } finally {
      await broker.close();
    }
  }

  /** After a full disk: begins a new life of Redis if that has ended by it, and waits until it writes again. */
  async mendRedis(): Promise<void> {
    const end = performance.now() + FREE_WITHIN_MS;
    for (;;) {
      const state = await this.redis.cli("INFO", "persistence").catch(() => null);
      if (state === null) {
        await this.redis.kill();
        await this.redis.restart();
      } else if (state.includes("aof_last_write_status:ok")) return;
      if (performance.now() > end) throw new Error(`Redis does not write again: ${state}`);
      await new Promise((done) => setTimeout(done, PING_EVERY_MS));
    }
  }

  /** What the programs did that nobody had asked for. */
  faults(): string[] {
    return this.seats.flatMap((seat) => [...seat.faults, ...seat.bugs()]);
  }

  /** The processes of instances and the shims that are there. */
  leftovers(): string[] {
    return processesOf(...this.sites()).map(({ pid, isShim, instanceId, command }) =>
      `process ${pid} of ${instanceId}${isShim ? " (its shim)" : ""} is left over: ${command}`
    );
  }

  /** Ends the nodes and the workers at once and for good; whoever waits for an answer gets none. */
  async endPrograms(): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.close()));
  }

  /** Ends what is left, and removes everything. */
  async close(): Promise<void> {
    const sites = this.sites();
    for (const disk of [this.redisDisk, ...this.workers.map((worker) => worker.disk)]) disk.free();
    for (const client of this.#clients.values()) client.close();
    for (const site of sites) await endProcessesOf(site);
    await this.#redis?.close();
    this.redisDisk.close();
    for (const { disk } of this.workers) disk.close();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #node(number: number): ProgramSeat {
    return new ProgramSeat({
      name: `node ${number}`,
      task: "serve",
      args: ["--headless", "--port", "0", "--namespace", NAMESPACE],
      environment: {},
      greeting: /^ {2}API +(\S+)/m,
      redisPort: this.redis.port,
      disk: null,
    });
  }

  #worker(number: number): WorkerSeat {
    const disk = new SmallDisk(`${this.#folder}/worker-${number}`);
    const tools = `${this.#folder}/tools-${number}`;
    makeShimTools(tools);
    const own = ["--namespace", NAMESPACE, "--worker-id", `worker-${number}`];
    const seat = new ProgramSeat({
      name: `worker ${number}`,
      task: "worker:process",
      args: ["--data-dir", disk.folder, ...own],
      environment: { PATH: `${tools}:${Deno.env.get("PATH") ?? ""}`, DRAAS_STANDIN: "auto" },
      greeting: /^ {2}Found +\d+/m,
      redisPort: this.redis.port,
      disk,
    });
    return Object.assign(seat, { disk, tools });
  }

  #door(url: string): Door {
    const client = this.#clients.get(url) ?? Deno.createHttpClient({});
    this.#clients.set(url, client);
    return { url, client };
  }
}

function instancesOf({ disk }: WorkerSeat): string {
  return `${disk.folder}/process/instances`;
}

function siteOf(dataFolder: string): string | null {
  try {
    return Deno.readTextFileSync(`${dataFolder}/process/site`).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
