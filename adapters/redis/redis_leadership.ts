/** The leader's lease in Redis: granted for a time, with a token that every act of the leader carries. Design §3. */
import { OperationalError } from "../../events/errors.ts";
import type { Leadership } from "../../events/event_log.ts";
import { CURRENT_SCHEMA } from "../../events/instance_events.ts";
import type { OfferedSchemas } from "./offered_schemas.ts";
import type { RedisLink } from "./redis_link.ts";

export class RedisLeadership implements Leadership {
  constructor(
    private readonly link: RedisLink,
    private readonly offered: OfferedSchemas,
  ) {}

  async acquire(nodeId: string, ttlMs: number): Promise<number | null> {
    const fence = await this.lead(nodeId, ttlMs);
    await this.offered.refresh();
    return fence === null ? null : Number(fence);
  }

  async release(nodeId: string): Promise<void> {
    await this.lead(nodeId, 0);
  }

  private lead(nodeId: string, ttlMs: number): Promise<unknown> {
    const { nodes } = this.link.keys;
    return this.link.write("lead", [nodes], [nodeId, ttlMs, JSON.stringify(CURRENT_SCHEMA)]);
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
