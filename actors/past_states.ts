/** What an instance was at a moment, from the log itself and within a bounded memory. Design §1 promise 10, §3. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { EventLog, EventPlace } from "../events/event_log.ts";
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
      : await this.versionAt(instanceId, moment.at);
    if (version > newest.version) return { kind: "ahead", newest };
    if (version === 0) {
      const [first] = await this.history(instanceId, 1, 2);
      return { kind: "before", first: first! };
    }
    const [event] = await this.history(instanceId, 1, version + 1);
    const state = event && await foldedFromLog(this.log, this.reads, instanceId, version);
    if (event && state) return { kind: "found", state, event };
    return { kind: "cut", first: await this.firstBaseline(instanceId) };
  }

  /** The version that it had at a time; what was cut counts as before that. A clock may have been set back. */
  private async versionAt(instanceId: string, at: number): Promise<number> {
    let version = 0;
    for await (const page of this.pagesBack(instanceId)) {
      const last = page.findLast((event) => event.at <= at);
      if (last) return last.version;
      version = page[0]!.version - 1;
    }
    return version;
  }

  /** The first event from which on it can be folded, where its beginning was cut: the cut has left a baseline. */
  private async firstBaseline(instanceId: string): Promise<RecordedEvent> {
    let first: RecordedEvent | undefined;
    for await (const page of this.pagesBack(instanceId)) {
      first = page.find((event) => event.type === "Baseline") ?? first;
    }
    if (first) return first;
    throw new Error(`the log holds neither the beginning of ${instanceId} nor a baseline`);
  }

  /** All that the log holds of it, the newest page first; none is empty. */
  private async *pagesBack(instanceId: string): AsyncGenerator<RecordedEvent[]> {
    let before: EventPlace | undefined;
    for (;;) {
      const page = await this.history(instanceId, PAGE, before);
      if (page.length > 0) yield page;
      if (page.length < PAGE) return;
      before = page[0];
    }
  }

  private history(
    instanceId: string,
    limit: number,
    before?: number | EventPlace,
  ): Promise<RecordedEvent[]> {
    return this.reads.run(() => this.log.history(instanceId, limit, before));
  }
}
