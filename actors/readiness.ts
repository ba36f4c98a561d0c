/** How a node is: whether it can serve, and if not why; what was last heard of the log and the bus stands in while they are away. */
import type { CommandBus } from "../events/command_bus.ts";
import { OperationalError } from "../events/errors.ts";
import type { Durability, EventLog, LogAvailability } from "../events/event_log.ts";
import type { Incidents } from "./incidents.ts";
import type { InstanceTable } from "./instance_table.ts";
import type { LogFollower } from "./log_follower.ts";
import type { SystemStatus } from "./system_port.ts";

export interface ReadinessParts {
  log: EventLog;
  bus: CommandBus;
  availability: LogAvailability;
  table: InstanceTable;
  follower: LogFollower;
  incidents: Incidents;
  isClosing: () => boolean;
}

export class Readiness {
  private lastKnown: { durability: Durability; commandsInFlight: number } | null = null;

  constructor(private readonly parts: ReadinessParts) {}

  /** See `InstanceSystem.status`. */
  async status(): Promise<SystemStatus> {
    const { availability, follower, table, incidents, isClosing } = this.parts;
    const away = availability.away();
    const { unreadable } = follower;
    const reasons = [
      ...(isClosing() ? ["it is shutting down"] : []),
      ...(follower.isFolded ? [] : ["it is recovering"]),
      ...(away === null ? [] : [`the log is away: ${away}`]),
      ...(unreadable === null ? [] : [`it only reads: ${unreadable.message}`]),
    ];
    if (away === null) await this.hearOfLog(reasons);
    const { durability, commandsInFlight } = this.lastKnown ??
      { durability: "memory" as const, commandsInFlight: 0 };
    return {
      ready: reasons.length === 0,
      reasons,
      durability,
      position: table.position,
      instances: table.fleetSize,
      commandsInFlight,
      incidents: incidents.all,
    };
  }

  /** Asks the log and the bus; what they do not answer is a reason not to be ready. */
  private async hearOfLog(reasons: string[]): Promise<void> {
    try {
      const [durability, inFlight] = await Promise.all([
        this.parts.log.durability(),
        this.parts.bus.countInFlight(),
      ]);
      this.lastKnown = { durability, commandsInFlight: inFlight };
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      reasons.push(`the log does not answer: ${error.message}`);
    }
  }
}
