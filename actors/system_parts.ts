/** What an instance system is made of: its ports, its limits, and whom it tells. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import type { EventLog, Leadership, LogAvailability, LogRetention } from "../events/event_log.ts";
import type { Ids, Randomness } from "../events/ids.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import type { AskOptions, AskOutcome, Incident } from "./system_port.ts";

/** How long the answer to an idempotency key is kept where nothing else is said. Design §4 rule 11. */
export const KEYS_KEPT_MS = 24 * 3_600_000;

/** One ask, for who measures it: what `InstanceSystem.ask` was given. */
export interface Asked {
  instanceId: string | null;
  request: InstanceRequest;
  options: AskOptions;
}

/** What the system is made of: the ports and the limits. */
export interface SystemParts {
  log: EventLog;
  availability: LogAvailability;
  retention: LogRetention;
  leadership: Leadership;
  bus: CommandBus;
  clock: Clock;
  ids: Ids;
  randomness: Randomness;
  nodeId: string;
  /** How long a command waits for a worker when nobody waits for it. */
  queueTimeoutMs: number;
  /** The id of a new instance that carries an idempotency key: the same key, the same id. Design §4 rule 11. */
  deriveId(key: string): string;
  /** Called with what can only be a bug. */
  onBug(error: unknown): void;
  /** Told of what a person should know: the log lost events that were acknowledged. */
  onIncident?(incident: Incident): void;
  /** Called around each ask, for who measures it; gives what `ask` gives. */
  aroundAsk?(asked: Asked, ask: () => Promise<AskOutcome>): Promise<AskOutcome>;
  /** Makes work that waits for an actor's turn belong to whoever asked for it: to the same trace. */
  inContext?<T>(work: () => Promise<T>): () => Promise<T>;
  /** Events that are older are cut, milliseconds; left out: they are kept. Never younger than keys are kept. */
  retentionMs?: number | null;
  /** More events than this are cut, the oldest first; left out: all are kept. Never younger than keys are kept. */
  retentionEvents?: number | null;
  /** How long the answer to an idempotency key is kept, and the events that it stands for; a day when left out. */
  keysKeptMs?: number;
  /** A cut falls on a multiple of this many events. */
  markEvery?: number;
}
