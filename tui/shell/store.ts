/** Holds the model: keys move it on at once, news of the system together, at most 20 times a second. */
import type { Clock } from "../../events/clock.ts";
import type { EventAnswer, InstanceAnswer } from "../../http/client/answers.ts";
import type { Action, SystemAction } from "../model/action.ts";
import type { Effect } from "../model/effect.ts";
import type { Model } from "../model/model.ts";
import { reduce } from "../model/reduce.ts";

export interface StoreParts {
  clock: Clock;
  /** Does what the model wants done; what comes of it is posted. */
  perform(effect: Effect): void;
  /** Shows the model; `isKey`: somebody has pressed a key and waits to see it. */
  show(model: Model, isKey: boolean): void;
  /** A fault of our own: nothing that comes after it makes sense. */
  fall(error: unknown): void;
}

/** A frame of news: 20 a second are more than anybody reads, and leave the processor to others. */
const FRAME_MS = 50;

export class Store {
  private waiting: SystemAction[] = [];
  private cancelFlush: (() => void) | null = null;
  private flushedAt = -Infinity;

  constructor(private current: Model, private readonly parts: StoreParts) {}

  get model(): Model {
    return this.current;
  }

  /** At once: what a person does is seen without waiting for anything. */
  dispatch(actions: readonly Action[]): void {
    this.take(actions, true);
  }

  /** With the next frame. */
  post(action: SystemAction): void {
    this.waiting.push(action);
    const { clock } = this.parts;
    const inMs = Math.max(0, this.flushedAt + FRAME_MS - clock.monotonic());
    this.cancelFlush ??= clock.after(inMs, () => this.flush());
  }

  /** Nothing is shown after this. */
  close(): void {
    this.cancelFlush?.();
    this.waiting = [];
    this.cancelFlush = () => {};
  }

  private flush(): void {
    this.cancelFlush = null;
    this.flushedAt = this.parts.clock.monotonic();
    const actions = joined(this.waiting);
    this.waiting = [];
    this.take(actions, false);
  }

  private take(actions: readonly Action[], isKey: boolean): void {
    try {
      for (const action of actions) {
        const { model, effects } = reduce(this.current, action);
        this.current = model;
        effects.forEach(this.parts.perform);
      }
      this.parts.show(this.current, isKey);
    } catch (error) {
      this.parts.fall(error);
    }
  }
}

/**
 * What came of one kind in a row as one action: the index is copied once a frame, not once an event. Of an instance
 * that changed more than once only the last is of interest.
 */
export function joined(actions: readonly SystemAction[]): SystemAction[] {
  const joint: SystemAction[] = [];
  let events: EventAnswer[] = [];
  let changes = new Map<string, InstanceAnswer>();
  const flush = () => {
    if (events.length > 0) joint.push({ type: "events", events });
    if (changes.size > 0) joint.push({ type: "changed", items: [...changes.values()] });
    events = [];
    changes = new Map();
  };
  for (const action of actions) {
    if (action.type === "events") events.push(...action.events);
    else if (action.type === "changed") {
      for (const item of action.items) changes.set(item.id, item);
    } else {
      flush();
      joint.push(action);
    }
  }
  flush();
  return joint;
}
