/**
 * The log as it grew, folded once: what the checker and the invariants of the simulation ask about the past. It can
 * forget what a rollback has taken, and then knows only what is left. Independent of every node's own fold.
 */
import { type Position, type RecordedEvent, START } from "../../events/envelope.ts";
import { evolve, initialState } from "../../machines/evolve.ts";
import type { PendingCommand } from "../../machines/facts.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { endedCommandId } from "../../machines/reports.ts";

/** An event with when it was written. */
export interface Written {
  event: RecordedEvent;
  /** On the clock that operations are timed by. */
  writtenAt: number;
  /** What the log's own clock said then; it may jump. */
  clockAt: number;
}

/** An event and the state that it led to. */
export interface Entry extends Written {
  before: InstanceState;
  state: InstanceState;
  /** When a rollback took it, on the clock of `writtenAt`; null while it is in the log. */
  lostAt: number | null;
  /** Its place among all events that were in the log when it was written. */
  index: number;
}

/** What became of a command. */
export interface CommandStory {
  commandId: string;
  instanceId: string;
  kind: PendingCommand["kind"];
  generation: number;
  site: string | null;
  /** By the log's clock. */
  acceptBy: number;
  asked: Entry;
  accepts: (Entry & { event: RecordedEvent & { type: "CommandAccepted" } })[];
  ended: Entry | null;
  /** A start that waits for a stop: known to the log, not yet on a stream. */
  isQueued: boolean;
}

/** The events of one decision. */
export interface EffectStory {
  instanceId: string;
  entries: Entry[];
}

/** Positions that count (1-0, 2-0, …), or those of a Redis stream. */
export type PositionForm = "counting" | "stream";

/** As in `adapters/redis/functions/append.lua`: a position further ahead of the clock says nothing about the time. */
const AHEAD_MS = 1_000;

export class Ledger {
  position: Position = START;
  /** The newest state of each instance. */
  readonly states = new Map<string, InstanceState>();
  /** Each instance's events, by version. */
  readonly histories = new Map<string, Entry[]>();
  readonly commands = new Map<string, CommandStory>();
  /** By the id that the asker gave. */
  readonly effects = new Map<string, EffectStory>();
  /** By idempotency key: the event that first carried it. */
  readonly keys = new Map<string, Entry>();
  readonly events = new Map<Position, Entry>();
  /** What rollbacks have taken. A clock that is set back gives a position once more, and that may be lost, too. */
  readonly lost = new Map<Position, Entry[]>();
  /** Every event in its order. */
  readonly order: Entry[] = [];

  constructor(readonly form: PositionForm = "counting") {}

  /** The event at a position as it stands there, or stood there before a rollback. */
  find(position: Position): Entry | undefined {
    return this.events.get(position) ?? this.lost.get(position)?.at(-1);
  }

  /** As `find`, of one instance: a log that lost its end may give a position once more, to another. */
  findOf(instanceId: string, position: Position): Entry | undefined {
    return this.allOf(instanceId, position)[0] ?? this.find(position);
  }

  /** All that is known to have been at a position, of one instance: what is there, then what was lost last. */
  allOf(instanceId: string, position: Position): Entry[] {
    const lost = this.lost.get(position)?.toReversed() ?? [];
    return [this.events.get(position), ...lost]
      .filter((entry) => entry !== undefined)
      .filter((entry) => entry.event.instanceId === instanceId);
  }

  /** The newest version of an instance; 0 for an unknown one. */
  versionOf(instanceId: string): number {
    return this.states.get(instanceId)?.context.version ?? 0;
  }

  /** Commands that are in the log, sent and not ended. */
  openCommands(): CommandStory[] {
    return [...this.commands.values()].filter((one) => one.ended === null && !one.isQueued);
  }

  /** The entry that `written` would become; nothing is changed. */
  prepare(written: Written): Entry {
    const { instanceId } = written.event;
    const before = this.states.get(instanceId) ?? initialState(instanceId);
    const state = evolve(before, written.event);
    return { ...written, before, state, lostAt: null, index: this.order.length };
  }

  /** Takes up the next event. */
  add(entry: Entry): void {
    const { event, state } = entry;
    const { instanceId, position } = event;
    this.position = position;
    this.states.set(instanceId, state);
    this.events.set(position, entry);
    this.order.push(entry);
    const history = this.histories.get(instanceId);
    if (history) history.push(entry);
    else this.histories.set(instanceId, [entry]);
    this.noteCommand(entry);
    this.noteEffect(entry);
  }

