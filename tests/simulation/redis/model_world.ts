/** A modelled Redis with its processes, for tests: virtual time that a test lets pass, and no other. */
import { assert } from "@std/assert";
import { Chance } from "../chance.ts";
import { Life, settled, VirtualTime } from "../virtual_time.ts";
import type { ModelConnector } from "./model_connector.ts";
import { ModelRedis } from "./model_redis.ts";

/** A process and its way to Redis. */
export interface ModelProcess {
  life: Life;
  way: ModelConnector;
}

export class ModelWorld {
  readonly time: VirtualTime;
  readonly redis: ModelRedis;
  readonly chance: Chance;
  private processes = 0;

  constructor(seed = 1, fsync: "everysec" | "always" = "everysec") {
    this.chance = new Chance(seed);
    this.time = new VirtualTime(this.chance.stream("time"));
    this.redis = new ModelRedis({ time: this.time, chance: this.chance.stream("redis"), fsync });
  }

  /** Until it is disposed of, the host's clock shows the world's time: the adapter's circuit breaker measures with it. */
  asHostClock(): Disposable {
    const { now } = Date;
    Date.now = () => Math.floor(this.time.now);
    return { [Symbol.dispose]: () => void (Date.now = now) };
  }

  process(): ModelProcess {
    const life = new Life();
    const chance = this.chance.stream(`process ${++this.processes}`);
    return { life, way: this.redis.connector({ life, chance }) };
  }

  /** Lets `ms` pass, and all that happens in them. */
  async pass(ms: number): Promise<void> {
    const until = this.time.elapsed + ms;
    let isOver = false;
    this.time.after(ms, () => isOver = true);
    await this.time.run(until + 1, () => {}, () => isOver);
  }

  /** Lets time pass until something holds; fails after `limitMs`. */
  async until(what: string, holds: () => boolean, limitMs = 10_000): Promise<void> {
    const last = this.time.elapsed + limitMs;
    // Something that comes in any case, so that time reaches the limit.
    this.time.after(limitMs, () => {});
    await this.time.run(last, () => {}, holds);
    assert(holds(), `waited ${limitMs} ms in vain until ${what}`);
  }

  /** Lets time pass on and on, as fast as it can, for tests that only wait for promises. */
  pump(): { stop(): Promise<void> } {
    let isStopped = false;
    const pumping = (async () => {
      while (!isStopped) if (!await this.time.step()) await settled();
    })();
    return {
      stop: () => {
        isStopped = true;
        return pumping;
      },
    };
  }

  /** Lets time pass until a promise has ended, and gives its result. */
  async ended<T>(promise: Promise<T>, limitMs = 10_000): Promise<T> {
    let hasEnded = false;
    promise.then(() => hasEnded = true, () => hasEnded = true);
    await this.until("a promise has ended", () => hasEnded, limitMs);
    return await promise;
  }
}
