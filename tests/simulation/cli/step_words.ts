/** Plans in words: the shape in one sentence, and each step with its time. */
import { hostName } from "../draw_plan.ts";
import {
  type FaultKind,
  type FaultStep,
  isFault,
  type Plan,
  type Shape,
  type Step,
} from "../plan.ts";

/** The shape of a world in one sentence. */
export function shapeSentence(shape: Shape): string {
  const calm = `nothing more goes wrong after ${seconds(shape.busyMs)}.`;
  if (shape.form === "embedded") return `One process with its worker on an embedded log; ${calm}`;
  const forced = shape.fsync === "always" ? "forced to the disk with each write" : "each second";
  const disk = shape.fsync === "always" ? forced : `forced to the disk ${forced}`;
  return `${count(shape.nodes, "node")} and ${
    count(shape.hosts, "host").toLowerCase()
  } with a worker each ` +
    `over Redis, which is ${disk}; ${calm}`;
}

/** One line for each step, by time. */
export function stepLines({ steps, shape }: Plan): string[] {
  return steps.map((step) => `${time(step.atMs)}  ${stepWords(step, shape)}`);
}

/** A line of a run's story (`1250 what happened`) with its time as `stepLines` shows it. */
export function storyLine(line: string): string {
  const [, ms, text] = /^(\d+(?:\.\d+)?) (.*)$/s.exec(line) ?? [];
  return ms === undefined ? line : `${time(Number(ms))}  ${text}`;
}

/** A duration for people: `250 ms`, `1.5 s`, `2 min`. */
export function seconds(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

function time(ms: number): string {
  return `${(ms / 1_000).toFixed(3).padStart(9)} s`;
}

function count(amount: number, noun: string): string {
  const words = ["No", "One", "Two", "Three", "Four", "Five", "Six"];
  return `${words[amount] ?? amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function stepWords(step: Step, shape: Shape): string {
  if (isFault(step)) return faultWords(step, shape);
  const who = `user ${step.user}`;
  const node = `node ${step.node % shape.nodes + 1}`;
  if (step.kind === "read") return `${who} reads instance ${step.instance} from ${node}`;
  const limits = [
    step.wait ? `waits up to ${seconds(step.timeoutMs)}` : "waits for nothing",
    ...(step.key === null ? [] : [`key ${step.key}`]),
  ];
  return `${who} asks ${node} to ${requestWords(step.request)} instance ${step.instance} ` +
    `(${limits.join(", ")})`;
}

function requestWords(request: Extract<Step, { kind: "request" }>["request"]): string {
  if (request.type === "delete" && request.force) return "delete by force";
  return request.type;
}

/** What happens, to which one, and for how long where that means something. */
const FAULT_WORDS: Readonly<Record<FaultKind, (step: FaultStep, shape: Shape) => string>> = {
  "node-killed": (step, shape) =>
    `${node(step, shape)} is killed, and is back after ${lasting(step)}`,
  "node-frozen": (step, shape) => `${node(step, shape)} is stopped for ${lasting(step)}`,
  "node-cut": (step, shape) => `${node(step, shape)}'s connections to Redis are cut`,
  "node-silent": (step, shape) =>
    `${node(step, shape)} and Redis do not hear each other for ${lasting(step)}`,
  "worker-killed": (step, shape) =>
    `${worker(step, shape)} is killed, and is back after ${lasting(step)}`,
  "worker-frozen": (step, shape) => `${worker(step, shape)} is stopped for ${lasting(step)}`,
  "worker-cut": (step, shape) => `${worker(step, shape)}'s connections to Redis are cut`,
  "worker-silent": (step, shape) =>
    `${worker(step, shape)} and Redis do not hear each other for ${lasting(step)}`,
  "worker-doubled": (step, shape) =>
    `${worker(step, shape)} is stopped for ${lasting(step)}, and a second process of it begins`,
  "host-frozen": (step, shape) =>
    `${host(step, shape)} is stopped with all on it for ${lasting(step)}`,
  "host-rebooted": (step, shape) =>
    `${host(step, shape)} is rebooted; its worker is back after ${lasting(step)}`,
  "worker-drained": (step, shape) => `an admin drains ${worker(step, shape)} for ${lasting(step)}`,
  "worker-forgotten": (step, shape) => `an admin forgets ${worker(step, shape)}`,
  "server-exits": ({ target, durationMs }) =>
    `live server number ${target + 1}, counted around, ends with ${durationMs % 2}`,
  "records-lost": ({ target }) =>
    `live server number ${target + 1}, counted around, ends, and its records are lost`,
  "redis-killed": (step) => `Redis is killed, and is back after ${lasting(step)}`,
  "redis-rolled-back": (step) =>
    `Redis loses what it acknowledges from here on, and is away for ${lasting(step)}`,
  "redis-slow": (step) => `Redis is slow for ${lasting(step)}`,
  "redis-full": (step) => `Redis' memory is full for ${lasting(step)}`,
  "redis-read-only": (step) => `Redis only reads for ${lasting(step)}`,
  "redis-loses-functions": () => "Redis loses its functions",
  "redis-clock-jumps": (step) => `Redis' clock jumps ${direction(step)}`,
  "node-clock-jumps": (step, shape) => `${node(step, shape)}'s clock jumps ${direction(step)}`,
  "killed-after-commit": (step) =>
    `the process is killed right after its next commit, and is back after ${lasting(step)}`,
  "disk-full": () => "the next commit finds the disk full",
  "worker-chokes": (step, shape) =>
    `${worker(step, shape)} fails at each command that it takes, for ${lasting(step)}`,
  "snapshot-saved": () => "the leader saves a snapshot",
  "log-cut": () => "the leader cuts the log",
};

function faultWords(step: FaultStep, shape: Shape): string {
  return FAULT_WORDS[step.kind](step, shape);
}

function node({ target }: FaultStep, { nodes }: Shape): string {
  return `node ${target % nodes + 1}`;
}

function host({ target }: FaultStep, { hosts }: Shape): string {
  return `host ${hostName(target % hosts)}`;
}

function worker({ target }: FaultStep, { hosts }: Shape): string {
  return `worker ${hostName(target % hosts)}`;
}

function lasting({ durationMs }: FaultStep): string {
  return seconds(durationMs);
}

function direction({ target }: FaultStep): string {
  return target % 2 === 0 ? "forward" : "back";
}
