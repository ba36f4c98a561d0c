/** A world of several hosts: a node, and a worker on each host that is killed, frozen and cut off on its own. */
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { AskOptions } from "../../actors/system_port.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import { type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { Chance, countingIds } from "./chance.ts";
import { type ClientRecord, toldBy } from "./client_records.ts";
import { distantChannel } from "./distant_channel.ts";
import { type LEASE_MUTATIONS, ModelHost, type ModelProcess } from "./host_model.ts";
import { ModelPlatform } from "./model_platform.ts";
import { Life, VirtualTime } from "./virtual_time.ts";

/** What can be broken here, to see that an invariant notices. */
export type FleetMutation = (typeof LEASE_MUTATIONS)[number] | "refuse-takeover";

/** One host with its worker's present life; null while that is killed. */
export interface Host {
  name: string;
  model: ModelHost;
  life: Life | null;
  /** No message reaches the log or comes back before this. */
  cutUntil: number;
}

export class FleetWorld {
  readonly time: VirtualTime;
  readonly hosts: Host[];
  readonly records: ClientRecord[] = [];
  readonly story: string[] = [];
  readonly bugs: unknown[] = [];
  broker: EmbeddedBroker | null = null;
  system: FleetSystem | null = null;
  private nodeLife = new Life();
  private readonly tables = new MemoryTables();
  private readonly ids = countingIds();
  private readonly chance: Chance;
  private lives = 0;

  constructor(seed: number, private readonly mutation: FleetMutation | null = null) {
    this.chance = new Chance(seed);
    this.time = new VirtualTime(this.chance.stream("ties"));
    this.hosts = ["a", "b", "c"].slice(0, this.chance.between(2, 3)).map((name) => ({
      name,
      model: new ModelHost(
        this.time,
        this.chance.stream(`host ${name}`),
        mutation === "refuse-takeover" ? null : mutation,
      ),
      life: null,
      cutUntil: 0,
    }));
  }

  say(text: string): void {
    this.story.push(`${this.time.elapsed} ${text}`);
  }

  /** Every live process, on whatever host. */
  live(instanceId?: string): ModelProcess[] {
    return this.hosts.flatMap((host) => host.model.live(instanceId));
  }

  async bootNode(): Promise<void> {
    const life = this.nodeLife = new Life();
    const clock = this.time.clockOf(life);
    const broker = openMemoryBroker({
      tables: this.tables,
      clock,
      ids: this.ids,
      defer: (run) => void this.time.after(0, run, life),
      onFatal: (error) => this.bugs.push(error),
    });
    this.broker = broker;
    const system = await openInstanceSystem({
      ...broker,
      clock,
      ids: this.ids,
      randomness: this.chance.stream("jitter"),
      nodeId: this.ids.next("incarnation"),
      queueTimeoutMs: 60_000,
      deriveId: (key) => `derived-${key}`,
      onBug: (error) => life.isAlive && this.bugs.push(error),
    });
    if (!life.isAlive) return;
    this.system = system;
    this.say("node is up");
  }

  /** kill -9 of the node, and a new one after a while. Workers and servers go on. */
  crashNode(): void {
    if (!this.broker) return;
    this.say("kill -9 of the node");
    this.nodeLife.isAlive = false;
    this.broker.abandon();
    this.broker = this.system = null;
    this.time.after(this.chance.between(1, 20_000), () => void this.bootNode());
  }

  async bootWorker(host: Host): Promise<void> {
    if (host.life) return;
    const life = host.life = new Life();
    const lifeNumber = ++this.lives;
    const onBug = (error: unknown) => life.isAlive && this.bugs.push(error);
    const site = `site-${host.name}`;
    const platform = new ModelPlatform(
      host.model,
      life,
      this.chance.stream(`platform ${lifeNumber}`),
      null,
      site,
    );
    const worker = new Worker({
      openChannel: () => this.channelOf(host, life, site),
      platform,
      clock: this.time.clockOf(life),
      ids: this.ids,
      slots: 8,
      onBug,
      onSuperseded: () => this.say(`worker ${host.name} superseded`),
      onStranger: ({ runId }) => this.say(`stranger ${runId}`),
    });
    try {
      await worker.start();
      this.say(`worker ${host.name} is up`);
    } catch (error) {
      if (!(error instanceof OperationalError)) onBug(error);
      // The log is away: its service manager starts it again.
      if (life.isAlive) this.killWorker(host);
      this.time.after(1_000, () => void this.bootWorker(host));
    }
  }

  killWorker(host: Host): void {
    if (!host.life) return;
    this.say(`kill -9 of worker ${host.name}`);
    host.life.isAlive = false;
    host.life = null;
  }

  freezeWorker(host: Host, ms: number): void {
    if (!host.life) return;
    host.life.frozenUntil = this.time.now + ms;
    this.say(`worker ${host.name} frozen for ${ms} ms`);
  }

  cutOff(host: Host, ms: number): void {
    host.cutUntil = this.time.now + ms;
    this.say(`host ${host.name} cut off for ${ms} ms`);
  }

  request(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): ClientRecord | null {
    const { system, nodeLife } = this;
    if (!system) return null;
    const number = this.records.length + 1;
    const askedAt = this.time.elapsed;
    const record: ClientRecord = { number, askedAt, instanceId, request, options, told: null };
    this.records.push(record);
    this.say(`#${number} ${request.type} ${instanceId ?? ""}`);
    system.ask(instanceId, request, options).then((outcome) => {
      if (nodeLife.isAlive) record.told = toldBy(outcome);
    }, (error) => {
      if (!nodeLife.isAlive) return;
      const code = error instanceof OperationalError ? error.code : String(error);
      record.told = { kind: "error", code };
      if (!(error instanceof OperationalError)) this.bugs.push(error);
    });
    return record;
  }

  async log(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (let after = START; this.broker;) {
      const page = await this.broker.log.read(after, 1_000);
      events.push(...page);
      if (page.length === 0) return events;
      after = page.at(-1)!.position;
    }
    return events;
  }

  async inFlight(): Promise<string[]> {
    return (await this.broker?.bus.inFlight() ?? []).map((one) => one.command.messageId);
  }

  private channelOf(host: Host, life: Life, site: string): WorkerChannel {
    const registration = {
      workerId: `worker-${host.name}`,
      platform: "process",
      site,
      incarnation: this.ids.next("incarnation"),
      machineId: host.name,
      slots: 8,
      version: "simulated",
      labels: { host: host.name },
    };
    return distantChannel({
      present: () => this.broker?.workerChannel(registration) ?? null,
      isCutOff: () => this.time.now < host.cutUntil,
      time: this.time,
      life,
      chance: this.chance.stream(`channel ${registration.incarnation}`),
      refusesTakeover: this.mutation === "refuse-takeover",
    });
  }
}
