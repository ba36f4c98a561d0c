/** The newest snapshot in SQLite, in chunks. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { SnapshotRow, SnapshotTable } from "../embedded/tables.ts";

export class SqliteSnapshots implements SnapshotTable {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #dropOthers: StatementSync;
  readonly #dropOtherChunks: StatementSync;
  readonly #chunk: StatementSync;
  readonly #putChunk: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare("SELECT * FROM snapshots ORDER BY id DESC LIMIT 1");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO snapshots (id, sequence, schema, chunks, checksum) VALUES (?,?,?,?,?)",
    );
    this.#dropOthers = database.prepare("DELETE FROM snapshots WHERE id <> ?");
    this.#dropOtherChunks = database.prepare("DELETE FROM snapshot_chunks WHERE snapshot_id <> ?");
    this.#chunk = database.prepare(
      "SELECT text FROM snapshot_chunks WHERE snapshot_id = ? AND position = ?",
    );
    this.#putChunk = database.prepare(
      "INSERT OR REPLACE INTO snapshot_chunks (snapshot_id, position, text) VALUES (?,?,?)",
    );
  }

  get(): SnapshotRow | undefined {
    const row = this.#get.get();
    return row && {
      id: row.id as number,
      sequence: row.sequence as number,
      schema: row.schema as number,
      chunks: row.chunks as number,
      checksum: row.checksum as string,
    };
  }

  put(row: SnapshotRow): void {
    this.#put.run(row.id, row.sequence, row.schema, row.chunks, row.checksum);
    this.#dropAllBut(row.id);
  }

  drop(): void {
    this.#dropAllBut(0);
  }

  chunk(id: number, index: number): string | undefined {
    return this.#chunk.get(id, index)?.text as string | undefined;
  }

  putChunk(id: number, index: number, text: string): void {
    this.#putChunk.run(id, index, text);
  }

  #dropAllBut(id: number): void {
    this.#dropOthers.run(id);
    this.#dropOtherChunks.run(id);
  }
}
