/** Rows in one SQLite file that this process alone has open. Every commit is on the disk before it returns. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Durability } from "../../events/event_log.ts";
import { LiveCommands } from "../embedded/live_commands.ts";
import type { CommandTable, StorageFailure, Tables } from "../embedded/tables.ts";
import { UndoJournal } from "../embedded/undo_journal.ts";
import { loadCommands, SqliteCommands } from "./sqlite_commands.ts";
import { SqliteEvents } from "./sqlite_events.ts";
import { dataDamaged, openingFailure, writingFailure } from "./sqlite_faults.ts";
import { closeSqliteFile, openSqliteFile, type SqliteFile } from "./sqlite_file.ts";
import { SqliteInstances } from "./sqlite_instances.ts";
import { SqliteKeys } from "./sqlite_keys.ts";
import { SqliteSnapshots } from "./sqlite_snapshots.ts";
import { SqliteWorkers } from "./sqlite_workers.ts";

/** Closed once; after a fatal failure the file is left as it is. */
export class SqliteTables implements Tables {
  readonly #journal = new UndoJournal();
  readonly #file: SqliteFile;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  #isSound = true;
  readonly instances: SqliteInstances;
  readonly events: SqliteEvents;
  readonly commands: CommandTable;
  readonly keys: SqliteKeys;
  readonly workers: SqliteWorkers;
  readonly snapshots: SqliteSnapshots;

  /** Over an open file. */
  private constructor(file: SqliteFile) {
    this.#file = file;
    const { database } = file;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
    this.instances = new SqliteInstances(database);
    this.events = new SqliteEvents(database);
    const commands = new LiveCommands(this.#journal, new SqliteCommands(database));
    loadCommands(database, commands);
    this.commands = commands;
    this.keys = new SqliteKeys(database);
    this.workers = new SqliteWorkers(database, this.#journal);
    this.snapshots = new SqliteSnapshots(database);
    this.#journal.commit();
  }

  /** Opens or creates the log in `folder`; throws as `openSqliteFile`. */
  static open(folder: string): SqliteTables {
    const file = openSqliteFile(folder);
    try {
      return new SqliteTables(file);
    } catch (error) {
      file.database.close();
      if (error instanceof SyntaxError) throw dataDamaged(file.path, error.message, error);
      throw openingFailure(error, folder, file.path);
    }
  }

  /** The connection, for tests that have to spoil something. */
  get database(): DatabaseSync {
    return this.#file.database;
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
    this.#journal.commit();
  }

  rollback(): void {
    this.#journal.rollback();
    // SQLite has undone some failed transactions by itself.
    if (this.#file.database.isTransaction) this.#rollback.run();
  }

  diagnose(error: unknown): StorageFailure | null {
    const failure = writingFailure(error, this.#file.path);
    if (failure?.fatal) this.#isSound = false;
    return failure;
  }

  nextFence(): number {
    const { database } = this.#file;
    const row = database.prepare(
      "INSERT INTO settings (name, value) VALUES ('fence', 1) " +
        "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
    ).get()!;
    return row.value as number;
  }

  durability(): Durability {
    const { database } = this.#file;
    const { synchronous } = database.prepare("PRAGMA synchronous").get()!;
    return (synchronous as number) >= 2 ? "disk" : "process";
  }

  close(): void {
    closeSqliteFile(this.#file, this.#isSound);
  }
}
