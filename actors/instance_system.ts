/** The instance system: asks go to the instance's actor, and wait outside for the end of their command. Design §3. */
import type { WorkerRecord } from "../events/command_bus.ts";
import { comparePositions, type Position, type RecordedEvent } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type { Subscription } from "../events/event_log.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { Asker } from "./asker.ts";
import { Freshness } from "./freshness.ts";
import { pageOf } from "./fleet_query.ts";
import { forgetWorker } from "./forget_worker.ts";
import { type ActorParts, InstanceActor, type Turn, type TurnOutcome } from "./instance_actor.ts";
import { InstanceTable } from "./instance_table.ts";
import { Leader } from "./leader.ts";
import { LeadershipLoop } from "./leadership_loop.ts";
import { LogFollower } from "./log_follower.ts";
import { Incidents } from "./incidents.ts";
import { MetricsReader } from "./metrics_reader.ts";
import { Reads } from "./reads.ts";
import { PastStates } from "./past_states.ts";
import { Readiness } from "./readiness.ts";
import { recentChangesOf } from "./recent_changes.ts";
import { behind, notLeader, readsOnly, shuttingDown, unavailable } from "./refusals.ts";
import { Retention, type RetentionRound } from "./retention.ts";
import { ServerOutputs } from "./server_outputs.ts";
import { SnapshotKeeper } from "./snapshot_keeper.ts";
import type { SystemParts } from "./system_parts.ts";
import { WorkerWatch } from "./worker_watch.ts";
import type {
  AskOptions,
  AskOutcome,
  ChangeFilter,
  HistoryBreak,
  InstancePage,
  InstanceSystem,
  ListFilter,
  Moment,
  PastState,
  SystemStatus,
} from "./system_port.ts";

const LEASE_MS = 10_000;
/** How long a read waits for the position that it demands. */
const READ_WAIT_MS = 5_000;
/** How long the tail may be behind what is asked of it by the node itself. */
const FOLD_WAIT_MS = 500;

/** Recovers the fleet and opens for requests. */
export async function openInstanceSystem(parts: SystemParts): Promise<FleetSystem> {
  const system = new FleetSystem(parts);
  await system.open();
  return system;
}

/** The one implementation of `InstanceSystem` in the node's own process. */
export class FleetSystem implements InstanceSystem {
  readonly output: ServerOutputs;
  private readonly table = new InstanceTable();
  private readonly actors = new Map<string, InstanceActor>();
  private readonly reads: Reads;
  private readonly pastStates: PastStates;
  private readonly incidents: Incidents;
  private readonly freshness: Freshness;
  private readonly follower: LogFollower;
  private readonly readiness: Readiness;
  private readonly actorParts: ActorParts;
  private readonly leader: Leader;
  private readonly leadership: LeadershipLoop;
  private readonly watch: WorkerWatch;
  private readonly snapshots: SnapshotKeeper;
  private readonly cuts: Retention;
  private readonly asker: Asker;
  readonly metrics: InstanceSystem["metrics"];
  private closing = false;

  constructor(private readonly parts: SystemParts) {
    const { table } = this;
    this.output = new ServerOutputs({ ...parts, stateOf: (id) => table.state(id) });
    this.reads = new Reads(parts);
    this.pastStates = new PastStates(parts.log, this.reads);
    this.incidents = new Incidents((incident) => parts.onIncident?.(incident));
    this.follower = new LogFollower({
      ...parts,
      table,
      onLost: () => this.pauseLeading(),
      onResumed: () => void this.lead(),
      incidents: this.incidents,
    });
    this.readiness = new Readiness({
      ...parts,
      table,
      follower: this.follower,
      incidents: this.incidents,
      isClosing: () => this.closing,
    });
    this.freshness = new Freshness({
      ...parts,
      table,
      reads: this.reads,
      onHistoryLost: (lost) => this.follower.historyLost(lost),
    });
    this.actorParts = {
      inContext: parts.inContext ?? ((work) => work),
      log: parts.log,
      table,
      reads: this.reads,
      freshness: this.freshness,
      onHistoryLost: (lost) => this.follower.historyLost(lost),
    };
    this.asker = new Asker({
      ...parts,
      ...this.actorParts,
      takeTurn: (instanceId, turn) => this.actor(instanceId).take(turn),
      fleet: () => this.watch.fleet(),
    });
    this.leader = new Leader(
      {
        ...parts,
        takeTurn: (instanceId, turn) => this.takeLeadersTurn(instanceId, turn),
        fleet: () => this.watch.fleet(),
      },
      (instanceId) => table.state(instanceId),
    );
    this.watch = new WorkerWatch({
      ...parts,
      fence: () => this.leadership.fence,
      stateOf: (instanceId) => table.state(instanceId),
      isUpToDate: async () =>
        await table.reached(await parts.log.head(), parts.clock, FOLD_WAIT_MS),
    });
    this.leadership = new LeadershipLoop({
      ...parts,
      leaseMs: LEASE_MS,
      lead: () => {
        this.watch.begin(table.all());
        this.leader.lead(table.all());
      },
      stop: () => this.leader.stop(),
    });
    this.snapshots = new SnapshotKeeper({ ...parts, table, fence: () => this.leadership.fence });
    const metrics = new MetricsReader(parts);
    this.metrics = (workerIds) => metrics.read(workerIds);
    this.cuts = this.retentionOver(parts);
  }

