/** Which log a program copies from or imports into: the one in Redis where a REDIS_URL is, else the embedded one. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { CopyPlace } from "../adapters/redis/copy/copy_link.ts";
import { openRedisCopySource } from "../adapters/redis/copy/redis_copy_source.ts";
import { openRedisCopyTarget } from "../adapters/redis/copy/redis_copy_target.ts";
import { RedisEndpoint } from "../adapters/redis/redis_endpoint.ts";
import { openSqliteCopySource } from "../adapters/sqlite/sqlite_copy_source.ts";
import { openSqliteCopyTarget } from "../adapters/sqlite/sqlite_copy_target.ts";
import type { LogCopySource, LogCopyTarget } from "../events/log_copy.ts";
import type { Settings } from "../settings/settings.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import type { Voice } from "./voice.ts";

const TELL_EVERY_MS = 2_000;

/** The log as it is now. */
export async function openSource(settings: Settings, voice: Voice): Promise<LogCopySource> {
  const place = placeOf(settings);
  return place === null
    ? openSqliteCopySource(`${settings.dataDir}/log`)
    : await whenRedisAnswers(waitOf(settings, voice), () => openRedisCopySource(place));
}

/** A log that takes a copy. */
export async function openTarget(settings: Settings, voice: Voice): Promise<LogCopyTarget> {
  const place = placeOf(settings);
  if (place === null) return openSqliteCopyTarget(`${settings.dataDir}/log`);
  const open = () => openRedisCopyTarget({ ...place, ids: hostIds });
  return await whenRedisAnswers(waitOf(settings, voice), open);
}

/** Where that log is, in words and without secrets. */
export function placeWords({ redisUrl, namespace, dataDir }: Settings): string {
  return redisUrl === null
    ? `the embedded log in ${dataDir}`
    : `the namespace ${namespace} of the Redis at ${new RedisEndpoint(redisUrl, () => 1).name}`;
}

/** Tells how far long work has come; nothing of what is done at once. */
export function progressTeller(voice: Voice): (text: () => string) => void {
  let toldAt = hostClock.monotonic();
  return (text) => {
    if (hostClock.monotonic() - toldAt < TELL_EVERY_MS) return;
    toldAt = hostClock.monotonic();
    voice.tell("info", `${text()} …`);
  };
}

function placeOf({ redisUrl, namespace }: Settings): CopyPlace | null {
  return redisUrl === null ? null : { url: redisUrl, namespace, clock: hostClock };
}

function waitOf({ redisWaitMs }: Settings, voice: Voice) {
  return { clock: hostClock, voice, waitMs: redisWaitMs };
}
