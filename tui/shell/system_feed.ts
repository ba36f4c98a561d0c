/** What the fleet tells, as actions: all of it once, then what changes, and whether it is heard. */
import type { Clock } from "../../events/clock.ts";
import { sleep } from "../../events/clock.ts";
import type { FleetNews, FleetPort } from "../../http/client/fleet_port.ts";
import type { SystemAction } from "../model/action.ts";
import { ChangedInstances } from "./changed_instances.ts";

export interface FeedParts {
  fleet: FleetPort;
  clock: Clock;
  post(action: SystemAction): void;
}

const TICK_MS = 1_000;
const RETRY_MS = 1_000;

/** Follows the fleet until `signal` is aborted. */
export function openFeed(parts: FeedParts, signal: AbortSignal): void {
  const { fleet, clock, post } = parts;
  const changed = new ChangedInstances(parts);
  let listing = Promise.resolve();
  /** What is read once the fleet is heard misses nothing of what is told from then on. */
  const relist = () => {
    changed.hold();
    listing = listing.then(async () => {
      await list(parts, signal);
      changed.goOn();
    });
  };
  const hear = (news: FleetNews) => {
    switch (news.kind) {
      case "availability":
        post({ type: "availability", availability: news.availability });
        if (news.availability.kind === "live") relist();
        return;
      case "event":
        post({ type: "events", events: [news.event] });
        return changed.add(news.event.instanceId);
      case "gap":
        post({ type: "gap", text: news.detail });
        return relist();
    }
  };
  const watch = fleet.watch(hear);
  signal.addEventListener("abort", () => {
    watch.close();
    changed.close();
  }, { once: true });
  void tick(clock, signal, () => {
    post({ type: "tick", now: clock.now() });
    changed.again();
  });
}

/** Tries until the fleet was read, each second. */
async function list({ fleet, clock, post }: FeedParts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items } = await fleet.instances.list();
      if (!signal.aborted) post({ type: "listed", items });
      return;
    } catch {
      // Why it is not heard is told by the watch, and by the readiness that is asked for.
      await sleep(clock, RETRY_MS, signal);
    }
  }
}

async function tick(clock: Clock, signal: AbortSignal, run: () => void): Promise<void> {
  while (!signal.aborted) {
    run();
    await sleep(clock, TICK_MS, signal);
  }
}
