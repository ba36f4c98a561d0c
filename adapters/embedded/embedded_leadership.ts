/** Leadership where there is only one node: always granted, with a token that grows with each opening. */
import { OperationalError } from "../../events/errors.ts";
import type { Leadership } from "../../events/event_log.ts";

export class EmbeddedLeadership implements Leadership {
  constructor(private readonly fence: number) {}

  async acquire(_nodeId: string, _ttlMs: number): Promise<number | null> {
    return this.fence;
  }

  async release(_nodeId: string): Promise<void> {}

  /** @throws {OperationalError} `not_leader` for a token of an earlier opening */
  assertLeads(fence: number): void {
    if (fence === this.fence) return;
    throw new OperationalError(
      "not_leader",
      `The fencing token ${fence} is not the leader's; that is ${this.fence}.`,
      false,
      "Acquire the leadership anew before acting as the leader.",
    );
  }
}
