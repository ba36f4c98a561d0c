/** What each kind of fault does to a world. */
import type { FleetSystem } from "../../actors/instance_system.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Cluster, SimHost, SimNode } from "./cluster.ts";
import type { ModelProcess } from "./host_model.ts";
import type { FaultKind, FaultStep } from "./plan.ts";

/** A clock that is set goes on up to an hour, and back as far as a world has time for: what is due then waits so long. */
const JUMP_MS_MAX = 3_600_000;
const BACK_MS_MAX = 10_000;
/** A host that an admin gives up is off for longer than that takes. */
const FORGOTTEN_MS = 10_000;
/** Redis is away for so long at most: longer than that tells nothing new. */
const DOWN_MS_MAX = 15_000;

/** What was acknowledged and is not on the disk is no older. */
const UNSYNCED_MS_MAX = 1_500;

/** When Redis is there again after a fault, counted from the fault; null for one that leaves it where it is. */
export function backAfterMs({ kind, durationMs }: FaultStep): number | null {
  const downMs = Math.min(durationMs, DOWN_MS_MAX);
  if (kind === "redis-killed") return downMs;
  return kind === "redis-rolled-back" ? Math.min(durationMs, UNSYNCED_MS_MAX) + downMs : null;
}

/** Lets a fault happen; false when there is nothing here that it could happen to. */
export function strike(cluster: Cluster, step: FaultStep): boolean {
  cluster.say(`fault ${step.kind} ${step.target} for ${step.durationMs} ms`);
  return STRIKES[step.kind](cluster, step);
}

/** Nothing goes wrong any more: what is down comes up; what stands still goes on when its time is over. */
export function calm(cluster: Cluster): void {
  cluster.say("calm");
  for (const { program } of cluster.nodes) program.start();
  for (const { worker, name } of cluster.hosts) {
    if (cluster.redis) worker.start();
    void drain(cluster, `worker-${name}`, false);
  }
}

const nodeOf = ({ nodes }: Cluster, { target }: FaultStep): SimNode =>
  nodes[target % nodes.length]!;
const hostOf = ({ hosts }: Cluster, { target }: FaultStep): SimHost =>
  hosts[target % hosts.length]!;

function onWay(
  find: (cluster: Cluster, step: FaultStep) => Pick<SimNode, "way">,
  strike: (way: NonNullable<SimNode["way"]>, step: FaultStep) => void,
) {
  return (cluster: Cluster, step: FaultStep) => {
    const { way } = find(cluster, step);
    if (way) strike(way, step);
    return way !== null;
  };
}

function onRedis(strike: (redis: NonNullable<Cluster["redis"]>, step: FaultStep) => void) {
  return ({ redis }: Cluster, step: FaultStep) => {
    if (redis) strike(redis, step);
    return redis !== null;
  };
}

function onLeader(work: (system: FleetSystem, cluster: Cluster) => Promise<void>) {
  return (cluster: Cluster) => {
    const leader = cluster.nodes.find(({ system, program }) =>
      !program.isFrozen && system && system.fence !== null
    )?.system;
    if (leader) work(leader, cluster).catch(passing(cluster));
    return Boolean(leader);
  };
}

