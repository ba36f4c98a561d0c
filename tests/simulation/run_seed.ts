/** One seed, from an empty world through random users and faults to rest. The same seed gives the same run. */
import type { InstanceState } from "../../machines/lifecycle.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { specificationSchema } from "../../events/specification.ts";
import { Chance } from "./chance.ts";
import { ALWAYS, AT_REST, type Evidence, firstBroken, neverTwo } from "./invariants.ts";
import { type Mutation, World } from "./world.ts";

/** What a run came to. `violation` is null when every invariant held. */
export interface SeedResult {
  seed: number;
  violation: string | null;
  story: string[];
  events: number;
  requests: number;
  crashes: number;
  /** `status × event type` pairs and faults that were reached. */
  reached: Set<string>;
}

const BUSY_MS = 60_000;
/** Longer than the slowest shim, the longest deadline and a restart's back-off. */
const REST_MS = 90_000;
const INSTANCES_MAX = 5;
const FAULTS = [
  "records-lost",
  "crash",
  "crash-after-commit",
  "freeze",
  "full-disk",
  "server-exits",
  "crash-twice",
] as const;

export async function runSeed(seed: number, mutation: Mutation | null = null): Promise<SeedResult> {
  const chance = new Chance(seed).stream("plan");
  const world = new World(seed, mutation);
  const reached = new Set<string>();
  let violation: string | null = null;
  const watch = () => void (violation ??= neverTwo(world.host));
  // Swarm: each seed draws which faults exist at all (Groce et al., ISSTA 2012).
  const faults = FAULTS.filter(() => chance.happens(0.5));
  void world.boot();
  scheduleUsers(world, chance.stream("users"));
  for (const fault of faults) scheduleFault(world, fault, chance.stream(fault), reached);
  await world.time.run(BUSY_MS, watch, () => violation !== null);
  world.say("calm");
  await world.time.run(BUSY_MS + REST_MS, watch, () => violation !== null);
  const evidence = await collect(world);
  violation ??= firstBroken(ALWAYS, evidence) ?? firstBroken(AT_REST, evidence);
  if (violation) {
    for (const { position, instanceId, version, type, data } of evidence.log) {
      world.story.push(
        `log ${position} ${instanceId} v${version} ${type} ${JSON.stringify(data).slice(0, 300)}`,
      );
    }
  }
  for (const event of evidence.log) reached.add(event.type);
  for (const record of world.records) reached.add(`told ${record.told?.kind ?? "nothing"}`);
  return {
    seed,
    violation,
    story: world.story,
    events: evidence.log.length,
    requests: world.records.length,
    crashes: world.crashes,
    reached,
  };
}

async function collect(world: World): Promise<Evidence> {
  const states: InstanceState[] = [];
  for (const status of [undefined, "Deleted"] as const) {
    const page = await world.system?.list({ limit: 1_000, ...(status ? { status } : {}) });
    states.push(...page?.items ?? []);
  }
  return {
    log: await world.log(),
    records: world.records,
    host: world.host,
    states,
    inFlight: await world.inFlight(),
    bugs: world.bugs,
  };
}

function scheduleUsers(world: World, chance: Chance): void {
  const known: string[] = [];
  const used: { instanceId: string | null; request: InstanceRequest; key: string }[] = [];
  const act = () => {
    if (world.time.elapsed > BUSY_MS - 1_000) return;
    world.time.after(chance.happens(0.3) ? chance.between(1, 60) : chance.between(5, 1_500), act);
    const again = used.length > 0 && chance.happens(0.15) ? chance.pick(used) : null;
    const instanceId = again
      ? again.instanceId
      : known.length < 2 || (known.length < INSTANCES_MAX && chance.happens(0.1))
      ? null
      : chance.pick(known);
    const request = again?.request ?? drawRequest(instanceId, chance);
    const key = again?.key ?? (chance.happens(0.3) ? `key-${used.length + 1}` : null);
    if (key && !again) used.push({ instanceId, request, key });
    for (const one of world.deleted()) known.splice(known.indexOf(one) >>> 0, 1);
    const record = world.request(instanceId, request, {
      timeoutMs: chance.between(50, 10_000),
      wait: chance.happens(0.7),
      requestedBy: "user",
      ...(key ? { idempotency: { key, digest: JSON.stringify(request) } } : {}),
    });
    if (record && instanceId === null) rememberWhenTold(world, record, known);
  };
  world.time.after(10, act);
}

function rememberWhenTold(world: World, record: { told: unknown }, known: string[]): void {
  world.time.after(50, () => {
    const told = record.told as { kind: string; instanceId?: string } | null;
    if (told?.kind === "fact" && told.instanceId && !known.includes(told.instanceId)) {
      known.push(told.instanceId);
    }
  });
}

function drawRequest(instanceId: string | null, chance: Chance): InstanceRequest {
  if (instanceId === null) {
    return {
      type: "create",
      specification: specificationSchema.parse({
        name: "simulated",
        template: "command",
        configuration: configuration(chance),
        restartPolicy: {
          mode: chance.pick(["never", "on-failure", "always"]),
          maxStarts: chance.between(1, 10),
          capMs: 5_000,
        },
      }),
    };
  }
  if (chance.happens(0.06)) return { type: "delete", force: chance.happens(0.5) };
  return chance.pick<InstanceRequest>([
    { type: "start" },
    { type: "start" },
    { type: "start" },
    { type: "start" },
    { type: "start", configuration: configuration(chance) },
    { type: "stop" },
    { type: "stop" },
    { type: "restart" },
    { type: "restart" },
    { type: "configure", changes: { configuration: configuration(chance) } },
  ]);
}

/** The model platform reads these from the environment of the command: how the server will behave. */
function configuration(chance: Chance) {
  const behaviours = ["crashes", "stubborn", "slow", "invalid"].filter(() => chance.happens(0.2));
  return {
    command: ["/bin/server"],
    env: Object.fromEntries(behaviours.map((name) => [name.toUpperCase(), "1"])),
  };
}

function scheduleFault(
  world: World,
  fault: (typeof FAULTS)[number],
  chance: Chance,
  reached: Set<string>,
): void {
  const strike = () => {
    if (world.time.elapsed > BUSY_MS - 1_000) return;
    world.time.after(chance.between(300, 10_000), strike);
    reached.add(fault);
    if (fault === "server-exits") {
      const live = world.host.live();
      if (live.length > 0) world.host.end(chance.pick(live), chance.between(0, 1));
    } else if (fault === "freeze") world.freeze(chance.between(10, 15_000));
    else if (fault === "full-disk") world.failNextCommit();
    else if (world.isUp) {
      if (fault === "crash-after-commit") world.crashAfterNextCommit();
      else world.crash(fault);
      const [live] = world.host.live();
      if (fault === "records-lost" && live) world.host.loseRecord(live);
    }
  };
  world.time.after(chance.between(100, 20_000), strike);
}
