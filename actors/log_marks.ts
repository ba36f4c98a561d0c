/** What a retention knows of the log: a mark every so many events, and where each instance's fold begins. */
import { comparePositions, type Position, type RecordedEvent } from "../events/envelope.ts";

/** The last event of a stretch of the log. */
interface Mark {
  position: Position;
  /** Epoch milliseconds. */
  at: number;
  /** How many events were read up to here. */
  count: number;
}

/** How much is to be kept; null: without a bound. */
export interface KeepLimits {
  ms: number | null;
  events: number | null;
}

export class LogMarks {
  private readonly marks: Mark[] = [];
  private readonly origins = new Map<string, Position>();
  private count = 0;

  /** @param readUpTo where reading begins: everything before was cut */
  constructor(public readUpTo: Position, private readonly every: number) {}

  /** Takes the log's next events up. */
  take(events: readonly RecordedEvent[]): void {
    for (const { instanceId, type, position, at } of events) {
      if (type === "Baseline" || !this.origins.has(instanceId)) {
        this.origins.set(instanceId, position);
      }
      if (++this.count % this.every === 0) this.marks.push({ position, at, count: this.count });
      this.readUpTo = position;
    }
  }

  /**
   * The first event to keep: all before it are older than the limits say, and older than `youngest` (epoch
   * milliseconds). Never after `bound`. Null when there is nothing to cut.
   */
  cutFor(limits: KeepLimits, now: number, youngest: number, bound: Position): Position | null {
    const oldest = limits.ms === null ? -Infinity : now - limits.ms;
    const surplus = limits.events === null ? 0 : this.count - limits.events;
    const isOver = (mark: Mark) =>
      (mark.at < oldest || mark.count <= surplus) && mark.at < youngest &&
      comparePositions(mark.position, bound) <= 0;
    return this.marks.findLast(isOver)?.position ?? null;
  }

  /** The instances that could not be folded any more if all events before `cut` were gone. */
  originBefore(cut: Position): string[] {
    return [...this.origins].filter(([, position]) => comparePositions(position, cut) < 0)
      .map(([instanceId]) => instanceId);
  }

  /** Forgets the marks of what was cut. */
  cutBefore(cut: Position): void {
    const kept = this.marks.filter((mark) => comparePositions(mark.position, cut) > 0);
    this.marks.splice(0, this.marks.length, ...kept);
  }
}
