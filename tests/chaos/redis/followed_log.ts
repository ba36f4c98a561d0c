/** The log on Redis as the checker reads it: followed to its end, with what was in hand at that very moment. */
import type { RedisBroker } from "../../../adapters/redis/redis_broker.ts";
import { emptyHistory, followLog } from "../../history/history_checker.ts";

const PAGE = 2_000;

/** A log's end. */
export interface LogEnd {
  /** What in the new events cannot be. */
  faults: string[];
  /** The commands in hand; null when the log moved on while they were read. */
  inHand: string[] | null;
}

/** Follows one log. */
export class FollowedLog {
  readonly history = emptyHistory("stream");

  /** Reads what is new, and what is in hand at the end of it. */
  async follow({ log, bus }: RedisBroker): Promise<LogEnd> {
    const faults: string[] = [];
    for (;;) {
      const events = await log.read(this.history.position, PAGE);
      faults.push(...followLog(this.history, events));
      if (events.length < PAGE) break;
    }
    const inHand = (await bus.inFlight()).map(({ command }) => command.messageId);
    return { faults, inHand: await log.head() === this.history.position ? inHand : null };
  }
}
