/** A whole world in one event loop: nodes, workers on their hosts, Redis between them, and users who ask. */
import { gunzipSync, gzipSync } from "node:zlib";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { SystemParts } from "../../actors/system_parts.ts";
import type { Incident } from "../../actors/system_port.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { openRedisBroker, type RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { comparePositions, type Position, START } from "../../events/envelope.ts";
import type { EventLog, LogRetention } from "../../events/event_log.ts";
import type { Registration, WorkerChannel } from "../../events/worker_channel.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { Chance, countingIds } from "./chance.ts";
import { CommittingTables } from "./committing_tables.ts";
import { hostName } from "./draw_plan.ts";
import { ModelHost, type ModelProcess } from "./host_model.ts";
import { ModelPlatform } from "./model_platform.ts";
import type { Plan } from "./plan.ts";
import type { ModelConnector } from "./redis/model_connector.ts";
import { ModelRedis } from "./redis/model_redis.ts";
import { SimProgram } from "./sim_program.ts";
import { type Life, VirtualTime } from "./virtual_time.ts";

/** The namespace of every simulated fleet. */
export const NAMESPACE = "sim";
const SLOTS = 4;
const QUEUE_TIMEOUT_MS = 30_000;
/** So little is kept where logs are cut that even the log of a run is too long. Nobody uses keys there. */
const CUTTING = { retentionEvents: 40, markEvery: 10, keysKeptMs: 0 };
/** In the same thread: what another one does cannot be repeated. */
const COMPRESSION = {
  pack: (bytes: Uint8Array) => Promise.resolve(gzipSync(bytes)),
  unpack: (bytes: Uint8Array) => Promise.resolve(gunzipSync(bytes)),
};

type Broker = Pick<SystemParts, "log" | "availability" | "retention" | "leadership" | "bus">;

/** A control plane. */
export interface SimNode {
  program: SimProgram;
  system: FleetSystem | null;
  /** Its way to Redis in its present life. */
  way: ModelConnector | null;
}

/** A host with its worker. */
export interface SimHost {
  name: string;
  model: ModelHost;
  worker: SimProgram;
  way: ModelConnector | null;
  /** Its worker has registered, and takes commands. */
  isAtWork: boolean;
  /** Until then its worker fails as it is about to accept what it has taken. */
  chokesUntil: number;
}

export class Cluster {
  readonly time: VirtualTime;
  readonly nodes: SimNode[];
  readonly hosts: SimHost[];
  /** Null in the embedded form. */
  readonly redis: ModelRedis | null;
  /** Of the embedded form, which outlive each process. */
  readonly tables: CommittingTables;
  embedded: EmbeddedBroker | null = null;
  /** What the log takes the time to be, epoch milliseconds. */
  logClock: () => number;
  readonly story: string[] = [];
  readonly bugs: unknown[] = [];
  /** What nodes have told of the log. */
  readonly incidents: Incident["code"][] = [];
  /** Cuts of the embedded log that were asked for: it has lost nothing from the last of these on. */
  cutBefore: Position = START;
  readonly reached = new Set<string>();
  /** The requests of which an append was left without an answer. */
  readonly inDoubt = new Set<string>();
  /** Called when Redis has lost its unsynced end, before it is up again. */
  onRolledBack: () => void = () => {};
  readonly fsync: Plan["shape"]["fsync"];
  private readonly ids = countingIds();
  private readonly chance: Chance;
  private readonly limits: Partial<SystemParts>;
  private lives = 0;

