/** Looks at a Redis as a worker would meet it, and changes nothing there: for `worker:doctor`. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Durability } from "../../events/event_log.ts";
import { functionLibrary } from "./function_library.ts";
import { RedisKeys } from "./keys.ts";
import { untilReady } from "./redis_broker.ts";
import { RedisEndpoint } from "./redis_endpoint.ts";
import { RedisLink } from "./redis_link.ts";
import { ServerCheck } from "./server_check.ts";

/** What was seen of a Redis. */
export interface RedisExamination {
  /** Where it is, without secrets. */
  name: string;
  /** From a question to its answer, on the monotonic clock. */
  answersInMs: number;
  /** By how much the clock of this host is ahead of Redis' own. */
  clockAheadMs: number;
  durability: Durability;
  /** Why it must not be used: that it may drop keys. Null: it may. */
  unfit: OperationalError | null;
  /** Control planes of the namespace that were ever here. */
  controlPlanes: number;
}

/**
 * Connects, looks, and leaves.
 * @throws {OperationalError} `redis_url_invalid`, `redis_unreachable`, `redis_refused`
 */
export async function examineRedis(
  { url, namespace, clock }: { url: string; namespace: string; clock: Clock },
): Promise<RedisExamination> {
  const keys = new RedisKeys(namespace);
  const endpoint = new RedisEndpoint(url, () => 1);
  const link = new RedisLink(endpoint, keys, functionLibrary(), clock, () => Promise.resolve(null));
  try {
    await untilReady(link, clock);
    const check = new ServerCheck(link, clock);
    const { answersInMs, clockAheadMs } = await compareClocks(link, clock);
    return {
      name: link.name,
      answersInMs,
      clockAheadMs,
      durability: await check.durability(),
      unfit: await check.warnings().then(() => null, asOperational),
      controlPlanes: Object.keys(await link.ask("HGETALL", keys.nodes) as string[]).length / 2,
    };
  } finally {
    await link.close();
  }
}

/** Redis tells its time somewhere between the question and the answer: its middle is taken. */
async function compareClocks(
  link: RedisLink,
  clock: Clock,
): Promise<{ answersInMs: number; clockAheadMs: number }> {
  const asked = clock.monotonic();
  const before = clock.now();
  const [seconds, microseconds] = await link.ask("TIME") as [string, string];
  const answersInMs = clock.monotonic() - asked;
  const there = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  return { answersInMs, clockAheadMs: Math.round(before + answersInMs / 2 - there) };
}

function asOperational(error: unknown): OperationalError {
  if (error instanceof OperationalError) return error;
  throw error;
}
