/** Tells the judge what happens in a simulated world, and lets him look at it. The first invariant that does not hold is kept. */
import { RedisKeys } from "../../adapters/redis/keys.ts";
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { statusOf } from "../../machines/status.ts";
import { type Cluster, NAMESPACE, type SimHost } from "./cluster.ts";
import { Disturbances } from "./disturbances.ts";
import type { ShimOrder } from "./host_model.ts";
import type { Operation, RestingView, WorldView } from "./invariants/evidence.ts";
import { Judge } from "./invariants/judge.ts";
import type { FaultStep, Plan } from "./plan.ts";
import { rareStateOf } from "./rare_states.ts";
import type { Violation } from "./run_result.ts";
import { backAfterMs } from "./strike.ts";
import { StepsSeen } from "./steps_seen.ts";
import type { Witness } from "./sim_users.ts";

/** From the accept to the spawn at most: design §4 rule 6. */
const SPAWN_WITHIN_MS = 10_000;
const PLATFORM = "process";

export class SimJudge implements Witness {
  violation: Violation | null = null;
  private readonly judge: Judge;
  private readonly steps: StepsSeen;
  private readonly disturbances: Disturbances;
  private readonly keys = new RedisKeys(NAMESPACE);

  constructor(private readonly cluster: Cluster, private readonly plan: Plan) {
    const { redis, time } = cluster;
    this.disturbances = new Disturbances(cluster);
    this.judge = new Judge(redis ? "stream" : "counting", {
      heardAt: (workerId) => this.heardAt(workerId),
      undisturbedSince: (except) => this.disturbances.since(except),
    });
    this.steps = new StepsSeen(() => time.elapsed, {
      onRegistered: (registration) => this.judge.onRegistered(registration),
      onFenced: (step) => this.find(this.judge.onFenced(step)),
      onLeaderChanged: () => this.disturbed("leader-changed"),
      reach: (state) => cluster.reached.add(state),
    });
    if (redis) redis.onCalled = (step, args, reply) => this.steps.see(step, args, reply);
    for (const host of cluster.hosts) this.watch(host);
  }

  onEvents(events: readonly RecordedEvent[]): void {
    const { cluster, judge } = this;
    const writtenAt = cluster.time.elapsed;
    for (const event of events) {
      const before = judge.ledger.states.get(event.instanceId);
      cluster.reached.add(`${before ? statusOf(before) : "none"} × ${event.type}`);
      const rare = rareStateOf(event, before);
      if (rare) cluster.reached.add(rare);
      if (event.type === "CommandAccepted") this.steps.heardAt.set(event.data.workerId, writtenAt);
      cluster.say(`  ${event.position} ${event.instanceId} v${event.version} ${event.type}`);
      this.find(judge.onEvents([{ event, writtenAt, clockAt: cluster.logClock() }]));
    }
  }

  onRolledBack(lost: readonly RecordedEvent[]): void {
    this.steps.forgetLease();
    this.cluster.say(`redis has lost its last ${lost.length} events`);
    this.find(this.judge.onRollback({
      at: this.cluster.time.elapsed,
      lost: new Set(lost.map(({ position }) => position)),
      durability: this.plan.shape.fsync === "always" ? "disk" : "process",
    }));
  }

  onFault(step: FaultStep): void {
    const { cluster, judge, disturbances } = this;
    for (const state of judge.ledger.states.values()) {
      cluster.reached.add(`${statusOf(state)} × ${step.kind}`);
    }
    cluster.reached.add(step.kind);
    disturbances.note(step);
    if (step.kind === "redis-clock-jumps") this.steps.forgetLease();
    const backMs = backAfterMs(step);
    if (backMs !== null) cluster.time.after(backMs, () => this.disturbed("redis-back"));
  }

  onAsked(operation: Operation): void {
    this.find(this.judge.onAsked(operation));
  }

  onTold(operation: Operation): void {
    const { cluster, judge } = this;
    const { requestId, outcome } = operation;
    const isSettled = cluster.inDoubt.has(requestId) && judge.ledger.effects.has(requestId) &&
      (outcome?.kind === "fact" || outcome?.kind === "accepted");
    if (isSettled) cluster.reached.add("indeterminate append settled by its request id");
    this.find(this.judge.onTold(operation));
  }

  onRead(read: Parameters<Witness["onRead"]>[0]): void {
    this.find(this.judge.onRead(read));
  }

  /** Everything, as it is now. */
  look(): void {
    this.disturbances.since(null);
    this.find(this.judge.atIntervals(this.view()));
  }

