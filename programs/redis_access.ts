/** A program's way to Redis: opened with its settings, its warnings told, and its absences too. */
import { hostIds, hostRandomness } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { refuseUnfinishedImport } from "../adapters/redis/copy/copy_link.ts";
import { openRedisBroker, type RedisBroker } from "../adapters/redis/redis_broker.ts";
import type { AvailabilityChange } from "../events/event_log.ts";
import type { Settings } from "../settings/settings.ts";
import { tellBug } from "./terminal.ts";
import type { Voice } from "./voice.ts";

/**
 * Opens what `settings.redisUrl` names.
 * @throws {OperationalError} as `openRedisBroker`; `import_unfinished`
 */
export async function openRedis(settings: Settings, voice: Voice): Promise<RedisBroker> {
  const place = { url: settings.redisUrl ?? "", namespace: settings.namespace, clock: hostClock };
  await refuseUnfinishedImport(place);
  return await openRedisBroker({
    ...place,
    ids: hostIds,
    random: () => hostRandomness.fraction(),
    onBug: (error) => tellBug(voice, error),
  });
}

/**
 * Tells what the owner of this Redis should know: now its warnings, later each time when it is away or back.
 * @param meanwhile what is so while it is away
 */
export function tellOfRedis(broker: RedisBroker, voice: Voice, meanwhile: string): void {
  for (const warning of broker.warnings) voice.tell("warn", warning);
  let isAway = false;
  broker.availability.watch((change: AvailabilityChange) => {
    if (change.kind === "unreadable") {
      const { message, hint, code } = change.error;
      return voice.tell("error", `This program only reads: ${message}`, { hint, code });
    }
    // Connections come and go one by one: it is told once.
    if (change.kind === "away" && !isAway) {
      voice.tell("warn", `Redis at ${broker.name} is away: ${change.reason}`, { hint: meanwhile });
    } else if (change.kind !== "away" && isAway) {
      voice.say(`Redis at ${broker.name} is back.`);
    }
    isAway = change.kind === "away";
  });
}
