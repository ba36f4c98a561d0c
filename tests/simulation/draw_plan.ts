/** Draws what a seed comes to: the shape of the world, which faults exist in it, and when who does what. */
import { specificationSchema } from "../../events/specification.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { Chance } from "./chance.ts";
import { FAULT_KINDS, type FaultKind, type FaultStep, type Plan, type Shape } from "./plan.ts";
import type { ReadStep, RequestStep, Step } from "./plan.ts";

/** What is not left to the seed. */
export interface DrawOptions {
  /** Only these; default: each seed draws its own. */
  faults?: readonly FaultKind[];
  form?: Shape["form"];
}

const BUSY_MS_MIN = 40_000;
const BUSY_MS_MAX = 80_000;
const REQUESTS_MIN = 200;
const REQUESTS_MAX = 320;
const FAULTS_MIN = 20;
const FAULTS_MAX = 45;
const INSTANCES_MAX = 8;
const USERS = 4;
/** Nobody asks in the first moments: the programs are starting. */
const QUIET_MS = 500;

/** Which faults can strike a form at all. */
const OF_FORM: Readonly<Record<Shape["form"], (kind: FaultKind) => boolean>> = {
  embedded: (kind) => EMBEDDED_FAULTS.includes(kind),
  redis: (kind) => kind !== "killed-after-commit" && kind !== "disk-full",
};
const EMBEDDED_FAULTS: readonly FaultKind[] = [
  "node-killed",
  "node-frozen",
  "node-clock-jumps",
  "host-frozen",
  "host-rebooted",
  "server-exits",
  "records-lost",
  "killed-after-commit",
  "disk-full",
];

/** The plan of a seed: the same for the same seed and options. */
export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  const chance = new Chance(seed).stream("plan");
  const shape = drawShape(chance.stream("shape"), options.form);
  const possible = (options.faults ?? FAULT_KINDS).filter(OF_FORM[shape.form]);
  const swarm = chance.stream("swarm");
  const drawn = options.faults ? possible : possible.filter(() => swarm.happens(0.4));
  const faults = drawn.length > 0 ? drawn : possible.slice(0, 1);
  const steps: Step[] = [
    ...drawUsers(chance.stream("users"), shape),
    ...drawFaults(chance.stream("faults"), shape, faults),
  ];
  return { seed, shape, faults, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

function drawShape(chance: Chance, form?: Shape["form"]): Shape {
  const drawn = chance.happens(0.2) ? "embedded" : "redis";
  const isRedis = (form ?? drawn) === "redis";
  return {
    form: isRedis ? "redis" : "embedded",
    nodes: isRedis ? chance.between(1, 3) : 1,
    hosts: isRedis ? chance.between(1, 3) : 1,
    fsync: chance.pick(["everysec", "always"]),
    busyMs: chance.between(BUSY_MS_MIN, BUSY_MS_MAX),
  };
}

function drawUsers(chance: Chance, shape: Shape): Step[] {
  const instances = chance.between(2, INSTANCES_MAX);
  const count = chance.between(REQUESTS_MIN, REQUESTS_MAX);
  const steps: Step[] = [];
  const keyed: RequestStep[] = [];
  let keys = 0;
  for (let index = 0; index < count; index++) {
    // Bursts: what comes within milliseconds meets what is under way.
    const last = steps.at(-1)?.atMs ?? QUIET_MS;
    const atMs = index < instances
      ? QUIET_MS + index * chance.between(1, 400)
      : chance.happens(0.4)
      ? last + chance.between(0, 40)
      : chance.between(QUIET_MS, shape.busyMs);
    const again = keyed.length > 0 && chance.happens(0.08) ? chance.pick(keyed) : null;
    const step: RequestStep = {
      kind: "request",
      atMs: Math.min(atMs, shape.busyMs),
      user: chance.between(0, USERS - 1),
      node: chance.between(0, shape.nodes - 1),
      instance: again?.instance ?? (index < instances ? index : chance.between(0, instances - 1)),
      request: again?.request ??
        (index < instances ? drawCreate(chance, shape) : drawRequest(chance)),
      timeoutMs: chance.between(50, 15_000),
      wait: again?.wait ?? chance.happens(0.7),
      key: again?.key ?? (chance.happens(0.3) ? keys++ : null),
    };
    if (step.key !== null && !again) keyed.push(step);
    steps.push(step);
    if (chance.happens(0.3)) steps.push(drawRead(chance, shape, instances));
  }
  return steps;
}

function drawRead(chance: Chance, shape: Shape, instances: number): ReadStep {
  return {
    kind: "read",
    atMs: chance.between(QUIET_MS, shape.busyMs),
    user: chance.between(0, USERS - 1),
    node: chance.between(0, shape.nodes - 1),
    instance: chance.between(0, instances - 1),
  };
}

function drawCreate(chance: Chance, shape: Shape): InstanceRequest {
  return {
    type: "create",
    specification: specificationSchema.parse({
      // Names are for people: they need not differ.
      name: chance.pick(["blue", "green"]),
      template: "command",
      configuration: drawConfiguration(chance),
      restartPolicy: {
        mode: chance.pick(["never", "on-failure", "always"]),
        maxStarts: chance.between(1, 10),
        capMs: 5_000,
      },
      onWorkerLost: chance.pick(["wait", "reschedule", "reschedule"]),
      leaseMs: chance.pick([6_000, 6_000, 10_000, 15_000]),
      workerLabels: chance.happens(0.15)
        ? { host: hostName(chance.between(0, shape.hosts - 1)) }
        : {},
    }),
  };
}

function drawRequest(chance: Chance): InstanceRequest {
  if (chance.happens(0.02)) return { type: "delete", force: chance.happens(0.5) };
  return chance.pick<InstanceRequest>([
    { type: "start" },
    { type: "start" },
    { type: "start" },
    { type: "start" },
    { type: "start", configuration: drawConfiguration(chance) },
    { type: "stop" },
    { type: "stop" },
    { type: "restart" },
    { type: "restart" },
    { type: "configure", changes: { configuration: drawConfiguration(chance) } },
    { type: "configure", changes: { onWorkerLost: chance.pick(["wait", "reschedule"]) } },
  ]);
}

/** How the server will behave, as the model platform reads it from the environment. */
function drawConfiguration(chance: Chance) {
  const behaviours = ["crashes", "stubborn", "slow", "invalid"].filter(() => chance.happens(0.15));
  return {
    command: ["/bin/server"],
    env: Object.fromEntries(behaviours.map((name) => [name.toUpperCase(), "1"])),
  };
}

function drawFaults(chance: Chance, shape: Shape, faults: readonly FaultKind[]): FaultStep[] {
  const count = chance.between(FAULTS_MIN, FAULTS_MAX);
  return Array.from({ length: count }, (_, index) => {
    // Each kind of the seed at least once.
    const kind = faults[index] ?? chance.pick(faults);
    return {
      kind,
      atMs: chance.between(QUIET_MS, shape.busyMs - 1_000),
      target: chance.between(0, 5),
      durationMs: drawDuration(chance),
    };
  });
}

/** Mostly short; sometimes beyond every lease and limit. */
function drawDuration(chance: Chance): number {
  return Math.round(10 * 2 ** (chance.fraction() * 11));
}

/** What a host is called, also in its worker's labels. */
export function hostName(index: number): string {
  return "abcdef"[index]!;
}
