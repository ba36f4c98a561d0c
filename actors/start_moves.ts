/** Moves placed starts that nobody takes to where somebody would. Design §4 rule 5. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import { UNPLACED_SITE } from "../events/commands.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { bestWorker, type Fleet, isServed, wantedBy } from "../machines/placement.ts";
import { mayRun } from "../machines/status.ts";
import type { WatchedFleet } from "./watched_fleet.ts";

export interface StartMovesParts {
  bus: CommandBus;
  clock: Clock;
  fence(): number | null;
  stateOf(instanceId: string): InstanceState | undefined;
}

/** A worker that comes back soon finds its starts where they were. */
const MOVE_AFTER_MS = 2_000;

export class StartMoves {
  constructor(private readonly parts: StartMovesParts) {}

  /**
   * Moves each start whose site is served by no live worker, if another worker may have it; never one that may have
   * left a server behind, and never away from a live worker that is merely slow.
   */
  async react(watched: WatchedFleet): Promise<void> {
    const { placedStarts } = watched;
    let { fleet } = watched;
    const now = this.parts.clock.monotonic();
    let known: Map<string, string | null> | null = null;
    for (const [instanceId, start] of placedStarts.all()) {
      const { commandId, site, since } = start;
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
        if (present !== null) placedStarts.moved(instanceId, start, present);
        continue;
      }
      const fence = this.parts.fence();
      if (fence === null) return;
      if (await this.parts.bus.retarget(commandId, best.site, fence)) {
        placedStarts.moved(instanceId, start, best.site);
        // Else all that a lost worker leaves behind would go to the one that was the least loaded.
        fleet = withOneMoreAt(best.site, fleet);
      }
    }
  }

  private async sites(): Promise<Map<string, string | null>> {
    const waiting = (await this.parts.bus.inFlight()).filter((record) => !record.accepted);
    return new Map(waiting.map(({ command }) => [command.messageId, command.site]));
  }
}

function withOneMoreAt(site: string, { workers, at }: Fleet): Fleet {
  const more = workers.map((worker) =>
    worker.site === site ? { ...worker, busy: worker.busy + 1 } : worker
  );
  return { workers: more, at };
}
