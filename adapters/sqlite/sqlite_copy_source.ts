/** The embedded log as the source of a copy: from a private copy of its file, so that what uses the log goes on. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Command } from "../../events/commands.ts";
import type { Position } from "../../events/envelope.ts";
import {
  type CopiedCommand,
  type CopiedEvent,
  type CopiedInstance,
  type CopiedWorker,
  type CopyFrame,
  IGNORABLE_TYPES,
  type LogCopySource,
} from "../../events/log_copy.ts";
import { positionOf, sequenceOf } from "../embedded/stored_events.ts";
import type { Accepted, EventRow, WorkerRow } from "../embedded/tables.ts";
import { orderOf } from "./copied_order.ts";
import { copyLogFile, type LogFileCopy } from "./log_file_copy.ts";
import { SqliteEvents } from "./sqlite_events.ts";

/** Opens the log in `folder` as a source. Throws as `copyLogFile`. */
export function openSqliteCopySource(folder: string): LogCopySource {
  return new SqliteCopySource(copyLogFile(folder));
}

class SqliteCopySource implements LogCopySource {
  readonly frame: CopyFrame;
  readonly #events: SqliteEvents;
  readonly #instances: StatementSync;

  constructor(private readonly copy: LogFileCopy) {
    const { database } = copy;
    this.#events = new SqliteEvents(database);
    this.#instances = database.prepare("SELECT * FROM instances ORDER BY instance_id");
    const { first, last } = this.#events.bounds();
    this.frame = {
      kind: "embedded",
      namespace: null,
      begins: positionOf(first - 1),
      head: positionOf(last),
      events: countOf(database, "events"),
      instances: countOf(database, "instances"),
      commands: commandsIn(database),
      workers: workersIn(database),
    };
  }

  async events(after: Position, limit: number): Promise<CopiedEvent[]> {
    return this.#events.after(sequenceOf(after), limit).map(copiedEvent);
  }

  *instances(): Iterable<CopiedInstance> {
    for (const row of this.#instances.iterate()) yield copiedInstance(row);
  }

  async close(): Promise<void> {
    this.copy.close();
  }
}

/** A row of the events as a copy has it. */
export function copiedEvent({ sequence, previous, ...row }: EventRow): CopiedEvent {
  return {
    ...row,
    position: positionOf(sequence),
    previous: previous === 0 ? null : positionOf(previous),
    ignorable: IGNORABLE_TYPES.has(row.type),
  };
}

function copiedInstance(row: Record<string, unknown>): CopiedInstance {
  return {
    instanceId: row.instance_id as string,
    version: row.version as number,
    generation: row.generation as number,
    last: positionOf(row.last_sequence as number),
    origin: positionOf(row.origin_sequence as number),
    run: row.runtime_info === null ? null : JSON.parse(row.runtime_info as string),
    endedRunId: row.ended_run_id as string | null,
    completed: row.completed_command === null ? null : {
      commandId: row.completed_command as string,
      attempt: row.completed_attempt as number,
      position: positionOf(row.completed_sequence as number),
    },
  };
}

function commandsIn(database: DatabaseSync): CopiedCommand[] {
  return database.prepare("SELECT * FROM commands ORDER BY ordinal").all().map((row) => ({
    command: JSON.parse(row.command as string) as Command,
    site: row.site as string | null,
    order: orderOf(row.ordinal as number),
    enqueuedAt: row.enqueued_at as number,
    acceptBy: row.accept_by as number,
    deliveries: row.deliveries as number,
    accepted: row.accepted === null ? null : JSON.parse(row.accepted as string) as Accepted,
  }));
}

function workersIn(database: DatabaseSync): CopiedWorker[] {
  return database.prepare("SELECT worker FROM workers ORDER BY worker_id").all().map(
    ({ worker }) => {
      const row: WorkerRow = JSON.parse(worker as string);
      return {
        workerId: row.workerId,
        platform: row.platform,
        site: row.site,
        incarnation: row.incarnation,
        machineId: row.machineId,
        slots: row.slots,
        version: row.version,
        // A release before this one knew neither labels nor lost workers.
        labels: row.labels ?? {},
        registeredAt: row.registeredAt,
        draining: row.draining,
        left: row.left,
        forgotten: row.forgotten,
        lost: row.lost ?? false,
        retired: row.retired,
      };
    },
  );
}

function countOf(database: DatabaseSync, table: "events" | "instances"): number {
  return database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number;
}
