/** One seed of a world of several hosts: users, lost workers, freezes and cuts, then rest. The same seed, the same run. */
import { specificationSchema } from "../../events/specification.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { statusOf } from "../../machines/status.ts";
import { Chance } from "./chance.ts";
import { type FleetMutation, FleetWorld } from "./fleet_world.ts";
import {
  ALWAYS,
  AT_REST,
  type Evidence,
  firstBroken,
  instancesWhoseLastCommandFailed,
  type Invariant,
  neverTwo,
} from "./invariants.ts";
import type { SeedResult } from "./run_seed.ts";

const BUSY_MS = 150_000;
/** Longer than the longest lease, the longest deadline and a restart's back-off. */
const REST_MS = 120_000;
const INSTANCES_MAX = 4;

/** A moment at which something happens to a host, or to the node. */
const FAULTS = ["kill", "freeze", "cut", "server-exits", "node"] as const;

export async function runFleetSeed(
  seed: number,
  mutation: FleetMutation | null = null,
): Promise<SeedResult> {
  const chance = new Chance(seed).stream("fleet");
  const world = new FleetWorld(seed, mutation);
  const reached = new Set<string>();
  let violation: string | null = null;
  const watch = () => void (violation ??= neverTwo(world));
  void world.bootNode();
  for (const host of world.hosts) void world.bootWorker(host);
  scheduleUsers(world, chance.stream("users"));
  for (const fault of FAULTS.filter(() => chance.happens(0.6))) {
    scheduleFault(world, fault, chance.stream(fault), reached);
  }
  await world.time.run(BUSY_MS, watch, () => violation !== null);
  calm(world);
  await world.time.run(BUSY_MS + REST_MS, watch, () => violation !== null);
  const evidence = await collect(world);
  // A worker that takes a command and is cut off, five times over, makes poison of it by rule 12.
  const { nothingIsPoison: _, ...always } = ALWAYS;
  violation ??= firstBroken(always, evidence) ?? firstBroken(AT_REST, evidence) ??
    firstBroken(MOVED, evidence);
  if (violation) tellLog(world, evidence);
  for (const event of evidence.log) reached.add(reachedBy(event));
  const sites = new Map<string, string>();
  for (const event of evidence.log) {
    if (event.type !== "CommandAccepted" || event.data.commandType !== "StartInstanceCommand") {
      continue;
    }
    const before = sites.get(event.instanceId);
    if (before && before !== event.data.site) reached.add("moved");
    sites.set(event.instanceId, event.data.site);
  }
  return {
    seed,
    violation,
    story: world.story,
    events: evidence.log.length,
    requests: world.records.length,
    crashes: 0,
    reached,
  };
}

/** What holds of instances that may go on elsewhere, at rest. */
const MOVED: Record<string, Invariant> = {
  /** With workers up, one that should run and was lost with its worker runs again. Rule 8. */
  theLostRunAgain: ({ states, log }) => {
    const excused = instancesWhoseLastCommandFailed(log);
    const left = states.find((state) => {
      const { desired, failure, specification } = state.context;
      return desired === "running" && specification?.onWorkerLost === "reschedule" &&
        !excused.has(state.context.instanceId) && statusOf(state) === "Failed" &&
        ["lost", "lease_lapsed"].includes(failure?.code ?? "");
    });
    return left
      ? `${left.context.instanceId} was lost with its worker, and nobody started it`
      : null;
  },
};

function reachedBy(event: Evidence["log"][number]): string {
  if (event.type !== "RuntimeObserved") return event.type;
  return `${event.data.observation} ${event.data.runtimeInfo.exit?.reason ?? ""}`.trim();
}

function calm(world: FleetWorld): void {
  world.say("calm");
  for (const host of world.hosts) {
    host.cutUntil = 0;
    if (host.life) host.life.frozenUntil = 0;
    else void world.bootWorker(host);
  }
}

