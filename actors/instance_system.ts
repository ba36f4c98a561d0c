/** The instance system: asks go to the instance's actor, and wait outside for the end of their command. Design §3. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus, WorkerRecord } from "../events/command_bus.ts";
import type { Position, RecordedEvent } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type {
  EventLog,
  Leadership,
  LogAvailability,
  LogRetention,
  Subscription,
} from "../events/event_log.ts";
import type { Ids, Randomness } from "../events/ids.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { Asker } from "./asker.ts";
import { pageOf } from "./fleet_query.ts";
import { InstanceActor } from "./instance_actor.ts";
import { InstanceTable } from "./instance_table.ts";
import { Leader } from "./leader.ts";
import { recover, type Recovered, saveSnapshot } from "./recovery.ts";
import type {
  AskOptions,
  AskOutcome,
  InstancePage,
  InstanceSystem,
  ListFilter,
  SystemStatus,
} from "./system_port.ts";

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
}

const LEASE_MS = 10_000;
const SNAPSHOT_EVERY_EVENTS = 20_000;

/** Recovers the fleet and opens for requests. */
export async function openInstanceSystem(parts: SystemParts): Promise<FleetSystem> {
  const system = new FleetSystem(parts);
  await system.open();
  return system;
}

/** The one implementation of `InstanceSystem` in the node's own process. */
export class FleetSystem implements InstanceSystem {
  private readonly table = new InstanceTable();
  private readonly actors = new Map<string, InstanceActor>();
  private readonly leader: Leader;
  private readonly asker: Asker;
  private recovered: Recovered | null = null;
  private fence: number | null = null;
  private closing = false;
  private eventsSinceSnapshot = 0;

  constructor(private readonly parts: SystemParts) {
    this.asker = new Asker({
      ...parts,
      table: this.table,
      takeTurn: (instanceId, turn) => this.actor(instanceId).take(turn),
    });
    this.leader = new Leader(
      { ...parts, takeTurn: (instanceId, turn) => this.actor(instanceId).take(turn, true) },
      (instanceId) => this.table.state(instanceId),
    );
  }

  /** Recovers, then leads if the lease is to be had. */
  async open(): Promise<void> {
    this.recovered = await recover(this.parts.log, this.parts.retention, this.table);
    this.table.onChange = (state) => {
      this.leader.consider(state);
      this.countTowardsSnapshot();
    };
    this.fence = await this.parts.leadership.acquire(this.parts.nodeId, LEASE_MS);
    if (this.fence !== null) this.leader.lead(this.table.all());
  }

  /** What the recovery found: instances in the snapshot, events folded after it. */
  get recovery(): { fromSnapshot: number; events: number } {
    return { fromSnapshot: this.recovered?.fromSnapshot ?? 0, events: this.recovered?.events ?? 0 };
  }

  async ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome> {
    if (this.closing) {
      throw new OperationalError(
        "shutting_down",
        "This node is shutting down.",
        true,
        "Ask again in a moment.",
      );
    }
    return await this.asker.ask(instanceId, request, options);
  }

  tell(instanceId: string, request: InstanceRequest, requestedBy: string): Promise<AskOutcome> {
    return this.ask(instanceId, request, {
      timeoutMs: this.parts.queueTimeoutMs,
      wait: false,
      requestedBy,
    });
  }

  async get(instanceId: string): Promise<InstanceState | undefined> {
    return this.table.state(instanceId);
  }

  async list(filter: ListFilter): Promise<InstancePage> {
    return { ...pageOf(this.table.all(), filter), position: this.table.position };
  }

  history(instanceId: string, limit: number, beforeVersion?: number): Promise<RecordedEvent[]> {
    return this.parts.log.history(instanceId, limit, beforeVersion);
  }

  async logs(instanceId: string, tailLines: number): Promise<string[]> {
    const site = this.table.state(instanceId)?.context.run?.site;
    return site
      ? await this.parts.bus.query(site, { type: "logs", instanceId, tailLines }, 5_000)
      : [];
  }

  observe(
    listener: (events: RecordedEvent[]) => void,
    after?: Position,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    return this.parts.log.tail(after ?? this.table.position, listener, signal);
  }

  workers(): Promise<WorkerRecord[]> {
    return this.parts.bus.workers();
  }

  async status(): Promise<SystemStatus> {
    const reasons = this.closing
      ? ["it is shutting down"]
      : this.recovered
      ? []
      : ["it is recovering"];
    return {
      ready: reasons.length === 0,
      reasons,
      durability: await this.parts.log.durability(),
      position: this.table.position,
      instances: this.table.fleetSize,
      commandsInFlight: (await this.parts.bus.inFlight()).length,
    };
  }

  async shutdown(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.leader.stop();
    if (this.fence !== null) {
      await saveSnapshot(this.parts.retention, this.table, this.fence);
      await this.parts.leadership.release(this.parts.nodeId);
    }
    this.recovered?.tail.close();
  }

  private actor(instanceId: string): InstanceActor {
    let actor = this.actors.get(instanceId);
    if (!actor) {
      actor = new InstanceActor(
        instanceId,
        this.parts.log,
        this.table,
        () => this.actors.delete(instanceId),
      );
      this.actors.set(instanceId, actor);
    }
    return actor;
  }

  private countTowardsSnapshot(): void {
    if (++this.eventsSinceSnapshot < SNAPSHOT_EVERY_EVENTS || this.fence === null) return;
    this.eventsSinceSnapshot = 0;
    const { fence } = this;
    // Off the fold's own stack: what is being folded must be in the table as a whole first.
    this.parts.clock.after(0, () => {
      if (!this.closing) {
        saveSnapshot(this.parts.retention, this.table, fence).catch(this.parts.onBug);
      }
    });
  }
}
