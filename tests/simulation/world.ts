/** A whole world in one event loop: a node that crashes and comes back, its worker, a host, users and faults. */
import { openInstanceSystem } from "../../actors/instance_system.ts";
import type { FleetSystem } from "../../actors/instance_system.ts";
import type { AskOptions } from "../../actors/system_port.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import { type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { Chance, countingIds } from "./chance.ts";
import { type ClientRecord, toldBy } from "./client_records.ts";
import { type HostMutation, ModelHost } from "./host_model.ts";
import { MODEL_SITE, ModelPlatform, type PlatformMutation } from "./model_platform.ts";
import { Life, VirtualTime } from "./virtual_time.ts";

/** Something broken on purpose, to see that an invariant notices. */
export const MUTATIONS = [
  "no-fence",
  "no-adoption",
  "no-exit-reports",
  "deaf-stop",
  "lost-commits",
  "no-takeover",
] as const satisfies (HostMutation | PlatformMutation | "lost-commits" | "no-takeover")[];
export type Mutation = (typeof MUTATIONS)[number];

interface Node {
  life: Life;
  broker: EmbeddedBroker | null;
  system: FleetSystem | null;
}

/** Memory tables that can tell of a commit, so that a process can die right after it. */
class WatchedTables extends MemoryTables {
  onCommitted: () => void = () => {};

  /** @param isLying says that it has committed, and has not: a disk that loses what it acknowledged */
  constructor(private readonly isLying: boolean) {
    super();
  }

  override commit(): void {
    if (!this.isLying) super.commit();
    this.onCommitted();
  }
}

export class World {
  readonly time: VirtualTime;
  readonly host: ModelHost;
  readonly records: ClientRecord[] = [];
  /** Everything that was ever published by a tail, over all lives, in order; the log as a witness saw it. */
  readonly story: string[] = [];
  readonly bugs: unknown[] = [];
  crashes = 0;
  private readonly tables: WatchedTables;
  private readonly ids = countingIds();
  private node: Node | null = null;
  private readonly chance: Chance;

  constructor(readonly seed: number, private readonly mutation: Mutation | null = null) {
    this.chance = new Chance(seed);
    this.tables = new WatchedTables(mutation === "lost-commits");
    this.time = new VirtualTime(this.chance.stream("ties"));
    this.host = new ModelHost(this.time, this.chance.stream("host"), mutation as HostMutation);
  }

  get system(): FleetSystem | null {
    return this.node?.system ?? null;
  }

  /** A process of the node exists; it may still be recovering. */
  get isUp(): boolean {
    return this.node !== null;
  }

  /** The instances of which users have heard that they are deleted. */
  deleted(): string[] {
    return this.records.flatMap(({ told, instanceId }) =>
      told?.kind === "rejected" && told.code === "deleted" && instanceId ? [instanceId] : []
    );
  }

  say(text: string): void {
    this.story.push(`${this.time.elapsed} ${text}`);
  }

  /** A new process of the node; one that cannot start says why and ends, and is started again. */
  async boot(): Promise<void> {
    const life = new Life();
    try {
      await this.live(life);
    } catch (error) {
      if (!life.isAlive) return;
      if (!(error instanceof OperationalError)) this.bugs.push(error);
      this.crash(`cannot start: ${reasonOf(error)}`);
    }
  }