async function collect(world: FleetWorld): Promise<Evidence> {
  const states: InstanceState[] = [];
  for (const status of [undefined, "Deleted"] as const) {
    const page = await world.system?.list({ limit: 1_000, ...(status ? { status } : {}) });
    states.push(...page?.items ?? []);
  }
  return {
    log: await world.log(),
    records: world.records,
    host: world,
    states,
    inFlight: await world.inFlight(),
    bugs: world.bugs,
  };
}

function scheduleUsers(world: FleetWorld, chance: Chance): void {
  const known: string[] = [];
  const act = () => {
    if (world.time.elapsed > BUSY_MS - 1_000) return;
    world.time.after(chance.between(5, 6_000), act);
    const isNew = known.length < 2 || (known.length < INSTANCES_MAX && chance.happens(0.1));
    const instanceId = isNew ? null : chance.pick(known);
    const record = world.request(instanceId, drawRequest(world, instanceId, chance), {
      timeoutMs: chance.between(50, 20_000),
      wait: chance.happens(0.7),
      requestedBy: "user",
    });
    if (!record || !isNew) return;
    world.time.after(50, () => {
      if (record.told?.kind === "fact") known.push(record.told.instanceId);
    });
  };
  world.time.after(10, act);
}

function drawRequest(
  world: FleetWorld,
  instanceId: string | null,
  chance: Chance,
): InstanceRequest {
  if (instanceId === null) {
    return {
      type: "create",
      specification: specificationSchema.parse({
        name: "simulated",
        template: "command",
        configuration: configuration(chance),
        restartPolicy: { mode: chance.pick(["never", "on-failure", "always"]), capMs: 5_000 },
        onWorkerLost: chance.pick(["wait", "reschedule", "reschedule"]),
        leaseMs: chance.pick([6_000, 10_000, 30_000]),
        workerLabels: chance.happens(0.2) ? { host: chance.pick(world.hosts).name } : {},
      }),
    };
  }
  if (chance.happens(0.03)) return { type: "delete", force: chance.happens(0.5) };
  return chance.pick<InstanceRequest>([
    { type: "start" },
    { type: "start" },
    { type: "start" },
    { type: "stop" },
    { type: "restart" },
    { type: "configure", changes: { onWorkerLost: chance.pick(["wait", "reschedule"]) } },
  ]);
}

function configuration(chance: Chance) {
  const behaviours = ["crashes", "stubborn", "slow"].filter(() => chance.happens(0.15));
  return {
    command: ["/bin/server"],
    env: Object.fromEntries(behaviours.map((name) => [name.toUpperCase(), "1"])),
  };
}

function scheduleFault(
  world: FleetWorld,
  fault: (typeof FAULTS)[number],
  chance: Chance,
  reached: Set<string>,
): void {
  const strike = () => {
    if (world.time.elapsed > BUSY_MS - 1_000) return;
    world.time.after(chance.between(500, fault === "node" ? 60_000 : 20_000), strike);
    reached.add(fault);
    const host = chance.pick(world.hosts);
    switch (fault) {
      case "kill":
        world.killWorker(host);
        return void world.time.after(chance.between(1, 60_000), () => void world.bootWorker(host));
      case "freeze":
        return world.freezeWorker(host, chance.between(10, 60_000));
      case "cut":
        return world.cutOff(host, chance.between(10, 60_000));
      case "server-exits": {
        const live = host.model.live();
        return live.length > 0
          ? host.model.end(chance.pick(live), chance.between(0, 1))
          : undefined;
      }
      case "node":
        return world.crashNode();
    }
  };
  world.time.after(chance.between(100, 20_000), strike);
}

function tellLog(world: FleetWorld, { log }: Evidence): void {
  for (const { position, instanceId, version, type, data, at } of log) {
    const text = JSON.stringify(data).slice(0, 300);
    world.story.push(`log ${at} ${position} ${instanceId} v${version} ${type} ${text}`);
  }
}
