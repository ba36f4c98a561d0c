/** A program's way to Redis: opened with its settings, its warnings told, and its absences too. */
import { hostIds, hostRandomness } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openRedisBroker, type RedisBroker } from "../adapters/redis/redis_broker.ts";
import type { AvailabilityChange } from "../events/event_log.ts";
import type { Settings } from "../settings/settings.ts";
import { tellBug, type Voice } from "./terminal.ts";

/**
 * Opens what `settings.redisUrl` names.
 * @throws {OperationalError} as `openRedisBroker`
 */
export async function openRedis(settings: Settings): Promise<RedisBroker> {
  return await openRedisBroker({
    url: settings.redisUrl ?? "",
    namespace: settings.namespace,
    clock: hostClock,
    ids: hostIds,
    random: () => hostRandomness.fraction(),
    onBug: tellBug,
  });
}

/**
 * Tells what the owner of this Redis should know: now its warnings, later each time when it is away or back.
 * @param meanwhile what is so while it is away
 */
export function tellOfRedis(broker: RedisBroker, voice: Voice, meanwhile: string): void {
  for (const warning of broker.warnings) voice.complain(warning, "");
  let isAway = false;
  broker.availability.watch((change: AvailabilityChange) => {
    if (change.kind === "unreadable") {
      return voice.complain(`This program only reads: ${change.error.message}`, change.error.hint);
    }
    // Connections come and go one by one: it is told once.
    if (change.kind === "away" && !isAway) {
      voice.complain(`Redis at ${broker.name} is away: ${change.reason}`, meanwhile);
    } else if (change.kind !== "away" && isAway) {
      voice.say(`Redis at ${broker.name} is back.`);
    }
    isAway = change.kind === "away";
  });
}
