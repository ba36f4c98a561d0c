/** Follows one instance by the log's tail until a verdict, or until nobody waits for one any more. Design §6. */
import type { HistoryBreak, InstanceSystem } from "../actors/system_port.ts";
import type { Clock } from "../events/clock.ts";
import { type RecordedEvent, START } from "../events/envelope.ts";
import { evolve, isNext } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import {
  isOnItsWay,
  stillWaiting,
  type WaitVerdict,
  waitVerdict,
  type Wanted,
} from "../machines/wait_verdict.ts";
import { historyBreakView } from "./history_break_view.ts";
import { instanceNotFound, Problem } from "./problem.ts";

const RETRY_AFTER_MS = 2_000;

/** What a wait is made of. */
export interface WaitOptions {
  system: InstanceSystem;
  clock: Clock;
  instanceId: string;
  wanted: Wanted;
  timeoutMs: number;
  /** Aborted when the client has gone. */
  client: AbortSignal;
  /** Aborted when the node shuts down. */
  closing?: AbortSignal;
}

/** How a wait ended, and the instance as it was then. */
export interface Waited {
  outcome: WaitVerdict["outcome"] | "timeout";
  reason: string;
  state: InstanceState;
}

/**
 * Waits until the instance is as wanted, cannot become so any more, or the time is over. Each state on the way is
 * looked at, however short it lasts. A client that has gone ends it as if the time were over.
 * @throws {Problem} 404 for an instance that never was; 503 when the log was put back, or this node ends
 * @throws {OperationalError} as `get`, `history` and `observe`
 */
export async function untilVerdict(options: WaitOptions): Promise<Waited> {
  const wait = new InstanceWait(options);
  try {
    return await wait.run();
  } finally {
    wait.close();
  }
}

class InstanceWait {
  /** The first state, or the last one since that was on its way. */
  private begin: InstanceState | null = null;
  private now: InstanceState | null = null;
  /** What was told before the first state was known. */
  private readonly early: RecordedEvent[] = [];
  private isOver = false;
  private readonly ended = Promise.withResolvers<WaitVerdict | null>();
  private readonly leaving = new AbortController();
  private readonly letGo: (() => void)[];

  constructor(private readonly options: WaitOptions) {
    const { clock, timeoutMs, client, closing, system } = options;
    // Where it breaks off before anybody waits for its end, the first wait hears of it.
    this.ended.promise.catch(() => {});
    const leave = () => this.end(null);
    const watching = system.watchHistory((broken) => this.breakOff(brokenText(broken)));
    this.letGo = [
      clock.after(timeoutMs, leave),
      () => watching.close(),
      onAbort(client, leave),
      ...(closing ? [onAbort(closing, () => this.breakOff("This node is shutting down."))] : []),
    ];
  }

  async run(): Promise<Waited> {
    const { system, instanceId, wanted } = this.options;
    // While this node folds the log anew there is no place in it to listen from: that is told at once.
    await system.get(instanceId);
    const take = (events: RecordedEvent[]) => this.take(events);
    // Before the first look: what changes in between would else be missed.
    const subscription = await system.observe(take, undefined, this.leaving.signal);
    this.letGo.push(() => subscription.close());
    // Nobody is told that it waits in vain by what another node has changed since.
    const [newest] = await system.history(instanceId, 1);
    const state = await system.get(instanceId, newest?.position);
    if (!state?.context.specification) throw instanceNotFound(instanceId);
    this.look(state);
    this.take(this.early.splice(0));
    const ended = await this.ended.promise;
    const now = this.now ?? state;
    // Its time may have been over before the first look.
    const verdict = ended ?? waitVerdict(this.begin ?? now, now, wanted);
    return verdict
      ? { ...verdict, state: now }
      : { outcome: "timeout", reason: stillWaiting(now, wanted), state: now };
  }

  close(): void {
    this.end(null);
    for (const letGo of this.letGo) letGo();
  }

  private take(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      if (event.instanceId !== this.options.instanceId) continue;
      if (this.now === null) this.early.push(event);
      else if (isNext(this.now, event)) this.look(evolve(this.now, event));
    }
  }

  private look(state: InstanceState): void {
    if (this.isOver) return;
    const { wanted } = this.options;
    const begin = this.begin ?? state;
    this.now = state;
    this.begin = isOnItsWay(state, wanted) ? state : begin;
    const verdict = waitVerdict(begin, state, wanted);
    if (verdict) this.end(verdict);
  }

  /** Null: without a verdict. */
  private end(verdict: WaitVerdict | null): void {
    this.isOver = true;
    this.leaving.abort();
    this.ended.resolve(verdict);
  }

  private breakOff(detail: string): void {
    this.ended.reject(
      new Problem("unavailable", {
        detail,
        hint: "Wait for it again in a moment; another node may answer at once.",
        retryAfterMs: RETRY_AFTER_MS,
      }),
    );
    this.end(null);
  }
}

function brokenText(broken: HistoryBreak): string {
  const { data } = historyBreakView(broken, START);
  return String(data.detail);
}

/** Calls `run` when `signal` is or gets aborted; the function that comes back takes that back. */
function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true });
  return () => signal.removeEventListener("abort", run);
}
