/** What a seed comes to before anything runs: the size of the world, its faults and its users' requests, as plain data. */
import type { InstanceRequest } from "../../machines/requests.ts";

/** What can be taken from a run without making the rest another one. Times are virtual milliseconds since its beginning. */
export interface Plan {
  seed: number;
  shape: Shape;
  /** The kinds of faults that this seed has at all. Swarm testing: Groce et al., ISSTA 2012. */
  faults: readonly FaultKind[];
  /** By time. */
  steps: readonly Step[];
}

/** The size and form of the world. */
export interface Shape {
  /** One process with its worker on an embedded log, or nodes and workers over Redis. */
  form: "embedded" | "redis";
  nodes: number;
  /** Hosts, each with a worker. */
  hosts: number;
  /** How soon Redis forces what it has acknowledged to the disk. */
  fsync: "everysec" | "always";
  /** From here on nothing more goes wrong, and nobody asks. */
  busyMs: number;
}

export type Step = RequestStep | ReadStep | FaultStep;

/** A request of a user. It is left out when nobody has been told of its instance by then. */
export interface RequestStep {
  kind: "request";
  atMs: number;
  /** Who asks: one user sees a session, whose reads never go back. */
  user: number;
  /** Through which node. */
  node: number;
  /** The instance: the number that its create has among the creates. */
  instance: number;
  request: InstanceRequest;
  timeoutMs: number;
  wait: boolean;
  /** The idempotency key's number; null: none. */
  key: number | null;
}

/** A user looks at an instance. */
export interface ReadStep {
  kind: "read";
  atMs: number;
  user: number;
  node: number;
  instance: number;
}

/** What can go wrong, and what it happens to. */
export const FAULT_KINDS = [
  // A node: kill -9, SIGSTOP, its connections cut or silent.
  "node-killed",
  "node-frozen",
  "node-cut",
  "node-silent",
  // A worker: the same.
  "worker-killed",
  "worker-frozen",
  "worker-cut",
  "worker-silent",
  // A worker is stopped, and its service manager starts another process of it beside.
  "worker-doubled",
  // A host with all that runs on it: stopped and thawed, or rebooted.
  "host-frozen",
  "host-rebooted",
  // An admin: keeps new work from a worker for a while, or gives it up.
  "worker-drained",
  "worker-forgotten",
  // A server: it ends by itself; it ends and its records are lost.
  "server-exits",
  "records-lost",
  // Redis: killed and started again with or without its unsynced end; slow; refusing.
  "redis-killed",
  "redis-rolled-back",
  "redis-slow",
  "redis-full",
  "redis-read-only",
  "redis-loses-functions",
  // Clocks that jump.
  "redis-clock-jumps",
  "node-clock-jumps",
  // The embedded form: kill -9 right after a commit, and a full disk.
  "killed-after-commit",
  "disk-full",
  // A worker that takes commands and never comes to accept them.
  "worker-chokes",
  // What the leader does now and then, at a bad moment: saves a snapshot; cuts the log.
  "snapshot-saved",
  "log-cut",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultStep {
  kind: FaultKind;
  atMs: number;
  /** Which of its kind (a node, a host …), by number; taken modulo how many there are. */
  target: number;
  durationMs: number;
}

/** Whether a step is something that goes wrong, or that an admin does. */
export function isFault(step: Step): step is FaultStep {
  return step.kind !== "request" && step.kind !== "read";
}
