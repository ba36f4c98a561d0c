/** Answers under idempotency keys in SQLite, until their time is over. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { KeyRow, KeyTable } from "../embedded/tables.ts";

/** Keys removed with each new one: more than one, so that the table shrinks. */
const EXPIRE_MAX = 4;

export class SqliteKeys implements KeyTable {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #expire: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare("SELECT * FROM keys WHERE key = ?");
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO keys (key, digest, instance_id, version, expires_at) VALUES (?,?,?,?,?)",
    );
    this.#expire = database.prepare(
      "DELETE FROM keys WHERE key IN " +
        `(SELECT key FROM keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ${EXPIRE_MAX})`,
    );
  }

  get(key: string): KeyRow | undefined {
    const row = this.#get.get(key);
    return row && {
      key,
      digest: row.digest as string,
      instanceId: row.instance_id as string,
      version: row.version as number,
      expiresAt: row.expires_at as number,
    };
  }

  put(row: KeyRow): void {
    this.#put.run(row.key, row.digest, row.instanceId, row.version, row.expiresAt);
  }

  expire(now: number): void {
    this.#expire.run(now);
  }
}
