/** Moves placed starts that nobody takes to where somebody would. Design §4 rule 5. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import { UNPLACED_SITE } from "../events/commands.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { bestWorker, isServed, wantedBy } from "../machines/placement.ts";
import { mayRun } from "../machines/status.ts";
import type { PlacedStart, WatchedFleet } from "./watched_fleet.ts";

export interface StartMovesParts {
  bus: CommandBus;
  clock: Clock;
  fence(): number | null;
  stateOf(instanceId: string): InstanceState | undefined;
}

/** A worker that comes back soon finds its starts where they were. */
const MOVE_AFTER_MS = 2_000;

export class StartMoves {
  /** Where starts were moved to, by command: the log does not say. */
  private readonly moved = new Map<string, string>();

  constructor(private readonly parts: StartMovesParts) {}

  /**
   * Moves each start whose site is served by no live worker, if another worker may have it; never one that may have
   * left a server behind, and never away from a live worker that is merely slow.
   */
  async react({ fleet, placedStarts }: WatchedFleet): Promise<void> {
    this.forgetEnded(placedStarts);
    const now = this.parts.clock.monotonic();
    let known: Map<string, string | null> | null = null;
    for (const [instanceId, { commandId, site: placedAt, since }] of placedStarts) {
      const site = this.moved.get(commandId) ?? placedAt;
      if (site !== UNPLACED_SITE && now - since < MOVE_AFTER_MS) continue;
      const state = this.parts.stateOf(instanceId);
      if (!state || mayRun(state)) continue;
      const wanted = wantedBy(state);
      if (isServed(site, wanted.platform, fleet)) continue;
      const best = bestWorker(wanted, fleet)?.worker;
      if (!best || best.site === site) continue;
      // Another leader may have moved it before this one led.
      known ??= await this.sites();
      const present = known.get(commandId);
      if (present === undefined) continue;
      if (present !== site && (present === null || isServed(present, wanted.platform, fleet))) {
        if (present !== null) this.moved.set(commandId, present);
        continue;
      }
      const fence = this.parts.fence();
      if (fence === null) return;
      if (await this.parts.bus.retarget(commandId, best.site, fence)) {
        this.moved.set(commandId, best.site);
      }
    }
  }

  private async sites(): Promise<Map<string, string | null>> {
    const waiting = (await this.parts.bus.inFlight()).filter((record) => !record.accepted);
    return new Map(waiting.map(({ command }) => [command.messageId, command.site]));
  }

  private forgetEnded(placedStarts: ReadonlyMap<string, PlacedStart>): void {
    if (this.moved.size === 0) return;
    const waiting = new Set([...placedStarts.values()].map((start) => start.commandId));
    for (const commandId of this.moved.keys()) {
      if (!waiting.has(commandId)) this.moved.delete(commandId);
    }
  }
}
