/** The fleet as this node has folded it: states by instance, and who waits for what. A cache of the log. Design §1. */
import type { Clock } from "../events/clock.ts";
import { comparePositions, type Position, type RecordedEvent, START } from "../events/envelope.ts";
import { evolve, initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { endedCommandId } from "../machines/reports.ts";
import { isForked, type LostHistory } from "./forks.ts";
import { isInFleet } from "./fleet_query.ts";
import { shareWithin, sharingWith } from "./shared_parts.ts";

interface Passage {
  position: Position;
  resolve: () => void;
}

/** Folds events and tells those who wait; holds no decision. */
export class InstanceTable {
  private readonly states = new Map<string, InstanceState>();
  private readonly endings = new Map<string, Set<(event: RecordedEvent | null) => void>>();
  private readonly passages = new Set<Passage>();
  private folded: Position = START;
  private begun = 0;
  private inFleet = 0;

  /** Called after each instance's state has changed by the log. */
  onChange: (state: InstanceState, event: RecordedEvent) => void = () => {};

  /** Called instead of folding an event that follows on another history than the one that is folded here. */
  onForked: (lost: LostHistory) => void = () => {};

  /** How often it has begun anew. */
  get foldings(): number {
    return this.begun;
  }

  /** The position up to which the log is folded here. */
  get position(): Position {
    return this.folded;
  }

  /** How many instances there are; the deleted ones are not counted. */
  get fleetSize(): number {
    return this.inFleet;
  }

  state(instanceId: string): InstanceState | undefined {
    return this.states.get(instanceId);
  }

  /** The version of an instance as it is folded here; 0 when nothing is known of it. */
  versionOf(instanceId: string): number {
    return this.states.get(instanceId)?.context.version ?? 0;
  }

  /** Every state, by creation; deleted ones too. */
  all(): IterableIterator<InstanceState> {
    return this.states.values();
  }

  /** Puts a state of a snapshot in place; one that is folded further already stays. */
  restore(state: InstanceState): void {
    const { instanceId, version } = state.context;
    if (version > this.versionOf(instanceId)) this.put(shareWithin(state));
  }

  /** Forgets everything: the log is not what was folded. Who waits for the end of a command hears `null`. */
  reset(): void {
    this.states.clear();
    this.folded = START;
    this.begun++;
    this.inFleet = 0;
    const waiting = [...this.endings.values()];
    this.endings.clear();
    for (const some of waiting) some.forEach((resolve) => resolve(null));
  }

  /** Everything up to here is in the states (the position of a snapshot). */
  restoredUpTo(position: Position): void {
    this.folded = position;
  }

  /** Folds the log's next events and wakes who waited for them. */
  fold(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      if (event.version === 1) this.moveToEnd(event.instanceId);
      this.apply(event);
    }
    const last = events.at(-1);
    if (!last) return;
    this.folded = last.position;
    for (const passage of this.passages) {
      if (comparePositions(passage.position, this.folded) > 0) continue;
      this.passages.delete(passage);
      passage.resolve();
    }
  }

  /**
   * Folds one event of an instance. One that is folded already changes nothing, nor does one whose predecessors are
   * not here: they were cut and a baseline follows, or they are still to be read and this one with them. Nor does one
   * of another history: the log has lost what is folded here.
   */
  apply(event: RecordedEvent): void {
    const before = this.states.get(event.instanceId) ?? initialState(event.instanceId);
    const isNext = event.version === before.context.version + 1;
    const isFurther = event.type === "Baseline" && event.version > before.context.version;
    if (isForked(before, [event])) {
      const { context: seen } = before;
      return this.onForked({ seen, found: event.version - 1, foldings: this.begun });
    }
    if (!isNext && !isFurther) return;
    const after = evolve(before, sharingWith(before, event));
    this.put(after);
    this.onChange(after, event);
    const ended = endedCommandId(event);
    if (ended === null) return;
    const waiting = this.endings.get(ended);
    this.endings.delete(ended);
    waiting?.forEach((resolve) => resolve(event));
  }

  /** Puts the states in the order of their creation, where they were not folded from there. */
  sortByCreation(): void {
    const sorted = [...this.states].sort(([, a], [, b]) =>
      a.context.createdAt - b.context.createdAt
    );
    this.states.clear();
    for (const [instanceId, state] of sorted) this.states.set(instanceId, state);
  }

  /** One that was folded ahead of the log's order takes its place in it: pages are the same on every node. */
  private moveToEnd(instanceId: string): void {
    const state = this.states.get(instanceId);
    if (!state) return;
    this.states.delete(instanceId);
    this.states.set(instanceId, state);
  }

  private put(state: InstanceState): void {
    const { instanceId } = state.context;
    const before = this.states.get(instanceId);
    this.inFleet += Number(isInFleet(state)) - Number(before !== undefined && isInFleet(before));
    this.states.set(instanceId, state);
  }

  /**
   * Calls `resolve` with the event that ends a command, unless the returned function is called first; with null when
   * the log has lost what was waited for.
   */
  whenEnded(commandId: string, resolve: (event: RecordedEvent | null) => void): () => void {
    const waiting = this.endings.get(commandId) ??
      new Set<(event: RecordedEvent | null) => void>();
    this.endings.set(commandId, waiting.add(resolve));
    return () => {
      waiting.delete(resolve);
      if (waiting.size === 0 && this.endings.get(commandId) === waiting) {
        this.endings.delete(commandId);
      }
    };
  }

  /** Whether everything up to `position` is folded here, now or within `patienceMs`. */
  reached(position: Position, clock: Clock, patienceMs: number): Promise<boolean> {
    if (comparePositions(position, this.folded) <= 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const passage: Passage = {
        position,
        resolve: () => {
          stopTimer();
          resolve(true);
        },
      };
      this.passages.add(passage);
      const stopTimer = clock.after(patienceMs, () => {
        this.passages.delete(passage);
        resolve(false);
      });
    });
  }
}
