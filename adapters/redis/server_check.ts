/** What Redis itself must be, looked at when the program begins and each minute: its eviction, and what it keeps. Design §5. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Durability } from "../../events/event_log.ts";
import type { RedisLink } from "./redis_link.ts";

const PROBED_FOR_MS = 60_000;

/** How Redis keeps what it is given. */
export class ServerCheck {
  private probed: { durability: Durability; at: number } | null = null;

  constructor(private readonly link: RedisLink, private readonly clock: Clock) {}

  /**
   * What to warn of.
   * @throws {OperationalError} `redis_evicts` for a Redis that may drop keys by itself
   */
  async warnings(): Promise<string[]> {
    const policy = field(await this.link.ask("INFO", "memory"), "maxmemory_policy");
    if (policy !== null && policy !== "noeviction") {
      throw new OperationalError(
        "redis_evicts",
        `Redis may drop any key when its memory is full (maxmemory-policy ${policy}), so the log would not be safe.`,
        false,
        "Set maxmemory-policy to noeviction in redis.conf, or CONFIG SET maxmemory-policy noeviction.",
      );
    }
    const durability = await this.durability();
    return durability === "memory"
      ? [
        "Redis keeps no append-only file: a restart of Redis loses the whole fleet's log. Set appendonly yes.",
      ]
      : [];
  }

  /** What an acknowledged append survives; never claimed higher than Redis says. */
  async durability(): Promise<Durability> {
    const now = this.clock.monotonic();
    if (this.probed && now - this.probed.at < PROBED_FOR_MS) return this.probed.durability;
    const durability = await this.probe();
    this.probed = { durability, at: now };
    return durability;
  }

  private async probe(): Promise<Durability> {
    const isKept = field(await this.link.ask("INFO", "persistence"), "aof_enabled");
    if (isKept !== "1") return "memory";
    try {
      const [, syncs] = await this.link.ask("CONFIG", "GET", "appendfsync") as string[];
      const pause = "no-appendfsync-on-rewrite";
      const [, pauses] = await this.link.ask("CONFIG", "GET", pause) as string[];
      return syncs === "always" && pauses === "no" ? "disk" : "process";
    } catch (error) {
      // Managed services and strict ACLs keep CONFIG to themselves: the lower class is true in any case.
      if (error instanceof OperationalError && error.code !== "redis_refused") throw error;
      return "process";
    }
  }
}

function field(info: unknown, name: string): string | null {
  return String(info).match(new RegExp(`^${name}:(.*?)\\r?$`, "m"))?.[1] ?? null;
}
