/** A log as one node sees it: its tail may be late, its calls may fail, and it may be put back to an earlier copy. */
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type {
  AppendBatch,
  AppendOutcome,
  AvailabilityChange,
  EventLog,
  LogAvailability,
  Subscription,
} from "../../events/event_log.ts";

type Call = keyof EventLog;

/** The port over whatever broker `brokerOf` names at the moment of each call. */
export class FaultyLog implements EventLog, LogAvailability {
  /** How often each call was made. */
  readonly calls: Partial<Record<Call, number>> = {};
  private isHeld = false;
  private held: (() => void)[] = [];
  private hand: (events: RecordedEvent[]) => void = () => {};
  private failures: { call: Call; error: OperationalError; afterDoing: boolean }[] = [];
  private reason: string | null = null;
  private readonly afterwards = new Map<Call, () => void>();
  private readonly watchers = new Set<(change: AvailabilityChange) => void>();

  constructor(private readonly brokerOf: () => EmbeddedBroker) {}

  /** Keeps back what the tail would hand over, until `releaseTail`. */
  holdTail(): void {
    this.isHeld = true;
  }

  releaseTail(): void {
    this.isHeld = false;
    for (const hand of this.held.splice(0)) hand();
  }

  /** The newest tail hands these over, as one that was never told of a rollback would. */
  handOver(events: RecordedEvent[]): void {
    this.hand(events);
  }

  /** The next such call fails; with `afterDoing` it is done, and its answer is lost. */
  failNext(call: Call, code: string, retryable: boolean, afterDoing = false): void {
    const error = new OperationalError(code, `${call} fails in this test`, retryable, "Try again.");
    this.failures.push({ call, error, afterDoing });
  }

  /** Does something when the next such call is done and its answer is on the way. */
  afterNext(call: Call, run: () => void): void {
    this.afterwards.set(call, run);
  }

  /** Nothing can be asked from now on. */
  goAway(reason = "no connection"): void {
    this.reason = reason;
    this.tell({ kind: "away", reason });
  }

  comeBack(): void {
    this.reason = null;
    this.tell({ kind: "back" });
  }

  tell(change: AvailabilityChange): void {
    for (const watcher of [...this.watchers]) watcher(change);
  }

  away(): string | null {
    return this.reason;
  }

  watch(listener: (change: AvailabilityChange) => void): Subscription {
    this.watchers.add(listener);
    return { close: () => void this.watchers.delete(listener) };
  }

  append(batch: AppendBatch): Promise<AppendOutcome> {
    return this.call("append", () => this.log.append(batch));
  }

  read: EventLog["read"] = (after, limit) => this.call("read", () => this.log.read(after, limit));

  tail(
    after: string,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    const hand = this.hand = (events: RecordedEvent[]) => {
      if (this.isHeld) this.held.push(() => listener(events));
      else listener(events);
    };
    return this.call("tail", () => this.log.tail(after, hand, signal));
  }

  history: EventLog["history"] = (...given) =>
    this.call("history", () => this.log.history(...given));

  findKey: EventLog["findKey"] = (key) => this.call("findKey", () => this.log.findKey(key));

  latest: EventLog["latest"] = (id) => this.call("latest", () => this.log.latest(id));

  head: EventLog["head"] = () => this.call("head", () => this.log.head());

  durability: EventLog["durability"] = () => this.call("durability", () => this.log.durability());

  close: EventLog["close"] = () => this.log.close();

  private get log(): EventLog {
    return this.brokerOf().log;
  }

  private async call<T>(name: Call, run: () => Promise<T>): Promise<T> {
    this.calls[name] = (this.calls[name] ?? 0) + 1;
    if (this.reason !== null) {
      throw new OperationalError("log_unavailable", this.reason, true, "Wait for it.");
    }
    const index = this.failures.findIndex((one) => one.call === name);
    if (index < 0) {
      const answer = await run();
      const afterwards = this.afterwards.get(name);
      this.afterwards.delete(name);
      afterwards?.();
      return answer;
    }
    const [{ error, afterDoing }] = this.failures.splice(index, 1) as [typeof this.failures[0]];
    if (afterDoing) await run();
    throw error;
  }
}
