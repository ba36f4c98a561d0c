/** Saves what is folded, so that a recovery need not fold the whole log: by size, by time, and in small slices. Design §3. */
import { type Clock, sleep } from "../events/clock.ts";
import { comparePositions, type Position, START } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type { LogRetention } from "../events/event_log.ts";
import { STATE_SCHEMA, storedState } from "../machines/evolve.ts";
import type { InstanceTable } from "./instance_table.ts";

export interface SnapshotParts {
  retention: LogRetention;
  table: InstanceTable;
  clock: Clock;
  /** The leader's token; null while this node does not lead. */
  fence(): number | null;
  onBug(error: unknown): void;
}

const EVERY_EVENTS = 20_000;
const EVERY_MS = 5 * 60_000;
/** The event loop is held no longer than about this for a slice. */
const SLICE_MS = 5;
/** States between two looks at the clock. */
const LOOK_EVERY = 64;

export class SnapshotKeeper {
  private changes = 0;
  private saving: Promise<void> | null = null;
  private cancelTimer: (() => void) | null = null;
  private savedUpTo: Position = START;
  /** Counts what the log has lost: what was begun before is of a history that is no more. */
  private losses = 0;

  constructor(private readonly parts: SnapshotParts) {}

  /** The position of the newest snapshot that this node has saved; `START` when it has not. */
  get newest(): Position {
    return this.savedUpTo;
  }

  /** Begins to look at the time; only a leader saves. */
  begin(): void {
    this.cancelTimer?.();
    this.cancelTimer = this.parts.clock.after(EVERY_MS, () => {
      this.begin();
      if (this.changes > 0) this.saveSoon();
    });
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  /** One more event is folded. */
  count(): void {
    this.changes++;
    if (this.changes < EVERY_EVENTS || this.saving || this.parts.fence() === null) return;
    // Off the fold's own stack: what is being folded must be in the table as a whole first.
    this.changes = 0;
    this.parts.clock.after(0, () => this.saveSoon());
  }

  /** Forgets what it has saved: the log has lost its end. */
  reset(): void {
    this.savedUpTo = START;
    this.losses++;
  }

  /** Saves now, unless it is being saved: then resolves with that one. A no-op for a node that does not lead. */
  save(): Promise<void> {
    return this.saving ??= this.saveOnce().finally(() => this.saving = null);
  }

  private saveSoon(): void {
    this.save().catch((error) => {
      // What a log that is away or another leader refuses is saved next time, by whoever leads then.
      if (!(error instanceof OperationalError)) this.parts.onBug(error);
    });
  }

  private async saveOnce(): Promise<void> {
    const { retention, table, fence } = this.parts;
    const token = fence();
    const { position } = table;
    const { losses } = this;
    if (token === null || position === START) return;
    this.changes = 0;
    const states = await this.serialised();
    if (losses !== this.losses) return;
    await retention.saveSnapshot({ position, schema: STATE_SCHEMA, states }, token);
    // Once the log has grown past its position again, nobody could tell that it is of what was lost.
    if (losses !== this.losses) return await retention.dropSnapshot();
    if (comparePositions(position, this.savedUpTo) > 0) this.savedUpTo = position;
  }

  /** The states of this moment as texts. They are never changed in place, so others may be folded between two slices. */
  private async serialised(): Promise<string[]> {
    const { table, clock } = this.parts;
    const states = [...table.all()];
    const texts: string[] = [];
    let sliceEnds = clock.monotonic() + SLICE_MS;
    for (const state of states) {
      texts.push(JSON.stringify(storedState(state)));
      if (texts.length % LOOK_EVERY !== 0 || clock.monotonic() < sliceEnds) continue;
      await sleep(clock, 0);
      sliceEnds = clock.monotonic() + SLICE_MS;
    }
    return texts;
  }
}
