/** Keeps the table true to the log: recovers, tails, and folds anew when the log has lost what was folded. Design §5. */
import { type Clock, sleep } from "../events/clock.ts";
import type { Position } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type { EventLog, LogAvailability, LogRetention, Subscription } from "../events/event_log.ts";
import type { LostHistory } from "./forks.ts";
import type { InstanceTable } from "./instance_table.ts";
import { recover, type Recovered } from "./recovery.ts";
import type { Incidents } from "./incidents.ts";
import { recovering } from "./refusals.ts";

export interface FollowerParts {
  log: EventLog;
  retention: LogRetention;
  availability: LogAvailability;
  clock: Clock;
  table: InstanceTable;
  incidents: Incidents;
  /** What was folded is not true any more: do nothing that stands on it. */
  onLost(): void;
  /** The log is folded anew, or can be asked again. */
  onResumed(): void;
  onBug(error: unknown): void;
}

/** Between two tries to fold a log that goes away meanwhile. */
const RETRY_MS = 250;
/** How long a turn waits for the log to be folded anew before its asker is told to come back. */
const PATIENCE_MS = 10_000;
/** What is told within this time is told of the same loss. */
const SAME_LOSS_MS = 5_000;

interface Loss {
  lostEvents: number;
  instanceIds: string[];
  /** The newest position that is still there; null: not known. */
  head: Position | null;
}

export class LogFollower {
  private recovered: Recovered | null = null;
  private opening: Promise<Recovered> | null = null;
  private watching: Subscription | null = null;
  private refolding: Promise<void> | null = null;
  /** Another loss came while the log was folded anew. */
  private isLostAgain = false;
  /** Counts tails: what a closed one still hands over is not folded. */
  private tails = 0;
  private isClosed = false;
  /** Why the log is followed no further: what is folded stays true for its position, and nothing is decided on it. */
  unreadable: OperationalError | null = null;

  constructor(private readonly parts: FollowerParts) {}

  /** Folds the log, and follows it from then on. */
  async open(): Promise<void> {
    this.watching = this.parts.availability.watch((change) => {
      if (change.kind === "rollback") {
        this.unreadable = null;
        void this.lose(change.rollback);
      }
      // Events were passed over, none is lost: no incident.
      if (change.kind === "gap") void this.foldAnew(change.head);
      if (change.kind === "unreadable") {
        this.unreadable = change.error;
        this.parts.onLost();
      }
      if (change.kind === "back" && this.isFolded && !this.unreadable) this.parts.onResumed();
    });
    const recovered = await (this.opening = this.recover(null));
    if (this.refolding) await this.refolding;
    else this.recovered = recovered;
  }

  /** What the recovery found: instances in the snapshot, events folded after it. */
  get recovery(): { fromSnapshot: number; events: number } {
    return { fromSnapshot: this.recovered?.fromSnapshot ?? 0, events: this.recovered?.events ?? 0 };
  }

  /** Whether what is in the table is the fleet. */
  get isFolded(): boolean {
    return this.recovered !== null && this.refolding === null;
  }

  /**
   * The log holds less of an instance than was folded here, or something else. Resolves when it is folded anew.
   * @throws {OperationalError} `recovering` when that takes long
   */
  async historyLost({ seen, found, foldings }: LostHistory): Promise<void> {
    const { clock, table } = this.parts;
    // It was seen before the log was folded anew, which has been done since.
    if (!this.refolding && table.foldings !== foldings) return;
    // How many are gone, where others came in their place, is told by what watches the log itself.
    const lostEvents = Math.max(1, seen.version - found);
    const done = this.lose({ lostEvents, instanceIds: [seen.instanceId], head: null });
    const isDone = await new Promise<boolean>((resolve) => {
      const stopTimer = clock.after(PATIENCE_MS, () => resolve(false));
      void done.then(() => {
        stopTimer();
        resolve(true);
      });
    });
    if (!isDone) throw recovering();
  }

  /** @throws {OperationalError} `recovering` while the table is not the fleet */
  assertFolded(): void {
    if (!this.isFolded) throw recovering();
  }

  close(): void {
    this.isClosed = true;
    this.watching?.close();
    this.recovered?.tail.close();
  }

  private lose(loss: Loss): Promise<void> {
    this.note(loss);
    return this.foldAnew(loss.head);
  }

  private foldAnew(head: Position | null): Promise<void> {
    if (this.refolding) this.isLostAgain = true;
    return this.refolding ??= this.refold(head).finally(() => {
      this.refolding = null;
      if (!this.isClosed) this.parts.onResumed();
    });
  }

  private async refold(head: Position | null): Promise<void> {
    const { table, retention, clock, onLost, onBug } = this.parts;
    onLost();
    // A first recovery that is under way folds into the same table: its end is waited for, not its success.
    await this.opening?.then((opened) => opened.tail.close(), () => {});
    while (!this.isClosed) {
      this.recovered?.tail.close();
      this.tails++;
      table.reset();
      this.isLostAgain = false;
      try {
        // Nobody knows how far a snapshot can be trusted when it is not known how far the log was put back.
        if (head === null) await retention.dropSnapshot();
        this.recovered = await this.recover(head);
        if (!this.isLostAgain) return;
        head = null;
      } catch (error) {
        if (!(error instanceof OperationalError)) onBug(error);
        await sleep(clock, RETRY_MS);
      }
    }
  }

  private recover(trustedUpTo: Position | null): Promise<Recovered> {
    const { log, retention, table } = this.parts;
    const tail = ++this.tails;
    return recover({
      log,
      retention,
      table,
      trustedUpTo,
      fold: (events) => {
        if (tail === this.tails) table.fold(events);
      },
    });
  }

  /** Keeps one incident for one loss: the log's own report and an actor's conflict tell of the same. */
  private note({ lostEvents, instanceIds }: Loss): void {
    const { incidents, clock } = this.parts;
    const at = clock.now();
    const present = incidents.newest("HISTORY_ROLLBACK");
    if (present && (this.refolding || at - present.at < SAME_LOSS_MS)) {
      present.lostEvents = Math.max(present.lostEvents, lostEvents);
      present.instanceIds = [...new Set([...present.instanceIds, ...instanceIds])];
      return;
    }
    incidents.add({ code: "HISTORY_ROLLBACK", at, lostEvents, instanceIds });
  }
}
