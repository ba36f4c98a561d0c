/** Worlds for the contract suites and the other tests of the embedded brokers: memory and SQLite, on a manual clock. */
import type { Ids } from "../../events/ids.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import type { EventTable } from "../../adapters/embedded/tables.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import { openEmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { SqliteTables } from "../../adapters/sqlite/sqlite_tables.ts";
import type { BrokerWorld } from "../contracts/broker_world.ts";
import { ManualClock, settled } from "./manual_clock.ts";

/** What both embedded brokers are opened with. */
export interface EmbeddedPorts {
  clock: ManualClock;
  ids: Ids;
  defer: (run: () => void) => void;
  onFatal: (error: unknown) => void;
}

/** Ports with a manual clock and counted ids; a fatal failure fails the test. */
export function embeddedPorts(): EmbeddedPorts {
  let count = 0;
  return {
    clock: new ManualClock(),
    ids: { next: (kind) => `${kind}-${++count}` },
    defer: (run) => {
      setImmediate(run);
    },
    onFatal: (error) => {
      throw error;
    },
  };
}

/** A world with the ports it was opened with. */
export interface EmbeddedWorld<T> extends BrokerWorld {
  readonly broker: EmbeddedBroker;
  readonly tables: T;
  readonly ports: EmbeddedPorts;
  /** The process dies and another opens the same data. */
  crash(): Promise<void>;
}

/** Counts the events that are read one by one from now on. */
export function countReads(events: EventTable): () => Promise<number> {
  let count = 0;
  const get = events.get.bind(events);
  events.get = (sequence) => {
    count++;
    return get(sequence);
  };
  return () => Promise.resolve(count);
}

/** A broker in memory. */
export async function memoryWorld(): Promise<EmbeddedWorld<MemoryTables>> {
  const ports = embeddedPorts();
  const tables = new MemoryTables();
  const entriesRead = countReads(tables.events);
  let broker = openMemoryBroker({ ...ports, tables });
  return {
    get broker() {
      return broker;
    },
    tables,
    ports,
    advance: (ms) => ports.clock.advance(ms),
    reopen: async () => {
      await broker.close();
      broker = openMemoryBroker({ ...ports, tables });
    },
    crash: async () => {
      broker.abandon();
      await settled();
      broker = openMemoryBroker({ ...ports, tables });
    },
    entriesRead,
    damageSnapshot: async () => {
      const { id } = tables.snapshots.get()!;
      tables.snapshots.putChunk(id, 0, tables.snapshots.chunk(id, 0)!.replace("i-0", "i-x"));
      tables.commit();
    },
    close: () => broker.close(),
  };
}

/** A broker on a temporary data folder. */
export async function sqliteWorld(): Promise<EmbeddedWorld<SqliteTables> & { folder: string }> {
  const ports = embeddedPorts();
  const folder = await Deno.makeTempDir({ prefix: "draas-log-" });
  let tables = SqliteTables.open(folder);
  const entriesRead = countReads(tables.events);
  let broker = openEmbeddedBroker({ ...ports, tables });
  const open = () => {
    tables = SqliteTables.open(folder);
    broker = openEmbeddedBroker({ ...ports, tables });
  };
  return {
    get broker() {
      return broker;
    },
    get tables() {
      return tables;
    },
    ports,
    folder,
    advance: (ms) => ports.clock.advance(ms),
    reopen: async () => {
      await broker.close();
      open();
    },
    crash: async () => {
      broker.abandon();
      await settled();
      tables.database.close();
      open();
    },
    entriesRead,
    damageSnapshot: async () => {
      tables.database.exec("UPDATE snapshot_chunks SET text = replace(text, 'i-0', 'i-x')");
    },
    close: async () => {
      await broker.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
