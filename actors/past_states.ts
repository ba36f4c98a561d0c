/** What an instance was at a moment, from the log itself and within a bounded memory. Design §1 promise 10, §3. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { EventLog } from "../events/event_log.ts";
import { foldedFromLog } from "./instance_fold.ts";
import type { Reads } from "./reads.ts";
import type { Moment, PastState } from "./system_port.ts";

const PAGE = 256;

export class PastStates {
  constructor(private readonly log: EventLog, private readonly reads: Reads) {}

  /** See `InstanceSystem.past`. */
  async of(instanceId: string, moment: Moment): Promise<PastState> {
    const [newest] = await this.history(instanceId, 1);
    if (!newest) return { kind: "unknown" };
    const version = "version" in moment
      ? moment.version
      : await this.versionAt(instanceId, moment.at, newest.version);
    if (version > newest.version) return { kind: "ahead", newest };
    if (version === 0) return { kind: "before", first: (await this.event(instanceId, 1))! };
    const event = await this.event(instanceId, version);
    const state = event && await foldedFromLog(this.log, this.reads, instanceId, version);
    if (event && state) return { kind: "found", state, event };
    return { kind: "cut", first: await this.firstBaseline(instanceId, version, newest.version) };
  }

  /** The version that it had at a time; what was cut counts as before that. */
  private versionAt(instanceId: string, at: number, newest: number): Promise<number> {
    return this.lastBefore(
      instanceId,
      0,
      newest + 1,
      (event) => event === undefined || event.at <= at,
    );
  }

  /** The first version from which on it can be folded; the cut has left a baseline. */
  private async firstBaseline(
    instanceId: string,
    above: number,
    newest: number,
  ): Promise<RecordedEvent> {
    const isCut = (event?: RecordedEvent) => event === undefined;
    for (
      let from = await this.lastBefore(instanceId, above, newest, isCut);
      from < newest;
      from += PAGE
    ) {
      const page = await this.history(instanceId, PAGE, from + PAGE + 1);
      const first = page.find((event) => event.type === "Baseline");
      if (first) return first;
    }
    throw new Error(`the log holds neither the beginning of ${instanceId} nor a baseline`);
  }

  /**
   * The last version from `low` on, below `high`, whose event `isBefore`: found by halving, since each look into a
   * history walks there from its end. A clock that was set back leaves one of several places.
   */
  private async lastBefore(
    instanceId: string,
    low: number,
    high: number,
    isBefore: (event?: RecordedEvent) => boolean,
  ): Promise<number> {
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (isBefore(await this.event(instanceId, middle))) low = middle;
      else high = middle;
    }
    return low;
  }

  /** One event; undefined when it was cut. */
  private async event(instanceId: string, version: number): Promise<RecordedEvent | undefined> {
    const [event] = await this.history(instanceId, 1, version + 1);
    return event;
  }

  private history(instanceId: string, limit: number, below?: number): Promise<RecordedEvent[]> {
    return this.reads.run(() => this.log.history(instanceId, limit, below));
  }
}
