/** The instances' hot records in SQLite. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { InstanceRow, InstanceTable } from "../embedded/tables.ts";

const COLUMNS = "instance_id, version, generation, last_sequence, origin_sequence, run_id, " +
  "ended_run_id, runtime_info, completed_command, completed_attempt, completed_sequence";

export class SqliteInstances implements InstanceTable {
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #standingAt: StatementSync;
  readonly #originBefore: StatementSync;

  constructor(database: DatabaseSync) {
    this.#get = database.prepare(`SELECT ${COLUMNS} FROM instances WHERE instance_id = ?`);
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO instances (${COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
    );
    this.#standingAt = database.prepare(
      `SELECT ${COLUMNS} FROM instances WHERE runtime_info IS NOT NULL AND runtime_info ->> 'site' = ?`,
    );
    this.#originBefore = database.prepare(
      `SELECT ${COLUMNS} FROM instances WHERE origin_sequence < ? ORDER BY origin_sequence LIMIT 1`,
    );
  }

  get(instanceId: string): InstanceRow | undefined {
    const row = this.#get.get(instanceId);
    return row && rowOf(row);
  }

  put(row: InstanceRow): void {
    const { completed } = row;
    this.#put.run(
      row.instanceId,
      row.version,
      row.generation,
      row.lastSequence,
      row.originSequence,
      row.runId,
      row.endedRunId,
      row.runtimeInfo,
      completed && completed.commandId,
      completed && completed.attempt,
      completed && completed.sequence,
    );
  }

  standingAt(site: string): InstanceRow[] {
    return this.#standingAt.all(site).map(rowOf);
  }

  originBefore(sequence: number): InstanceRow | undefined {
    const row = this.#originBefore.get(sequence);
    return row && rowOf(row);
  }
}

function rowOf(row: Record<string, unknown>): InstanceRow {
  return {
    instanceId: row.instance_id as string,
    version: row.version as number,
    generation: row.generation as number,
    lastSequence: row.last_sequence as number,
    originSequence: row.origin_sequence as number,
    runId: row.run_id as string | null,
    endedRunId: row.ended_run_id as string | null,
    runtimeInfo: row.runtime_info as string | null,
    completed: row.completed_command === null ? null : {
      commandId: row.completed_command as string,
      attempt: row.completed_attempt as number,
      sequence: row.completed_sequence as number,
    },
  };
}
