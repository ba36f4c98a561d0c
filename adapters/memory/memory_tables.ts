/** Rows in memory: for tests, the simulation, and a fleet that may be forgotten. They outlive the broker over them. */
import { OperationalError } from "../../events/errors.ts";
import type { Durability } from "../../events/event_log.ts";
import { LiveCommands } from "../embedded/live_commands.ts";
import type {
  CommandTable,
  EventRow,
  EventTable,
  InstanceRow,
  InstanceTable,
  KeyRow,
  KeyTable,
  SnapshotRow,
  SnapshotTable,
  StorageFailure,
  Tables,
  WorkerRow,
  WorkerTable,
} from "../embedded/tables.ts";
import { JournaledMap, UndoJournal } from "../embedded/undo_journal.ts";

/** Expired keys looked at with each new key. */
const EXPIRE_MAX = 16;

/** Open a broker over the same tables again to see what a process finds after a crash. */
export class MemoryTables implements Tables {
  readonly #journal = new UndoJournal();
  readonly instances: InstanceTable = new MemoryInstances(this.#journal);
  readonly events: EventTable = new MemoryEvents(this.#journal);
  readonly commands: CommandTable = new LiveCommands(this.#journal, null);
  readonly keys: KeyTable = new MemoryKeys(this.#journal);
  readonly workers: WorkerTable = new MemoryWorkers(this.#journal);
  readonly snapshots = new MemorySnapshots(this.#journal);
  readonly #counters = new JournaledMap<"fence", number>(this.#journal);
  #failure: { kind: "full" | "broken" } | null = null;

  /** Makes the next commit fail: `full` as a full disk does, `broken` as a disk that cannot be trusted any more. */
  failNextCommit(kind: "full" | "broken" = "full"): void {
    this.#failure = { kind };
  }

  begin(): void {}

  commit(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw new InjectedFailure(failure.kind);
    this.#journal.commit();
  }

  rollback(): void {
    this.#journal.rollback();
  }

  diagnose(error: unknown): StorageFailure | null {
    if (!(error instanceof InjectedFailure)) return null;
    const fatal = error.kind === "broken";
    const code = fatal ? "log_indeterminate" : "log_unwritable";
    const hint = fatal ? "Start the process anew." : "Try again.";
    return { fatal, error: new OperationalError(code, error.message, !fatal, hint) };
  }

  nextFence(): number {
    const fence = (this.#counters.get("fence") ?? 0) + 1;
    this.#counters.set("fence", fence);
    return fence;
  }

  durability(): Durability {
    return "memory";
  }

  close(): void {}
}

class InjectedFailure extends Error {
  constructor(readonly kind: "full" | "broken") {
    super(`a test made this commit fail (${kind})`);
  }
}

class MemoryInstances implements InstanceTable {
  readonly #rows: JournaledMap<string, InstanceRow>;

  constructor(journal: UndoJournal) {
    this.#rows = new JournaledMap(journal);
  }

  get(instanceId: string): InstanceRow | undefined {
    return this.#rows.get(instanceId);
  }

  put(row: InstanceRow): void {
    this.#rows.set(row.instanceId, { ...row });
  }

  standingAt(site: string): InstanceRow[] {
    return [...this.#rows.values()].filter((row) =>
      row.runtimeInfo !== null && JSON.parse(row.runtimeInfo).site === site
    );
  }

  originBefore(sequence: number): InstanceRow | undefined {
    return [...this.#rows.values()]
      .filter((row) => row.originSequence < sequence)
      .sort((a, b) => a.originSequence - b.originSequence)[0];
  }
}

class MemoryEvents implements EventTable {
  /** The event with sequence `n` is at `n - 1 - #cut`. */
  #rows: EventRow[] = [];
  #cut = 0;

  constructor(private readonly journal: UndoJournal) {}

  add(row: EventRow): void {
    this.#rows.push(row);
    this.journal.note(() => this.#rows.pop());
  }

  get(sequence: number): EventRow | undefined {
    return this.#rows[sequence - 1 - this.#cut];
  }

  after(sequence: number, limit: number): EventRow[] {
    const from = Math.max(0, sequence - this.#cut);
    return this.#rows.slice(from, from + limit);
  }

  bounds(): { first: number; last: number; lastAt: number } {
    const last = this.#cut + this.#rows.length;
    return { first: this.#cut + 1, last, lastAt: this.#rows.at(-1)?.at ?? 0 };
  }

  cut(sequence: number, limit: number): number {
    const most = Math.max(0, Math.min(sequence - 1 - this.#cut, this.#rows.length - 1));
    const count = Math.min(limit, most);
    const cut = this.#rows.splice(0, count);
    this.#cut += count;
    this.journal.note(() => {
      this.#rows = [...cut, ...this.#rows];
      this.#cut -= count;
    });
    return count;
  }
}

class MemoryKeys implements KeyTable {
  readonly #rows: JournaledMap<string, KeyRow>;

  constructor(journal: UndoJournal) {
    this.#rows = new JournaledMap(journal);
  }

  get(key: string): KeyRow | undefined {
    return this.#rows.get(key);
  }

  put(row: KeyRow): void {
    this.#rows.set(row.key, row);
  }

  expire(now: number): void {
    const over: string[] = [];
    let looked = 0;
    for (const { key, expiresAt } of this.#rows.values()) {
      if (expiresAt <= now) over.push(key);
      if (++looked === EXPIRE_MAX) break;
    }
    for (const key of over) this.#rows.delete(key);
  }
}

class MemoryWorkers implements WorkerTable {
  readonly #rows: JournaledMap<string, WorkerRow>;

  constructor(journal: UndoJournal) {
    this.#rows = new JournaledMap(journal);
  }

  get(workerId: string): WorkerRow | undefined {
    return this.#rows.get(workerId);
  }

  all(): Iterable<WorkerRow> {
    return this.#rows.values();
  }

  put(row: WorkerRow): void {
    this.#rows.set(row.workerId, row);
  }
}

class MemorySnapshots implements SnapshotTable {
  readonly #row: JournaledMap<"newest", SnapshotRow>;
  readonly #chunks: JournaledMap<string, string>;

  constructor(journal: UndoJournal) {
    this.#row = new JournaledMap(journal);
    this.#chunks = new JournaledMap(journal);
  }

  get(): SnapshotRow | undefined {
    return this.#row.get("newest");
  }

  put(row: SnapshotRow): void {
    this.#row.set("newest", row);
    this.#dropChunks((key) => !key.startsWith(`${row.id}.`));
  }

  drop(): void {
    this.#row.delete("newest");
    this.#dropChunks(() => true);
  }

  chunk(id: number, index: number): string | undefined {
    return this.#chunks.get(`${id}.${index}`);
  }

  putChunk(id: number, index: number, text: string): void {
    this.#chunks.set(`${id}.${index}`, text);
  }

  #dropChunks(isDropped: (key: string) => boolean): void {
    const keys = [...this.#chunks.entries()].map(([key]) => key).filter(isDropped);
    for (const key of keys) this.#chunks.delete(key);
  }
}
