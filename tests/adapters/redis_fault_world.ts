/** What the tests of Redis' faults share: brokers on any address, waiting with a limit, and failures told by their code. */
import { openRedisBroker, type RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { FunctionLibrary } from "../../adapters/redis/function_library.ts";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { START } from "../../events/envelope.ts";

/** A broker on a URL; whatever it cannot explain fails the test. */
export function brokerAt(
  url: string,
  namespace: string,
  more: { functions?: FunctionLibrary } = {},
): Promise<RedisBroker> {
  return openRedisBroker({
    url,
    namespace,
    clock: hostClock,
    ids: hostIds,
    onBug: (error) => {
      throw error;
    },
    ...more,
  });
}

/** Waits until `condition` gives something that counts; a call that finds the log away counts as not yet. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  limitMs = 10_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    try {
      const found = await condition();
      if (found) return found;
    } catch (error) {
      if (!(error instanceof OperationalError) || !error.retryable) throw error;
    }
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The code of the operational error that a call ends with, and how long that took. */
export async function failureOf(call: Promise<unknown>): Promise<{ code: string; tookMs: number }> {
  const startedAt = performance.now();
  const outcome = await call.then((value) => ({ value }), (error) => ({ error }));
  const tookMs = performance.now() - startedAt;
  if (!("error" in outcome)) throw new Error(`it gave ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof OperationalError)) throw outcome.error;
  return { code: outcome.error.code, tookMs };
}

/** Every change of the broker's availability from now on. */
export function changesOf({ availability }: RedisBroker): AvailabilityChange[] {
  const changes: AvailabilityChange[] = [];
  availability.watch((change) => changes.push(change));
  return changes;
}

/** What a tail from the log's beginning hears. */
export async function tailOf({ log }: RedisBroker): Promise<RecordedEvent[]> {
  const heard: RecordedEvent[] = [];
  await log.tail(START, (events) => void heard.push(...events));
  return heard;
}

/** An event's place: whose it is and which one. */
export function placeOf({ instanceId, version }: RecordedEvent): string {
  return `${instanceId} ${version}`;
}