  /** One life: recovery, adoption, work. It may end at any moment of this. */
  private async live(life: Life): Promise<void> {
    this.node = { life, broker: null, system: null };
    const clock = this.time.clockOf(life);
    const broker = openMemoryBroker({
      tables: this.tables,
      clock,
      ids: this.ids,
      defer: (run) => void this.time.after(0, run, life),
      onFatal: () => this.crash("the disk"),
    });
    const node: Node = { life, broker, system: null };
    this.node = node;
    const platform = new ModelPlatform(
      this.host,
      life,
      this.chance.stream(`platform ${this.crashes}`),
      this.mutation as PlatformMutation,
    );
    const onBug = (error: unknown) => life.isAlive && this.bugs.push(error);
    const worker = new Worker({
      openChannel: () => this.channelOf(broker),
      platform,
      clock,
      ids: this.ids,
      slots: 8,
      onBug,
      onSuperseded: () => this.say("worker superseded"),
      onStranger: ({ runId }) => this.say(`stranger ${runId}`),
    });
    const system = await openInstanceSystem({
      ...broker,
      clock,
      ids: this.ids,
      randomness: this.chance.stream("jitter"),
      nodeId: this.ids.next("incarnation"),
      queueTimeoutMs: 60_000,
      deriveId: (key) => `derived-${key}`,
      onBug,
    });
    if (!life.isAlive) return;
    await worker.start();
    if (!life.isAlive) return;
    node.system = system;
    this.say("node is up");
  }

  private channelOf(broker: EmbeddedBroker): WorkerChannel {
    const channel = broker.workerChannel({
      workerId: "worker-1",
      platform: "process",
      site: MODEL_SITE,
      incarnation: this.ids.next("incarnation"),
      machineId: "machine-1",
      slots: 8,
      version: "simulated",
      labels: {},
    });
    if (this.mutation !== "no-takeover") return channel;
    const register = channel.register.bind(channel);
    channel.register = async () => ({ ...await register(), inherited: [] });
    return channel;
  }

  /** kill -9. What was not committed is gone; servers and shims go on. */
  crash(why: string): void {
    if (!this.node) return;
    this.crashes++;
    this.say(`kill -9 (${why})`);
    this.node.life.isAlive = false;
    this.node.broker?.abandon();
    this.node = null;
    this.tables.onCommitted = () => {};
    this.time.after(this.chance.between(1, 6_000), () => void this.boot());
    if (this.mutation === "lost-commits") this.tables.rollback();
  }

  /** kill -9 between the next commit and anybody's hearing of it. */
  crashAfterNextCommit(): void {
    if (this.node) this.tables.onCommitted = () => this.crash("after a commit");
  }

  failNextCommit(): void {
    if (this.node) this.tables.failNextCommit("full");
  }

  /** SIGSTOP, and SIGCONT after a while. */
  freeze(ms: number): void {
    if (!this.node) return;
    this.node.life.frozenUntil = this.time.now + ms;
    this.say(`frozen for ${ms} ms`);
  }

  /** A user's request; the answer is recorded if it reaches the user, which it does not from a dead process. */
  request(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): ClientRecord | null {
    const { node } = this;
    if (!node?.system) return null;
    const record: ClientRecord = {
      number: this.records.length + 1,
      askedAt: this.time.elapsed,
      instanceId,
      request,
      options,
      told: null,
    };
    this.records.push(record);
    this.say(
      `#${record.number} ${request.type} ${instanceId ?? ""}${
        options.idempotency ? ` key ${options.idempotency.key}` : ""
      }`,
    );
    node.system.ask(instanceId, request, options).then((outcome) => {
      if (!node.life.isAlive) return;
      record.told = toldBy(outcome);
      this.say(`#${record.number} told ${JSON.stringify(record.told)}`);
    }, (error) => {
      if (!node.life.isAlive) return;
      record.told = {
        kind: "error",
        code: error instanceof OperationalError ? error.code : String(error),
      };
      if (!(error instanceof OperationalError)) this.bugs.push(error);
    });
    return record;
  }

  /** The whole log, read through a broker that sees only the tables: what a new process would find. */
  async log(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    const log = this.node?.broker?.log;
    if (!log) return events;
    for (let after = START;;) {
      const page = await log.read(after, 1_000);
      events.push(...page);
      if (page.length === 0) return events;
      after = page.at(-1)!.position;
    }
  }

  /** How many commands the bus still has. */
  async inFlight(): Promise<string[]> {
    return (await this.node?.broker?.bus.inFlight() ?? []).map((one) => one.command.messageId);
  }
}