const STRIKES: Readonly<Record<FaultKind, (cluster: Cluster, step: FaultStep) => boolean>> = {
  "node-killed": (cluster, step) => {
    nodeOf(cluster, step).program.kill("kill -9", step.durationMs);
    return true;
  },
  "node-frozen": (cluster, step) => {
    nodeOf(cluster, step).program.freeze(step.durationMs);
    return true;
  },
  "node-cut": onWay(nodeOf, (way) => way.cut()),
  "node-silent": onWay(nodeOf, (way, { durationMs }) => way.silence(durationMs)),
  "worker-killed": (cluster, step) => {
    hostOf(cluster, step).worker.kill("kill -9", step.durationMs);
    return true;
  },
  "worker-frozen": (cluster, step) => {
    hostOf(cluster, step).worker.freeze(step.durationMs);
    return true;
  },
  "worker-cut": onWay(hostOf, (way) => way.cut()),
  "worker-silent": onWay(hostOf, (way, { durationMs }) => way.silence(durationMs)),
  "worker-doubled": (cluster, step) => {
    hostOf(cluster, step).worker.double(step.durationMs);
    return true;
  },
  "host-frozen": (cluster, step) => {
    const host = hostOf(cluster, step);
    host.model.freeze(step.durationMs);
    programOn(cluster, host).freeze(step.durationMs);
    return true;
  },
  "host-rebooted": (cluster, step) => {
    const host = hostOf(cluster, step);
    host.model.reboot();
    programOn(cluster, host).powerOff("its host is rebooted", step.durationMs);
    return true;
  },
  "worker-drained": (cluster, step) => {
    const workerId = `worker-${hostOf(cluster, step).name}`;
    void drain(cluster, workerId, true);
    cluster.time.after(step.durationMs, () => void drain(cluster, workerId, false));
    return true;
  },
  "worker-forgotten": (cluster, step) => {
    const host = hostOf(cluster, step);
    const system = cluster.nodes.find((node) => node.system)?.system;
    if (!system || !cluster.redis) return false;
    // An admin says so of a host that is off, and nobody else may.
    host.model.reboot();
    host.worker.powerOff("its host is off", step.durationMs + FORGOTTEN_MS);
    system.forgetWorker(`worker-${host.name}`).then(
      (events) => events && events.length > 0 && cluster.reached.add("forgotten"),
      passing(cluster),
    );
    return true;
  },
  "server-exits": (cluster, { target, durationMs }) => {
    const live = cluster.live();
    const process = live[target % live.length];
    if (process) hostWith(cluster, process)?.end(process, durationMs % 2);
    return process !== undefined;
  },
  "records-lost": (cluster, { target }) => {
    const live = cluster.live();
    const process = live[target % live.length];
    if (process) hostWith(cluster, process)?.loseRecord(process);
    return process !== undefined;
  },
  "redis-killed": onRedis((redis, { durationMs }) => redis.kill(Math.min(durationMs, DOWN_MS_MAX))),
  "redis-rolled-back": (cluster, { durationMs }) => {
    const { redis } = cluster;
    // What is on the disk before it is acknowledged is never lost.
    if (!redis || cluster.fsync === "always") return false;
    cluster.reached.add("rollback");
    redis.markSynced();
    cluster.time.after(Math.min(durationMs, UNSYNCED_MS_MAX), () => {
      redis.rollBack(Math.min(durationMs, DOWN_MS_MAX));
      cluster.onRolledBack();
    });
    return true;
  },
  "redis-slow": onRedis((redis, { durationMs, target }) =>
    redis.slow(20 * (target + 1), durationMs)
  ),
  "redis-full": onRedis((redis, { durationMs }) => redis.refuse("full", durationMs)),
  "redis-read-only": onRedis((redis, { durationMs }) => redis.refuse("read-only", durationMs)),
  "redis-loses-functions": onRedis((redis) => redis.loseFunctions()),
  "redis-clock-jumps": onRedis((redis, step) => redis.jumpClock(jump(step))),
  "node-clock-jumps": (cluster, step) => {
    nodeOf(cluster, step).program.jumpClock(jump(step));
    return true;
  },
  "killed-after-commit": (cluster, step) => {
    const { tables } = cluster;
    tables.onCommitted = () => {
      tables.onCommitted = () => {};
      nodeOf(cluster, step).program.kill("after a commit", step.durationMs);
    };
    return true;
  },
  "disk-full": ({ tables, embedded }) => {
    if (embedded) tables.failNextCommit("full");
    return embedded !== null;
  },
  "worker-chokes": (cluster, step) => {
    const host = hostOf(cluster, step);
    host.chokesUntil = cluster.time.now + step.durationMs;
    return cluster.redis !== null;
  },
  "snapshot-saved": onLeader((system) => system.saveSnapshot()),
  "log-cut": onLeader(async (system, { reached }) => {
    const { cut } = await system.keepWithinBounds();
    if (cut > 0) reached.add("cut log");
  }),
};

/** What does the work of a host: its worker, or the one process of the embedded form. */
function programOn({ redis, nodes }: Cluster, host: SimHost) {
  return redis ? host.worker : nodes[0]!.program;
}

/** The host of this very process: while another one stands still, its instance may live on both. */
function hostWith({ hosts }: Cluster, process: ModelProcess) {
  return hosts.find(({ model }) => model.processes.includes(process))?.model;
}

function jump({ durationMs, target }: FaultStep): number {
  return target % 2 === 0
    ? Math.min(durationMs * 200, JUMP_MS_MAX)
    : -Math.min(durationMs, BACK_MS_MAX);
}

async function drain(cluster: Cluster, workerId: string, isDraining: boolean): Promise<void> {
  const system = cluster.nodes.find((node) => node.system)?.system;
  await system?.drainWorker(workerId, isDraining).catch(passing(cluster));
}

/** An admin is told of what is away, and tries again another day. */
function passing(cluster: Cluster) {
  return (error: unknown) => {
    if (!(error instanceof OperationalError)) cluster.bugs.push(error);
  };
}
