/**
 * What the simulated cluster tells the judge, as it happens, and what it lets him look at. All times are virtual
 * milliseconds of one clock, unless they are said to be the log's.
 */
import type { Incident } from "../../../actors/system_port.ts";
import type { RecordedEvent } from "../../../events/envelope.ts";
import type { Position } from "../../../events/envelope.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import type { PositionForm, Written } from "../../history/ledger.ts";
import type { ProcessChange } from "../../history/process_lives.ts";

export type { Operation, Outcome, Read } from "../../history/operations.ts";
export type { PositionForm, ProcessChange, Written };

/** A server's process that a shim is about to begin; told before `began`. */
export interface SpawnOrder {
  at: number;
  instanceId: string;
  runId: string;
  host: string;
  workerId: string;
  /** The fence that it carries. */
  generation: number;
  attempt: number;
  /** Nothing may be spawned after this: its accept, and 10 s. */
  deadline: number;
  leaseMs: number | null;
}

/** Redis came back without its newest events. */
export interface RollbackSeen {
  at: number;
  lost: ReadonlySet<Position>;
  /** What an acknowledgement was worth: where it is `disk`, nothing may be lost. */
  durability: "process" | "disk";
}

/** A step of the log that carries a leader's token, and was done (not refused). */
export interface FencedStep {
  kind: "lead" | "snapshot" | "trim" | "retarget" | "lose";
  at: number;
  fence: number;
  /** The newest token that had been given out by then. */
  newestFence: number;
  /** For `lead`: until when another node's lease lasts, if one had it. */
  rivalUntil?: number;
  /** For `trim`: everything before it is gone. */
  before?: Position;
}

/** After it nobody is lost for one lease. Rule 8. */
export interface Disturbance {
  kind: "redis-back" | "leader-changed" | "leader-reconnected";
  at: number;
}

/** A new incarnation of a worker is there. */
export interface Registration {
  at: number;
  workerId: string;
  incarnation: string;
  host: string;
  site: string;
  labels: Readonly<Record<string, string>>;
}

/** What can be asked at any time: cheap, and of the model, not of the programs. */
export interface Surroundings {
  /** When the log last took a beat (or an accept) of this worker; null for never. */
  heardAt(workerId: string): number | null;
  /**
   * Since when everything but this worker is in order: Redis, every node, the leader's lease, and at least one other
   * worker that has free slots. `Infinity` while it is not.
   */
  undisturbedSince(exceptWorkerId: string | null): number;
}

/** A node, as it can be looked at between two steps. */
export interface NodeView {
  name: string;
  /** What its table holds now; nothing while it is down or recovering. */
  states(): Iterable<InstanceState>;
}

/** The whole world, every hundred steps. */
export interface WorldView {
  at: number;
  /** The log's clock. */
  logAt: number;
  nodes: readonly NodeView[];
  /** Commands that the bus holds: waiting or accepted; null where nobody can say now. */
  inFlight: readonly string[] | null;
  /** Entries of the command streams, one for each; null where the form has none. */
  waiting: readonly string[] | null;
  /** How often the most offered of these was offered. */
  offeredMost: number;
  /** What nodes have told of the log. */
  incidents: readonly Incident["code"][];
  /** What only a fault in the program can bring about. */
  bugs: readonly unknown[];
}

/** The world at rest: faults have stopped, and it has had time. */
export interface RestingView extends WorldView {
  /** The log as the production code reads it, from its first event that is not cut; null when it cannot be read. */
  log: readonly RecordedEvent[] | null;
  /** Up to here it was cut; `START` for a whole one. */
  cut: Position;
}