  constructor({ seed, shape, faults, steps }: Plan) {
    if (faults.includes("log-cut") && steps.some((step) => "key" in step && step.key !== null)) {
      throw new Error("a plan that cuts the log has no keys: their answers would be cut too soon");
    }
    this.limits = faults.includes("log-cut") ? CUTTING : {};
    this.fsync = shape.fsync;
    this.chance = new Chance(seed).stream("world");
    this.time = new VirtualTime(this.chance.stream("ties"));
    this.tables = new CommittingTables();
    const isRedis = shape.form === "redis";
    this.redis = isRedis
      ? new ModelRedis({ time: this.time, chance: this.chance.stream("redis"), fsync: shape.fsync })
      : null;
    this.logClock = () => this.redis?.clock ?? this.time.now;
    this.hosts = Array.from({ length: shape.hosts }, (_, index) => this.makeHost(hostName(index)));
    this.nodes = Array.from({ length: shape.nodes }, (_, index) => this.makeNode(index + 1));
  }

  start(): void {
    for (const { program } of this.nodes) program.start();
    if (this.redis) { for (const { worker } of this.hosts) worker.start(); }
  }

  say(text: string): void {
    this.story.push(`${this.time.elapsed} ${text}`);
  }

  /** Every live process, on whatever host. */
  live(instanceId?: string): ModelProcess[] {
    return this.hosts.flatMap((host) => host.model.live(instanceId));
  }

  private readonly onBug = (life: Life) => (error: unknown) => {
    if (life.isAlive) this.bugs.push(error);
  };

  private makeNode(number: number): SimNode {
    const node: SimNode = {
      program: new SimProgram({
        name: `node ${number}`,
        time: this.time,
        say: (text) => this.say(text),
        onBug: (error) => this.bugs.push(error),
        live: (life) => this.redis ? this.serve(node, life) : this.liveEmbedded(node, life),
        onDeath: () => {
          node.system = node.way = null;
          this.embedded?.abandon();
          this.embedded = null;
        },
      }),
      system: null,
      way: null,
    };
    return node;
  }

  private makeHost(name: string): SimHost {
    const host: SimHost = {
      name,
      model: new ModelHost(this.time, this.chance.stream(`host ${name}`)),
      worker: new SimProgram({
        name: `worker ${name}`,
        time: this.time,
        say: (text) => this.say(text),
        onBug: (error) => this.bugs.push(error),
        live: (life) => this.work(host, life),
        onDeath: () => {
          host.way = null;
          host.isAtWork = false;
        },
      }),
      way: null,
      isAtWork: false,
      chokesUntil: 0,
    };
    return host;
  }

  /** `serve`: a control plane on Redis. */
  private async serve(node: SimNode, life: Life): Promise<void> {
    const broker = await this.openRedis(node, life);
    const system = await this.recovered(broker, this.time.clockOf(life), life);
    if (life.isAlive) node.system = system;
  }

  /** `worker:process`: a worker on Redis. */
  private async work(host: SimHost, life: Life): Promise<void> {
    const broker = await this.openRedis(host, life);
    if (life.isAlive) await this.startWorker(host, life, broker.workerChannel);
  }

  /** `start`: a control plane and its worker in one process, over tables. */
  private async liveEmbedded(node: SimNode, life: Life): Promise<void> {
    const clock = this.time.clockOf(life);
    const broker = openMemoryBroker({
      tables: this.tables,
      clock,
      ids: this.ids,
      defer: (run) => void this.time.after(0, run, life),
      onFatal: () => node.program.kill("the disk", 1_000),
    });
    this.embedded = broker;
    clock.neverBefore(broker.newestAt);
    this.logClock = clock.now;
    const system = await this.recovered(broker, clock, life);
    if (!life.isAlive) return;
    await this.startWorker(this.hosts[0]!, life, (given) => broker.workerChannel(given));
    if (life.isAlive) node.system = system;
  }

  private async openRedis(owner: { way: ModelConnector | null }, life: Life): Promise<RedisBroker> {
    const number = ++this.lives;
    const connector = this.redis!.connector({ life, chance: this.chance.stream(`way ${number}`) });
    owner.way = connector;
    const chance = this.chance.stream(`reconnects ${number}`);
    return await openRedisBroker({
      url: "redis://simulated:6379",
      connector,
      namespace: NAMESPACE,
      clock: this.time.clockOf(life),
      ids: this.ids,
      random: () => chance.fraction(),
      compression: COMPRESSION,
      onBug: this.onBug(life),
    });
  }