  /** Forgets what a rollback has taken; gives the entries, the newest first. */
  rollBack(positions: ReadonlySet<Position>, at: number): Entry[] {
    const taken: Entry[] = [];
    while (this.order.length > 0 && positions.has(this.order.at(-1)!.event.position)) {
      const entry = this.order.pop()!;
      entry.lostAt = at;
      this.events.delete(entry.event.position);
      const { position } = entry.event;
      this.lost.set(position, [...this.lost.get(position) ?? [], entry]);
      this.histories.get(entry.event.instanceId)!.pop();
      taken.push(entry);
    }
    this.position = this.order.at(-1)?.event.position ?? START;
    for (const [key, entry] of this.keys) if (entry.lostAt !== null) this.keys.delete(key);
    for (const [id, story] of this.effects) {
      story.entries = story.entries.filter((entry) => entry.lostAt === null);
      if (story.entries.length === 0) this.effects.delete(id);
    }
    for (const instanceId of new Set(taken.map(({ event }) => event.instanceId))) {
      this.retell(instanceId);
    }
    return taken;
  }

  private retell(instanceId: string): void {
    for (const [id, story] of this.commands) {
      if (story.instanceId === instanceId) this.commands.delete(id);
    }
    const history = this.histories.get(instanceId)!;
    for (const entry of history) this.noteCommand(entry);
    const newest = history.at(-1);
    if (newest) this.states.set(instanceId, newest.state);
    else {
      this.states.delete(instanceId);
      this.histories.delete(instanceId);
    }
  }

  private noteCommand(entry: Entry): void {
    const { event } = entry;
    const ended = endedCommandId(event);
    if (ended !== null) {
      const story = this.commands.get(ended);
      if (story) story.ended ??= entry;
      return;
    }
    if (event.type === "CommandAccepted") {
      const story = this.commands.get(event.data.commandId);
      story?.accepts.push(entry as CommandStory["accepts"][number]);
      return;
    }
    const kind = KINDS[event.type];
    if (kind === undefined || !("generation" in event.data)) return;
    const { commandId, generation, acceptWithinMs } = event.data;
    if (commandId === null) return;
    const sentAt = event.at - entry.clockAt < AHEAD_MS ? event.at : entry.clockAt;
    this.commands.set(commandId, {
      commandId,
      instanceId: event.instanceId,
      kind,
      generation,
      site: "site" in event.data ? event.data.site : null,
      acceptBy: sentAt + acceptWithinMs,
      asked: entry,
      accepts: [],
      ended: null,
      isQueued: event.type === "StartQueued",
    });
  }

  private noteEffect(entry: Entry): void {
    const { event } = entry;
    const id = requestIdOf(event);
    if (id !== null) {
      const story = this.effects.get(id);
      if (story) story.entries.push(entry);
      else this.effects.set(id, { instanceId: event.instanceId, entries: [entry] });
    }
    const key = event.meta.idempotency?.key;
    if (key !== undefined && !this.keys.has(key)) this.keys.set(key, entry);
  }
}

/** Whether the log's clock was set back to before an instance's newest event: until then it says nothing about it. */
export function wasSetBack(ledger: Ledger, instanceId: string, clockAt: number): boolean {
  const newest = ledger.histories.get(instanceId)?.at(-1);
  return newest !== undefined && newest.event.at - clockAt >= AHEAD_MS;
}

const KINDS: Partial<Record<RecordedEvent["type"], CommandStory["kind"]>> = {
  StartQueued: "start",
  StartRequested: "start",
  RestartRequested: "restart",
  StopRequested: "stop",
  DeleteRequested: "delete",
  MoveRequested: "move",
};

/** The id of the request whose decision wrote an event; null for what workers report. */
export function requestIdOf({ meta }: RecordedEvent): string | null {
  // Only decisions carry an id of their own; what a worker reports about them has the asker's id alone.
  return meta.requestId === undefined ? null : meta.correlationId ?? meta.requestId;
}

/** Redis' clock may tick between two writes of one function. */
const TICK_MS = 2;

/** Whether two events are of one append: written at once, one right after the other, for one request. */
export function isOneAppend(a: Entry, b: Entry): boolean {
  return a.index + 1 === b.index && a.event.instanceId === b.event.instanceId &&
    a.event.meta.requestId === b.event.meta.requestId && b.writtenAt - a.writtenAt <= TICK_MS;
}
