/** The fleet as this node has folded it: states by instance, and who waits for what. A cache of the log. Design §1. */
import { comparePositions, type Position, type RecordedEvent, START } from "../events/envelope.ts";
import { evolve, initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { endedCommandId } from "../machines/reports.ts";
import { isInFleet } from "./fleet_query.ts";

/** Folds events and tells those who wait; holds no decision. */
export class InstanceTable {
  private readonly states = new Map<string, InstanceState>();
  private readonly endings = new Map<string, Set<(event: RecordedEvent) => void>>();
  private readonly passages: { position: Position; resolve: () => void }[] = [];
  private folded: Position = START;
  private inFleet = 0;

  /** Called after each instance's state has changed by the log. */
  onChange: (state: InstanceState, event: RecordedEvent) => void = () => {};

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

  /** Every state, by creation; deleted ones too. */
  all(): IterableIterator<InstanceState> {
    return this.states.values();
  }

  /** Puts a state of a snapshot in place; only before the first event is folded. */
  restore(state: InstanceState): void {
    this.put(state);
  }

  /** Everything up to here is in the states (the position of a snapshot). */
  restoredUpTo(position: Position): void {
    this.folded = position;
  }

  /** Folds the log's next events and wakes who waited for them. */
  fold(events: readonly RecordedEvent[]): void {
    for (const event of events) this.apply(event);
    const last = events.at(-1);
    if (!last) return;
    this.folded = last.position;
    for (let i = this.passages.length - 1; i >= 0; i--) {
      const passage = this.passages[i]!;
      if (comparePositions(passage.position, this.folded) <= 0) {
        this.passages.splice(i, 1);
        passage.resolve();
      }
    }
  }

  /** Folds one event of an instance; one that is folded already changes nothing. */
  apply(event: RecordedEvent): void {
    const before = this.states.get(event.instanceId) ?? initialState(event.instanceId);
    if (event.version <= before.context.version) return;
    const after = evolve(before, event);
    this.put(after);
    this.onChange(after, event);
    const ended = endedCommandId(event);
    if (ended === null) return;
    const waiting = this.endings.get(ended);
    this.endings.delete(ended);
    waiting?.forEach((resolve) => resolve(event));
  }

  private put(state: InstanceState): void {
    const { instanceId } = state.context;
    const before = this.states.get(instanceId);
    this.inFleet += Number(isInFleet(state)) - Number(before !== undefined && isInFleet(before));
    this.states.set(instanceId, state);
  }

  /** Calls `resolve` with the event that ends a command, unless the returned function is called first. */
  whenEnded(commandId: string, resolve: (event: RecordedEvent) => void): () => void {
    const waiting = this.endings.get(commandId) ?? new Set();
    this.endings.set(commandId, waiting.add(resolve));
    return () => {
      waiting.delete(resolve);
      if (waiting.size === 0 && this.endings.get(commandId) === waiting) {
        this.endings.delete(commandId);
      }
    };
  }

  /** Resolves once everything up to `position` is folded here. */
  reached(position: Position): Promise<void> {
    if (comparePositions(position, this.folded) <= 0) return Promise.resolve();
    return new Promise((resolve) => this.passages.push({ position, resolve }));
  }
}
