/** Draws what a seed comes to: the shape of the world, which faults exist in it, and when who does what. */
import { specificationSchema } from "../../events/specification.ts";
import type { JsonObject } from "../../events/json.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { Chance } from "./chance.ts";
import { FAULT_KINDS, type FaultKind, type FaultStep, type Plan, type Shape } from "./plan.ts";
import type { RequestStep, Step } from "./plan.ts";

/** What is not left to the seed. */
export interface DrawOptions {
  /** Only these; default: each seed draws its own. */
  faults?: readonly FaultKind[];
  form?: Shape["form"];
}

const BUSY_MS_MIN = 25_000;
const BUSY_MS_MAX = 50_000;
const REQUESTS_MIN = 210;
const REQUESTS_MAX = 245;
const FAULTS_MIN = 28;
const FAULTS_MAX = 45;
const INSTANCES_FIRST = 3;
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
  "snapshot-saved",
  "log-cut",
];

/** The plan of a seed: the same for the same seed and options. */
export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  const chance = new Chance(seed).stream("plan");
  const shape = drawShape(chance.stream("shape"), options.form);
  const possible = (options.faults ?? FAULT_KINDS).filter(OF_FORM[shape.form]);
  const swarm = chance.stream("swarm");
  const drawn = options.faults ? possible : possible.filter(() => swarm.happens(0.4));
  const faults = drawn.length > 0 ? drawn : possible.slice(0, 1);
  const users = withKeys(!faults.includes("log-cut"), drawUsers(chance.stream("users"), shape));
  const steps: Step[] = [
    ...users,
    ...drawMoves(chance.stream("moves"), shape, users),
    ...drawFaults(chance.stream("faults"), shape, faults),
  ];
  const sickness = chance.stream("sickness");
  steps.forEach((step, index) => addSickness(step, sickness.stream(String(index))));
  return { seed, shape, faults, steps: steps.sort((a, b) => a.atMs - b.atMs) };
}

/** The answers to keys are kept for a day, and what they stand for with them: no run is long enough to cut those. */
function withKeys(mayHave: boolean, steps: Step[]): Step[] {
  return mayHave
    ? steps
    : steps.map((step) => step.kind === "request" ? { ...step, key: null } : step);
}

/** Drawn by itself, so that it shifts no other draw. */
function addSickness(step: Step, chance: Chance): void {
  if (step.kind !== "request" || !chance.happens(0.2)) return;
  const { request } = step;
  const configuration = request.type === "create"
    ? request.specification.configuration
    : request.type === "start"
    ? request.configuration
    : request.type === "configure"
    ? request.changes.configuration
    : undefined;
  if (configuration) configuration.env = { ...configuration.env as JsonObject, SICK: "1" };
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
  const users = new PlannedUsers(chance, shape);
  const times = drawTimes(chance, shape);
  return times.flatMap((atMs, index) => users.stepsAt(atMs, index < INSTANCES_FIRST));
}

/** Bursts: what comes within milliseconds meets what is under way. */
function drawTimes(chance: Chance, { busyMs }: Shape): number[] {
  const count = chance.between(REQUESTS_MIN, REQUESTS_MAX);
  const times: number[] = [];
  while (times.length < count) {
    const last = times.at(-1);
    times.push(
      last !== undefined && chance.happens(0.4)
        ? Math.min(last + chance.between(0, 40), busyMs)
        : chance.between(QUIET_MS, busyMs),
    );
  }
  return times.sort((a, b) => a - b);
}

/** Draws in the order of time, so that most requests are about instances that there are. */
class PlannedUsers {
  private instances = 0;
  /** Of which nobody has asked for the end. */
  private alive: number[] = [];
  private readonly keyed: RequestStep[] = [];

  constructor(private readonly chance: Chance, private readonly shape: Shape) {}

  stepsAt(atMs: number, isFirst: boolean): Step[] {
    const { chance } = this;
    const again = !isFirst && this.keyed.length > 0 && chance.happens(0.08);
    const request = again ? { ...chance.pick(this.keyed) } : this.draw(isFirst);
    const { user, node } = this.drawAsker();
    const step: RequestStep = { ...request, atMs, user, node };
    if (step.key !== null && !again) this.keyed.push(step);
    if (!chance.happens(0.3)) return [step];
    return [step, { kind: "read", atMs, ...this.drawAsker(), instance: step.instance }];
  }

  private drawAsker() {
    const { chance, shape } = this;
    return { user: chance.between(0, USERS - 1), node: chance.between(0, shape.nodes - 1) };
  }

  private draw(isFirst: boolean): RequestStep {
    const { chance, shape } = this;
    const isNew = isFirst || this.alive.length < INSTANCES_FIRST ||
      (this.alive.length < INSTANCES_MAX && chance.happens(0.03));
    const request = isNew ? drawCreate(chance, shape) : drawRequest(chance);
    const instance = isNew
      ? this.instances++
      : chance.happens(0.9)
      ? chance.pick(this.alive)
      : chance.between(0, this.instances - 1);
    if (isNew) this.alive.push(instance);
    if (request.type === "delete") this.alive = this.alive.filter((one) => one !== instance);
    return {
      kind: "request",
      atMs: 0,
      user: 0,
      node: 0,
      instance,
      request,
      timeoutMs: chance.between(50, 15_000),
      wait: chance.happens(0.7),
      key: chance.happens(0.3) ? this.keyed.length : null,
    };
  }
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
      workerLabels: drawWorkerLabels(chance, 0.15, shape),
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

/** How often a move follows a request, and by how much: what was stopped may have been, what was started have failed. */
const MOVES_AFTER: Readonly<Record<string, { share: number; withinMs: number }>> = {
  stop: { share: 0.2, withinMs: 3_000 },
  start: { share: 0.03, withinMs: 8_000 },
};

/** Drawn by themselves, so that they shift no other draw. */
function drawMoves(chance: Chance, shape: Shape, users: readonly Step[]): Step[] {
  return users.flatMap((step) => {
    const after = step.kind === "request" ? MOVES_AFTER[step.request.type] : undefined;
    if (step.kind !== "request" || !after || !chance.happens(after.share)) return [];
    const atMs = step.atMs + chance.between(0, after.withinMs);
    return [{ ...step, atMs, request: drawMove(chance, shape), key: null }];
  });
}

function drawMove(chance: Chance, shape: Shape): InstanceRequest {
  return {
    type: "move",
    to: {
      platform: "process",
      configuration: drawConfiguration(chance),
      workerLabels: drawWorkerLabels(chance, 0.5, shape),
    },
    force: chance.happens(0.2),
  };
}

function drawWorkerLabels(chance: Chance, share: number, shape: Shape): Record<string, string> {
  return chance.happens(share) ? { host: hostName(chance.between(0, shape.hosts - 1)) } : {};
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
