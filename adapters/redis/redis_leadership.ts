/** The leader's lease in Redis: granted for a time, with a token that every act of the leader carries. Design §3. */
import { OperationalError } from "../../events/errors.ts";
import type { Leadership } from "../../events/event_log.ts";
import type { RedisLink } from "./redis_link.ts";

export class RedisLeadership implements Leadership {
  constructor(private readonly link: RedisLink) {}

  async acquire(nodeId: string, ttlMs: number): Promise<number | null> {
    const fence = await this.link.write("lead", [], [nodeId, ttlMs]);
    return fence === null ? null : Number(fence);
  }

  async release(nodeId: string): Promise<void> {
    await this.link.write("lead", [], [nodeId, 0]);
  }
}

/** A function's refusal of a fencing token as an error; anything else as it is. */
export function fenceFailure(error: unknown): unknown {
  const [, token, present] = error instanceof Error
    ? error.message.match(/DRAASFENCE (\d+) (\d+)/) ?? []
    : [];
  if (token === undefined) return error;
  return new OperationalError(
    "not_leader",
    `The fencing token ${token} is not the leader's${
      present === "0" ? "" : `; that is ${present}`
    }.`,
    false,
    "Acquire the leadership anew before acting as the leader.",
  );
}

/** Calls what only the leader may do. @throws {OperationalError} `not_leader` */
export async function asLeader<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fenceFailure(error);
  }
}
