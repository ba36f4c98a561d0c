/** The workers in SQLite: written through, read once at opening. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { WorkerRow, WorkerTable } from "../embedded/tables.ts";
import { JournaledMap, type UndoJournal } from "../embedded/undo_journal.ts";

export class SqliteWorkers implements WorkerTable {
  readonly #rows: JournaledMap<string, WorkerRow>;
  readonly #put: StatementSync;

  constructor(database: DatabaseSync, journal: UndoJournal) {
    this.#rows = new JournaledMap(journal);
    this.#put = database.prepare("INSERT OR REPLACE INTO workers (worker_id, worker) VALUES (?,?)");
    for (const row of database.prepare("SELECT worker FROM workers").all()) {
      // A release before this one knew neither labels nor lost workers.
      const worker: WorkerRow = { labels: {}, lost: false, ...JSON.parse(row.worker as string) };
      this.#rows.set(worker.workerId, worker);
    }
  }

  get(workerId: string): WorkerRow | undefined {
    return this.#rows.get(workerId);
  }

  all(): Iterable<WorkerRow> {
    return this.#rows.values();
  }

  put(row: WorkerRow): void {
    this.#rows.set(row.workerId, row);
    this.#put.run(row.workerId, JSON.stringify(row));
  }
}