  /** The first invariant that does not hold of a world that should have come to rest. */
  lookAtRest(log: readonly RecordedEvent[] | null, cut: Position): Violation | null {
    const view: RestingView = { ...this.view(), log, cut };
    return this.judge.atRest(view);
  }

  find(found: Violation | null): void {
    this.violation ??= found;
  }

  private heardAt(workerId: string): number | null {
    const heardAt = Math.max(
      this.steps.heardAt.get(workerId) ?? -Infinity,
      this.cluster.redis ? -Infinity : this.cluster.hosts[0]!.model.heardAt,
    );
    return Number.isFinite(heardAt) ? heardAt : null;
  }

  private disturbed(kind: "redis-back" | "leader-changed" | "leader-reconnected"): void {
    this.judge.onDisturbance({ kind, at: this.cluster.time.elapsed });
  }

  private watch(host: SimHost): void {
    const { time } = this.cluster;
    const { name, model } = host;
    model.onSpawn = (order, checkedAt) => this.spawns(host, order, checkedAt);
    model.onStandstill = (stands) =>
      this.find(this.judge.onProcess({
        kind: stands ? "host-froze" : "host-thawed",
        at: time.elapsed,
        host: name,
      }));
    model.listeners.add((process) => {
      const { isAlive, instanceId, runId, leaseMs } = process;
      const at = time.elapsed;
      this.cluster.say(`  ${runId} of ${instanceId} ${isAlive ? "begins" : "ends"} on ${name}`);
      this.find(this.judge.onProcess(
        isAlive
          ? { kind: "began", at, instanceId, runId, host: name, leaseMs }
          : { kind: "ended", at, runId },
      ));
    });
  }

  private spawns({ name }: SimHost, order: ShimOrder, checkedAt: number): void {
    const { instanceId, runId, fence, deadline, lease } = order;
    const { judge } = this;
    const { generation, attempt } = fence;
    // The newest: after a rollback a generation may be given once more.
    const command = [...judge.ledger.commands.values()].findLast((one) =>
      one.instanceId === instanceId && one.generation === generation
    );
    const acceptedAt = command && this.steps.acceptedAt.get(command.commandId);
    this.find(judge.onSpawn({
      at: checkedAt,
      instanceId,
      runId,
      host: name,
      workerId: `worker-${name}`,
      generation,
      attempt,
      deadline: acceptedAt === undefined ? deadline : acceptedAt + SPAWN_WITHIN_MS,
      leaseMs: lease?.leaseMs ?? null,
    }));
  }

  private view(): WorldView {
    const { time, nodes, bugs, incidents } = this.cluster;
    return {
      at: time.elapsed,
      logAt: this.cluster.logClock(),
      nodes: nodes.flatMap(({ system, program }) =>
        system ? [{ name: program.name, states: () => system.states() }] : []
      ),
      inFlight: this.inFlight(),
      ...this.waiting(),
      incidents,
      bugs,
    };
  }

  private inFlight(): string[] {
    const { redis, tables } = this.cluster;
    if (!redis) return [...tables.commands.all()].map(({ command }) => command.messageId);
    const all = redis.execute("HGETALL", this.keys.commands) as string[];
    return all.filter((_, index) => index % 2 === 0);
  }

  /** The commands on every stream, and how often the most offered of them was; "stolen" is what was offered again. */
  private waiting(): Pick<WorldView, "waiting" | "offeredMost"> {
    const { redis, hosts, reached } = this.cluster;
    if (!redis) return { waiting: null, offeredMost: 0 };
    const sites = hosts.map(({ name }) => `site-${name}`);
    const streams = new Set(sites.flatMap((site) => this.keys.workerStreams(PLATFORM, site)));
    let offeredMost = 0;
    const waiting = [...streams].flatMap((stream) => {
      const entries = redis.execute("XRANGE", stream, "-", "+") as [string, string[]][];
      if (entries.length === 0) return [];
      const pending = redis.execute("XPENDING", stream, "workers", "-", "+", "100");
      const before = new Map(entries.map(([entry, fields]) => [entry, Number(fields[7] ?? 0)]));
      for (const [entry, , , times] of pending as [string, string, number, number][]) {
        // Also on the streams that it was moved from.
        offeredMost = Math.max(offeredMost, times + (before.get(entry) ?? 0));
      }
      return entries.map(([, fields]) => fields[1]!);
    });
    if (offeredMost > 1) reached.add("stolen command");
    return { waiting, offeredMost };
  }
}
