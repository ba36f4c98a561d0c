/** How often somebody may ask: a token bucket each, pure; and the buckets of all callers, bounded. */
import type { Clock } from "../../events/clock.ts";

/** A bucket's form: what may be taken at once, and how fast it fills again. */
export interface Rate {
  perSecond: number;
  burst: number;
}

/** What is left of a burst, and since when; milliseconds of a monotonic clock. */
export interface Bucket {
  left: number;
  atMs: number;
}

/** A bucket that nobody has taken from. */
export function fullBucket({ burst }: Rate, nowMs: number): Bucket {
  return { left: burst, atMs: nowMs };
}

/** The bucket as it is at `nowMs`. */
export function filled({ left, atMs }: Bucket, { perSecond, burst }: Rate, nowMs: number): Bucket {
  const elapsedMs = Math.max(0, nowMs - atMs);
  return { left: Math.min(burst, left + elapsedMs * perSecond / 1_000), atMs: atMs + elapsedMs };
}

/** How long until one can be taken, milliseconds; 0: now. */
export function waitMsOf({ left }: Bucket, { perSecond }: Rate): number {
  return left >= 1 ? 0 : Math.ceil((1 - left) * 1_000 / perSecond);
}

/** So many callers are known at once; the one that was quiet for longest is forgotten. */
const KEYS_MAX = 10_000;

/** A bucket for each caller. */
export class Buckets {
  private readonly buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly clock: Clock,
    private readonly keysMax = KEYS_MAX,
  ) {}

  /** Takes one for `key`; gives how long to wait where there is none, milliseconds, and 0 where it was taken. */
  take(key: string): number {
    const bucket = this.present(key);
    const waitMs = waitMsOf(bucket, this.rate);
    if (waitMs === 0) this.keep(key, { ...bucket, left: bucket.left - 1 });
    return waitMs;
  }

  /** How long `key` would have to wait, milliseconds; takes nothing. */
  waitMs(key: string): number {
    return waitMsOf(this.present(key), this.rate);
  }

  /** How many callers are known. */
  get size(): number {
    return this.buckets.size;
  }

  private present(key: string): Bucket {
    const now = this.clock.monotonic();
    const known = this.buckets.get(key);
    return known ? filled(known, this.rate, now) : fullBucket(this.rate, now);
  }

  private keep(key: string, bucket: Bucket): void {
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size <= this.keysMax) return;
    const [quietest] = this.buckets.keys();
    if (quietest !== undefined) this.buckets.delete(quietest);
  }
}

/**
 * Whose an address is: of IPv6 the network of 64 bits, since whoever has one address there has all of them.
 * @example
 * ```ts
 * import { networkOf } from "./rate_limits.ts";
 * networkOf("2001:db8::7"); // "2001:db8:0:0"
 * ```
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().replace(/%.*$/, "").split("::", 2);
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(zeros).fill("0"), ...after].slice(0, 4).join(":");
}
