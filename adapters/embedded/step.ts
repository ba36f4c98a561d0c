/** What a protocol step works with: the tables, the log's time, and a list of what follows once it is committed. */
import type { EventMeta, RecordedEvent } from "../../events/envelope.ts";
import { CURRENT_SCHEMA, type NewEvent } from "../../events/instance_events.ts";
import { freezeDeep } from "./frozen.ts";
import { positionOf } from "./stored_events.ts";
import type { CommandRow, InstanceRow, Tables } from "./tables.ts";

/**
 * One thing that can happen, written as a whole or not at all. It may run again from the start when another step of
 * its transaction fails, so it keeps nothing outside of `context`. A throw fails this step only.
 */
export type Step<T> = (context: StepContext) => T;

/** The newest event's number and time. */
export interface Head {
  readonly sequence: number;
  readonly at: number;
}

/** What happens after the commit, in this order: tails, answers, replies, deliveries. */
export interface Effects {
  events: RecordedEvent[];
  replies: { channel: string; event: RecordedEvent }[];
  /** Commands that wait for a worker from now on, or elsewhere than before. */
  waiting: CommandRow[];
  /** Commands that wait no longer: accepted or ended. */
  settled: string[];
  /** Commands whose accept had to wait: not poison. */
  busy: string[];
  /** Workers or their state changed: takers are to be looked at again. */
  workersChanged: boolean;
}

export class StepContext {
  readonly effects: Effects = {
    events: [],
    replies: [],
    waiting: [],
    settled: [],
    busy: [],
    workersChanged: false,
  };
  #sequence: number;

  /** `now` is the log's clock: it never goes below the newest event's time. */
  constructor(readonly tables: Tables, private readonly before: Head, readonly now: number) {
    this.#sequence = before.sequence;
  }

  /** The newest event with what the steps have added. */
  get head(): Head {
    return this.effects.events.length === 0
      ? this.before
      : { sequence: this.#sequence, at: this.now };
  }

  /**
   * Adds an event and moves `instance` on to it; the caller puts the instance's row when it is done.
   * @param data the event's data as JSON, made once by the caller
   */
  record(
    instance: InstanceRow,
    event: NewEvent,
    data: string,
    meta: EventMeta,
    metaText: string,
  ): RecordedEvent {
    const sequence = ++this.#sequence;
    const previous = instance.lastSequence;
    const version = instance.version + 1;
    const { type } = event;
    const schema = CURRENT_SCHEMA[type];
    this.tables.events.add({
      sequence,
      previous,
      instanceId: instance.instanceId,
      version,
      type,
      schema,
      at: this.now,
      data,
      meta: metaText,
    });
    instance.version = version;
    instance.lastSequence = sequence;
    if (type === "Baseline" || previous === 0) instance.originSequence = sequence;
    const recorded = {
      type,
      data: event.data,
      position: positionOf(sequence),
      previous: previous === 0 ? null : positionOf(previous),
      instanceId: instance.instanceId,
      version,
      schema,
      at: this.now,
      meta,
    } as RecordedEvent;
    this.effects.events.push(Object.freeze(recorded));
    return recorded;
  }

  /** `record` for an event that a step makes itself. */
  recordNew(instance: InstanceRow, event: NewEvent, meta: EventMeta): RecordedEvent {
    const data = JSON.stringify(event.data);
    return this.record(instance, freezeDeep(event), data, meta, JSON.stringify(meta));
  }

  /** Removes a live command whose end `event` is, and replies. */
  end(row: CommandRow, event: RecordedEvent): void {
    const { messageId, replyChannel } = row.command;
    this.tables.commands.remove(messageId);
    this.effects.settled.push(messageId);
    if (replyChannel !== undefined) this.effects.replies.push({ channel: replyChannel, event });
  }

  /** A copy of an instance's row, to be moved on and put back. */
  instance(instanceId: string): InstanceRow | undefined {
    const row = this.tables.instances.get(instanceId);
    return row && { ...row };
  }
}