  /** Recovers, then leads if the lease is to be had. */
  async open(): Promise<void> {
    this.table.onForked = (lost) => {
      // Who waits for the log to be folded anew hears of it by themselves.
      this.follower.historyLost(lost).catch((error) => {
        if (!(error instanceof OperationalError)) this.parts.onBug(error);
      });
    };
    await this.follower.open();
    this.table.onChange = (state) => {
      this.watch.consider(state);
      this.leader.consider(state);
      this.snapshots.count();
    };
    this.snapshots.begin();
    this.cuts.begin();
    await this.watch.open();
    await this.lead();
  }

  /** What the recovery found: instances in the snapshot, events folded after it. */
  get recovery(): { fromSnapshot: number; events: number } {
    return this.follower.recovery;
  }

  /** The leader's fencing token; null while another node leads. */
  get fence(): number | null {
    return this.leadership.fence;
  }

  ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome> {
    const ask = () => this.askNow(instanceId, request, options);
    return this.parts.aroundAsk?.({ instanceId, request, options }, ask) ?? ask();
  }

  private async askNow(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome> {
    if (this.closing) throw shuttingDown();
    this.assertReachable();
    this.follower.assertFolded();
    if (this.follower.unreadable) throw readsOnly(this.follower.unreadable);
    return await this.asker.ask(instanceId, request, options);
  }

  tell(instanceId: string, request: InstanceRequest, requestedBy: string): Promise<AskOutcome> {
    return this.ask(instanceId, request, {
      timeoutMs: this.parts.queueTimeoutMs,
      wait: false,
      requestedBy,
    });
  }

  /** All that this node has folded, deleted instances too; nothing while it recovers. */
  states(): Iterable<InstanceState> {
    return this.follower.isFolded ? this.table.all() : [];
  }

  async get(instanceId: string, atLeast?: Position): Promise<InstanceState | undefined> {
    this.follower.assertFolded();
    const state = this.table.state(instanceId);
    if (atLeast !== undefined && !isPast(state, atLeast)) await this.reach(atLeast);
    // "There is none" stands on the log, not on how far this node has come.
    const isKnown = () => Boolean(this.table.state(instanceId)?.context.specification);
    if (!isKnown()) await this.freshness.catchUp(instanceId);
    return this.table.state(instanceId);
  }

  async list(filter: ListFilter, atLeast?: Position): Promise<InstancePage> {
    this.follower.assertFolded();
    if (atLeast !== undefined) await this.reach(atLeast);
    return { ...pageOf(this.table.all(), filter), position: this.table.position };
  }

  recentChanges(filter: ChangeFilter): ReturnType<InstanceSystem["recentChanges"]> {
    this.follower.assertFolded();
    return { ...recentChangesOf(this.table.all(), filter), position: this.table.position };
  }

  get position(): Position {
    return this.table.position;
  }

  away(): string | null {
    return this.parts.availability.away() ?? this.follower.unreadable?.message ?? null;
  }

  async history(...of: Parameters<InstanceSystem["history"]>): Promise<RecordedEvent[]> {
    return await this.reads.run(() => this.parts.log.history(...of));
  }

  read(after: Position, limit: number): Promise<RecordedEvent[]> {
    return this.reads.run(() => this.parts.log.read(after, limit));
  }

  past(instanceId: string, moment: Moment): Promise<PastState> {
    return this.pastStates.of(instanceId, moment);
  }

  logs(instanceId: string, tailLines: number): Promise<string[]> {
    return this.output.lastLines(instanceId, tailLines);
  }

  observe(
    listener: (events: RecordedEvent[]) => void,
    after?: Position,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    return this.parts.log.tail(after ?? this.table.position, listener, signal);
  }

  watchHistory(listener: (broken: HistoryBreak) => void): Subscription {
    return this.parts.availability.watch((change) => {
      if (change.kind !== "away" && change.kind !== "back") listener(change);
    });
  }

  isSilent(workerId: string): boolean {
    return this.watch.isSilent(workerId);
  }

  workers(): Promise<WorkerRecord[]> {
    return this.parts.bus.workers();
  }

  drainWorker(workerId: string, draining: boolean): Promise<boolean> {
    return this.parts.bus.drain(workerId, draining);
  }

  forgetWorker(workerId: string, requestedBy?: string): Promise<RecordedEvent[] | null> {
    return forgetWorker(this.parts, workerId, requestedBy);
  }

  status(): Promise<SystemStatus> {
    return this.readiness.status();
  }

  async shutdown(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.watch.close();
    this.leader.stop();
    this.snapshots.stop();
    this.cuts.stop();
    // A log that is away, or another leader, is no reason to stay: the log alone gives the same fleet.
    await this.snapshots.save().catch((error) => {
      if (!(error instanceof OperationalError)) throw error;
    });
    await this.leadership.release();
    this.follower.close();
  }

  /** Saves a snapshot now, as the leader does every few minutes. */
  saveSnapshot(): Promise<void> {
    return this.snapshots.save();
  }

  /** One round of the retention now, as the leader makes it every ten minutes. */
  keepWithinBounds(): Promise<RetentionRound> {
    return this.cuts.round();
  }

  private retentionOver(parts: SystemParts): Retention {
    return new Retention({
      ...parts,
      table: this.table,
      reads: this.reads,
      snapshots: this.snapshots,
      limits: { ms: parts.retentionMs ?? null, events: parts.retentionEvents ?? null },
      fence: () => this.leadership.fence,
      takeTurn: (instanceId, turn) => this.takeLeadersTurn(instanceId, turn),
      onMismatch: (instanceId) =>
        this.incidents.add({
          code: "BASELINE_MISMATCH",
          at: parts.clock.now(),
          lostEvents: 0,
          instanceIds: [instanceId],
        }),
    });
  }

  private async lead(): Promise<void> {
    // The lease may have outlasted what made everybody silent.
    this.watch.quiet();
    if (!this.closing) await this.leadership.begin();
  }

  private pauseLeading(): void {
    this.leadership.pause();
    this.snapshots.reset();
    this.cuts.reset();
  }

  /** A process that was frozen runs its timers before it hears that its lease is over. */
  private async takeLeadersTurn(instanceId: string, turn: Turn): Promise<TurnOutcome> {
    if (this.leadership.fence === null) throw notLeader();
    return await this.actor(instanceId).take(turn, true);
  }

  /** @throws {OperationalError} `log_unavailable`: at once, for whatever would have to ask the log */
  private assertReachable(): void {
    const away = this.parts.availability.away();
    if (away !== null) throw unavailable(away);
  }

  private async reach(position: Position): Promise<void> {
    const { clock } = this.parts;
    if (await this.table.reached(position, clock, this.away() === null ? READ_WAIT_MS : 0)) return;
    this.assertReachable();
    throw behind(this.table.position, position);
  }

  private actor(instanceId: string): InstanceActor {
    let actor = this.actors.get(instanceId);
    if (!actor) {
      actor = new InstanceActor(
        instanceId,
        this.actorParts,
        () => this.actors.delete(instanceId),
      );
      this.actors.set(instanceId, actor);
    }
    return actor;
  }
}

/** Whatever the log says of this instance up to `position` is in its state. */
function isPast(state: InstanceState | undefined, position: Position): boolean {
  return state !== undefined && comparePositions(state.context.position, position) >= 0;
}