  private async recovered(broker: Broker, clock: Clock, life: Life): Promise<FleetSystem> {
    const system = await openInstanceSystem(this.systemParts(broker, clock, life));
    if (system.recovery.fromSnapshot > 0) this.reached.add("recovered from a snapshot");
    return system;
  }

  private systemParts(broker: Broker, clock: Clock, life: Life): SystemParts {
    const { log, availability, leadership, bus } = broker;
    const retention = this.redis ? broker.retention : this.noted(broker.retention);
    return {
      log: this.noticed(log),
      availability,
      retention,
      leadership,
      bus,
      clock,
      ids: this.ids,
      randomness: this.chance.stream(`jitter ${++this.lives}`),
      nodeId: this.ids.next("incarnation"),
      queueTimeoutMs: QUEUE_TIMEOUT_MS,
      deriveId: (key) => `derived-${key}`,
      ...this.limits,
      onBug: this.onBug(life),
      onIncident: ({ code, lostEvents }) => {
        this.incidents.push(code);
        this.say(`incident ${code}: ${lostEvents} lost`);
      },
    };
  }

  /** The log, and a look at what comes of appends: an answer that was lost, a key that was used before. */
  private noticed(log: EventLog): EventLog {
    const append = log.append.bind(log);
    log.append = async (batch) => {
      try {
        const outcome = await append(batch);
        if (outcome.kind === "duplicate") this.reached.add("repeated key");
        return outcome;
      } catch (error) {
        const isInDoubt = error instanceof OperationalError && error.code === "log_indeterminate";
        if (isInDoubt && batch.meta.correlationId) this.inDoubt.add(batch.meta.correlationId);
        throw error;
      }
    };
    return log;
  }

  private noted(retention: LogRetention): LogRetention {
    const trim = retention.trim.bind(retention);
    retention.trim = (before, fence) => {
      if (comparePositions(before, this.cutBefore) > 0) this.cutBefore = before;
      return trim(before, fence);
    };
    return retention;
  }

  private async startWorker(
    host: SimHost,
    life: Life,
    openChannel: (registration: Registration) => WorkerChannel,
  ): Promise<void> {
    const { name, model } = host;
    const site = `site-${name}`;
    const chance = this.chance.stream(`platform ${++this.lives}`);
    const worker = new Worker({
      openChannel: () =>
        this.choking(
          host,
          openChannel({
            workerId: `worker-${name}`,
            platform: "process",
            site,
            incarnation: this.ids.next("incarnation"),
            machineId: name,
            slots: SLOTS,
            version: "simulated",
            labels: { host: name },
          }),
        ),
      platform: new ModelPlatform(model, life, chance, site),
      clock: this.time.clockOf(life),
      ids: this.ids,
      slots: SLOTS,
      onBug: this.onBug(life),
      onSuperseded: () => this.reach("superseded worker", `worker ${name} is superseded`),
      onStranger: ({ runId }) => this.reach("stranger", `stranger ${runId} on host ${name}`),
    });
    await worker.start();
    if (life.isAlive) host.isAtWork = true;
  }

  /** See the fault `worker-chokes`: it fails at what it has just taken, and goes on with all that it has. */
  private choking(host: SimHost, channel: WorkerChannel): WorkerChannel {
    const [take, accept] = [channel.take.bind(channel), channel.accept.bind(channel)];
    const offered = new Set<string>();
    channel.take = async (...limits) => {
      const commands = await take(...limits);
      for (const { messageId } of commands) offered.add(messageId);
      return commands;
    };
    channel.accept = (commandId) => {
      const isFresh = offered.delete(commandId);
      return isFresh && this.time.now < host.chokesUntil
        ? Promise.reject(new OperationalError("choked", "it fails at this command", false, ""))
        : accept(commandId);
    };
    return channel;
  }

  private reach(state: string, text: string): void {
    this.reached.add(state);
    this.say(text);
  }
}
