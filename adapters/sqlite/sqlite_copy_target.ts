/**
 * An empty embedded log that takes a copy in one transaction: while it is filled the file is locked for everybody
 * else, and whatever ends before the commit leaves it as empty as it was.
 */
import { comparePositions, type Position } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import {
  type CopiedCommand,
  type CopiedEvent,
  type CopiedInstance,
  type CopiedKey,
  type CopiedWorker,
  type LogCopyTarget,
  targetNotEmpty,
} from "../../events/log_copy.ts";
import { positionOf, sequenceOf } from "../embedded/stored_events.ts";
import type { CommandRow, WorkerRow } from "../embedded/tables.ts";
import { ordinalOf } from "./copied_order.ts";
import { copiedEvent } from "./sqlite_copy_source.ts";
import { SqliteTables } from "./sqlite_tables.ts";

/** Opens or creates the log in `folder`. Throws as `openSqliteFile`. */
export function openSqliteCopyTarget(folder: string): LogCopyTarget {
  return new SqliteCopyTarget(folder, SqliteTables.open(folder));
}

class SqliteCopyTarget implements LogCopyTarget {
  #isOpen = false;
  /** The number that the next event must have. */
  #next = 1;

  constructor(private readonly folder: string, private readonly tables: SqliteTables) {}

  begin(begins: Position): Promise<void> {
    return this.#doing(({ events }) => {
      if (events.bounds().last > 0) {
        throw targetNotEmpty(
          `The log in ${this.folder}`,
          "Name another folder: --data-dir; or move this one aside, if nothing of it is needed.",
        );
      }
      this.#next = sequenceOf(begins) + 1;
      if (positionOf(this.#next - 1) !== begins) throw positionsUnfit(begins);
      this.tables.begin();
      this.#isOpen = true;
    });
  }

  addEvents(copied: readonly CopiedEvent[]): Promise<void> {
    return this.#doing(({ events }) => {
      for (const { position, previous, ignorable: _, ...event } of copied) {
        const sequence = this.#next++;
        if (position !== positionOf(sequence)) throw positionsUnfit(position);
        events.add({ ...event, sequence, previous: previous === null ? 0 : sequenceOf(previous) });
      }
    });
  }

  addInstances(copied: readonly CopiedInstance[]): Promise<void> {
    return this.#doing(({ instances }) => {
      for (const { last, origin, run, completed, ...instance } of copied) {
        instances.put({
          ...instance,
          lastSequence: sequenceOf(last),
          originSequence: sequenceOf(origin),
          runId: run && run.runId,
          runtimeInfo: run && JSON.stringify(run),
          completed: completed && {
            commandId: completed.commandId,
            attempt: completed.attempt,
            sequence: sequenceOf(completed.position),
          },
        });
      }
    });
  }

  addCommands(copied: readonly CopiedCommand[]): Promise<void> {
    return this.#doing(({ commands }) => {
      for (const { command, site, order, ...rest } of copied) {
        const row: CommandRow = {
          ...rest,
          command: Object.freeze({ ...command, site }),
          order: ordinalOf(order),
        };
        commands.add(row, JSON.stringify(command));
        if (row.accepted !== null) commands.change(row);
      }
    });
  }

  addWorkers(copied: readonly CopiedWorker[]): Promise<void> {
    return this.#doing(({ workers }) => {
      for (const worker of copied) workers.put(worker satisfies WorkerRow);
    });
  }

  readBack(after: Position, limit: number): Promise<CopiedEvent[]> {
    return this.#doing(({ events }) => events.after(sequenceOf(after), limit).map(copiedEvent));
  }

  publish(copied: readonly CopiedKey[]): Promise<void> {
    return this.#doing((tables) => {
      for (const key of copied) tables.keys.put(key);
      tables.commit();
      this.#isOpen = false;
    });
  }

  discard(): Promise<void> {
    return this.#doing((tables) => {
      if (this.#isOpen) tables.rollback();
      this.#isOpen = false;
    });
  }

  async close(): Promise<void> {
    await this.discard();
    this.tables.close();
  }

  /** What `act` gives, with SQLite's failures in words. */
  async #doing<T>(act: (tables: SqliteTables) => T): Promise<T> {
    try {
      return act(this.tables);
    } catch (error) {
      throw this.tables.diagnose(error)?.error ?? error;
    }
  }
}

/** An embedded log counts its events, so it has no place for those of a Redis, whose positions are times. */
function positionsUnfit(position: Position): OperationalError {
  const isTime = comparePositions(position, "1000000000000-0") >= 0;
  return new OperationalError(
    "copy_unfit",
    isTime
      ? `An embedded log cannot hold this copy: it was written over a Redis, and the position ${position} is a time there.`
      : `An embedded log cannot hold this copy: it counts its events, and ${position} does not come next.`,
    false,
    "Import it into a Redis: REDIS_URL. Nothing was changed.",
  );
}
