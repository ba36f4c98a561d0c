/** The log itself in SQLite: events by their number. An instance's history is a walk back, so it needs no index. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EventRow, EventTable } from "../embedded/tables.ts";

const COLUMNS = "sequence, previous, instance_id, version, type, schema, at, data, meta";

export class SqliteEvents implements EventTable {
  readonly #add: StatementSync;
  readonly #get: StatementSync;
  readonly #after: StatementSync;
  readonly #first: StatementSync;
  readonly #last: StatementSync;
  readonly #cut: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(`INSERT INTO events (${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)`);
    this.#get = database.prepare(`SELECT ${COLUMNS} FROM events WHERE sequence = ?`);
    this.#after = database.prepare(
      `SELECT ${COLUMNS} FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?`,
    );
    this.#first = database.prepare("SELECT min(sequence) AS first FROM events");
    this.#last = database.prepare(
      "SELECT sequence, at FROM events ORDER BY sequence DESC LIMIT 1",
    );
    this.#cut = database.prepare("DELETE FROM events WHERE sequence < ?");
  }

  add(row: EventRow): void {
    this.#add.run(
      row.sequence,
      row.previous,
      row.instanceId,
      row.version,
      row.type,
      row.schema,
      row.at,
      row.data,
      row.meta,
    );
  }

  get(sequence: number): EventRow | undefined {
    const row = this.#get.get(sequence);
    return row && rowOf(row);
  }

  after(sequence: number, limit: number): EventRow[] {
    return this.#after.all(sequence, limit).map(rowOf);
  }

  bounds(): { first: number; last: number; lastAt: number } {
    const last = this.#last.get() as { sequence: number; at: number } | undefined;
    if (!last) return { first: 1, last: 0, lastAt: 0 };
    const { first } = this.#first.get() as { first: number };
    return { first, last: last.sequence, lastAt: last.at };
  }

  cut(sequence: number, limit: number): number {
    const { first, last } = this.bounds();
    const until = Math.min(sequence, last, first + limit);
    return until <= first ? 0 : Number(this.#cut.run(until).changes);
  }
}

function rowOf(row: Record<string, unknown>): EventRow {
  return {
    sequence: row.sequence as number,
    previous: row.previous as number,
    instanceId: row.instance_id as string,
    version: row.version as number,
    type: row.type as string,
    schema: row.schema as number,
    at: row.at as number,
    data: row.data as string,
    meta: row.meta as string,
  };
}
