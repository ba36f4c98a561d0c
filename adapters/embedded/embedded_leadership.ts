/** The lease that makes one node the leader, where all nodes share one process: held in memory, its tokens in the log. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Leadership } from "../../events/event_log.ts";
import type { GroupCommit } from "./group_commit.ts";

interface Lease {
  holder: string;
  fence: number;
  /** By the monotonic clock: nobody's lease is cut short by a clock that is set. */
  until: number;
}

/** A lease dies with its process; the tokens outlive it, so that each holder's is larger than all before. */
export class EmbeddedLeadership implements Leadership {
  #lease: Lease | null = null;
  /** One acquisition at a time: two that both see no holder would both hold it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly writes: GroupCommit, private readonly clock: Clock) {}

  acquire(nodeId: string, ttlMs: number): Promise<number | null> {
    const acquired = this.#turn.then(() => this.#acquire(nodeId, ttlMs));
    // The next one does not depend on how this one ended; its caller hears of that.
    this.#turn = acquired.catch(() => {});
    return acquired;
  }

  async release(nodeId: string): Promise<void> {
    if (this.#lease?.holder === nodeId) this.#lease = null;
  }

  /** @throws {OperationalError} `not_leader` for a token whose lease is over or another's */
  assertLeads(fence: number): void {
    const present = this.#present();
    if (present?.fence === fence) return;
    throw new OperationalError(
      "not_leader",
      `The fencing token ${fence} is not the leader's; ${
        present ? `that is ${present.fence}` : "nobody leads now"
      }.`,
      false,
      "Acquire the leadership anew before acting as the leader.",
    );
  }

  async #acquire(nodeId: string, ttlMs: number): Promise<number | null> {
    this.writes.assertOpen();
    const present = this.#present();
    if (present && present.holder !== nodeId) return null;
    const fence = present?.fence ??
      await this.writes.submit(({ tables }) => tables.nextFence());
    this.#lease = { holder: nodeId, fence, until: this.clock.monotonic() + ttlMs };
    return fence;
  }

  #present(): Lease | null {
    return this.#lease && this.clock.monotonic() < this.#lease.until ? this.#lease : null;
  }
}
