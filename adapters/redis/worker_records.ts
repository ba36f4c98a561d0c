/** The workers as Redis keeps them: what they registered, and when they were last heard. */
import type { WorkerRecord } from "../../events/command_bus.ts";
import { metricsOf, type WorkerMetrics } from "../../events/metrics.ts";
import type { RedisLink } from "./redis_link.ts";

/** A record in the hash `workers`; see `functions/workers.lua`. */
interface StoredWorker {
  platform: string;
  site: string;
  incarnation: string;
  machineId: string;
  slots: number;
  version: string;
  /** JSON. */
  labels: string;
  registeredAt: number;
  draining: boolean;
  left: boolean;
  forgotten: boolean;
  lost: boolean;
}

/** Every worker that has registered and has not been forgotten, by id. */
export async function workerRecords(link: RedisLink): Promise<WorkerRecord[]> {
  const { keys } = link;
  const [workers, beats] = await Promise.all([
    link.ask("HGETALL", keys.workers),
    link.ask("HGETALL", keys.beats),
  ]) as [string[], string[]];
  const beatOf = new Map(pairs(beats));
  return pairs(workers)
    .map(([workerId, text]) => recordOf(workerId, JSON.parse(text), beatOf.get(workerId)))
    .filter((record) => record !== null)
    .sort((a, b) => a.workerId < b.workerId ? -1 : 1);
}

/** What these workers told last of how their runs do. */
export async function workerMetrics(
  link: RedisLink,
  workerIds: readonly string[],
): Promise<WorkerMetrics[]> {
  if (workerIds.length === 0) return [];
  const texts = await link.ask("HMGET", link.keys.metrics, ...workerIds) as (string | null)[];
  return workerIds.flatMap((workerId, index) => {
    const text = texts[index] ?? "";
    const space = text.indexOf(" ");
    return space < 0
      ? []
      : [{ workerId, at: Number(text.slice(0, space)), runs: metricsOf(text.slice(space + 1)) }];
  });
}

function recordOf(
  workerId: string,
  stored: StoredWorker,
  beat: string | undefined,
): WorkerRecord | null {
  if (stored.forgotten) return null;
  const [incarnation, at, busy] = beat?.split(" ") ?? [];
  const isPresent = incarnation === stored.incarnation;
  return {
    workerId,
    platform: stored.platform,
    site: stored.site,
    incarnation: stored.incarnation,
    machineId: stored.machineId,
    slots: stored.slots,
    labels: JSON.parse(stored.labels),
    lost: stored.lost,
    busy: isPresent ? Number(busy) : 0,
    version: stored.version,
    registeredAt: stored.registeredAt,
    lastHeartbeatAt: Math.max(stored.registeredAt, isPresent ? Number(at) : 0),
    draining: stored.draining || stored.left,
  };
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n]!, flat[2 * n + 1]!]);
}
