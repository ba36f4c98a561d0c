/** Carries a plan out: some at a time, never more servers down than allowed, up to the first failure or to the end. */
import { type Clock, sleep } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import { isAvailable, type Step } from "./entry_plan.ts";
import { type FleetPlan, isToServe, type PlanItem, takesDown } from "./fleet_plan.ts";
import { type FleetHands, type WorkEnd, workOn } from "./instance_work.ts";
import { type Budget, mayTakeDown } from "./rollout.ts";

/** How a plan is carried out. */
export interface ApplyRules {
  /** How many instances are worked on at once. */
  parallel: number;
  /** Goes on after a failure, also with deletes, which come last. */
  keepGoing: boolean;
  budgets: readonly Budget[];
  /** How long it waits for servers that are down by themselves, before it gives up to take others down. */
  patienceMs: number;
}

/** What became of an item; `skipped`: nothing was begun with it. */
export type ItemEnd = (WorkEnd | { kind: "skipped" }) & { tookMs: number };

/** What is told as it goes. */
export type ApplyProgress =
  | { kind: "begun"; item: PlanItem; step: Step }
  | { kind: "ended"; item: PlanItem; end: ItemEnd };

/** How it ended: `stopped` when who asked for it has left. */
export type ApplyEnd = "done" | "failed" | "stopped";

/** What an apply is made of. */
export interface ApplyParts {
  hands: FleetHands;
  clock: Clock;
  rules: ApplyRules;
  tell(progress: ApplyProgress): void;
  /** Begins nothing more once it is aborted; what was begun goes on. */
  leaving: AbortSignal;
  /** Hears of what can only be a fault of ours; its instance counts as failed. */
  onBug(error: unknown): void;
}

const LOOK_EVERY_MS = 100;

/** Carries out all that the plan does; instances that are as they are to be are not touched. */
export async function applyPlan(plan: FleetPlan, parts: ApplyParts): Promise<ApplyEnd> {
  return await new Apply(plan, parts).run();
}

class Apply {
  private readonly pending: PlanItem[];
  private readonly running = new Map<PlanItem, Promise<void>>();
  private hasFailed = false;
  /** Since when nothing could be begun, and nothing was in work; monotonic. */
  private heldSince: number | null = null;

  constructor(private readonly plan: FleetPlan, private readonly parts: ApplyParts) {
    this.pending = plan.items.filter(({ steps }) => steps.length > 0);
  }

  async run(): Promise<ApplyEnd> {
    while (this.pending.length > 0 && !this.isOver()) {
      const hasRoom = this.running.size < this.parts.rules.parallel;
      const item = hasRoom ? await this.nextItem() : null;
      if (item !== null) this.begin(item);
      else if (this.isHeld()) this.giveUp();
      else await this.untilNextLook(hasRoom);
    }
    await Promise.all(this.running.values());
    for (const item of this.pending.splice(0)) this.end(item, { kind: "skipped" }, 0);
    if (this.hasFailed) return "failed";
    return this.parts.leaving.aborted ? "stopped" : "done";
  }

  private isOver(): boolean {
    const { leaving, rules } = this.parts;
    return leaving.aborted || (this.hasFailed && !rules.keepGoing);
  }

  /** The first that may be begun now: deletes once all else has ended, what takes a server down within the budgets. */
  private async nextItem(): Promise<PlanItem | null> {
    const first = this.pending[0]!;
    if (first.wanted === null) return this.isBeforeDeletes() ? null : first;
    if (!takesDown(first)) return first;
    const away = await this.away();
    const { budgets } = this.parts.rules;
    return this.pending.find((item) => takesDown(item) && mayTakeDown(item.id, budgets, away)) ??
      null;
  }

  private isBeforeDeletes(): boolean {
    return [...this.running.keys()].some(({ wanted }) => wanted !== null);
  }

  /** What does not serve now, and what is being taken down. */
  private async away(): Promise<Set<string>> {
    const away = new Set([...this.running.keys()].filter(takesDown).map(({ id }) => id));
    for (const { id } of this.plan.items.filter(isToServe)) {
      if (!away.has(id) && !isAvailable(await this.parts.hands.look(id))) away.add(id);
    }
    return away;
  }

  private begin(item: PlanItem): void {
    const { hands, clock, tell, onBug } = this.parts;
    this.pending.splice(this.pending.indexOf(item), 1);
    this.heldSince = null;
    const begun = clock.monotonic();
    const work = workOn(item, this.plan.fleet, hands, (step) => tell({ kind: "begun", item, step }))
      .catch((error): WorkEnd => {
        onBug(error);
        return { kind: "failed", failure: faultOfOurs() };
      })
      .then((end) => {
        this.running.delete(item);
        this.end(item, end, clock.monotonic() - begun);
      });
    this.running.set(item, work);
  }

  private end(item: PlanItem, end: WorkEnd | { kind: "skipped" }, tookMs: number): void {
    if (end.kind === "failed") this.hasFailed = true;
    this.parts.tell({ kind: "ended", item, end: { ...end, tookMs } });
  }

  /** Whether nothing that is in work can make room any more, and patience with the rest is over. */
  private isHeld(): boolean {
    const { clock, rules } = this.parts;
    if (this.running.size > 0) return false;
    this.heldSince ??= clock.monotonic();
    return clock.monotonic() - this.heldSince >= rules.patienceMs;
  }

  private giveUp(): void {
    for (const item of this.pending.filter(takesDown)) {
      this.pending.splice(this.pending.indexOf(item), 1);
      this.end(item, { kind: "failed", failure: tooFewServe() }, 0);
    }
  }

  /** Until something ends; where there is room, others may have come up meanwhile. */
  private async untilNextLook(hasRoom: boolean): Promise<void> {
    const looking = new AbortController();
    const ends = [...this.running.values()];
    if (hasRoom) ends.push(sleep(this.parts.clock, LOOK_EVERY_MS, looking.signal));
    await Promise.race(ends);
    looking.abort();
  }
}

function faultOfOurs(): OperationalError {
  return new OperationalError(
    "internal_error",
    "Something went wrong inside the control plane; it was reported.",
    false,
    "Look at the instance, and report it.",
  );
}

function tooFewServe(): OperationalError {
  return new OperationalError(
    "too_few_available",
    "It was not taken down: others that are to run do not, as many as may be down at once.",
    true,
    "Look at those first, or allow more with maxUnavailable, and apply the file again.",
  );
}
