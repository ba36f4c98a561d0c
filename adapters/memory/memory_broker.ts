/** Opens a broker in memory: nothing survives the process, all else is as on a disk. */
import {
  type BrokerPorts,
  type EmbeddedBroker,
  openEmbeddedBroker,
} from "../embedded/embedded_broker.ts";
import { MemoryTables } from "./memory_tables.ts";

/** `tables`: those of an earlier broker, to go on where that one ended. `onFatal` only ever hears of injected failures. */
export function openMemoryBroker(
  ports: Pick<BrokerPorts, "clock" | "ids" | "defer"> & {
    tables?: MemoryTables;
    onFatal?: BrokerPorts["onFatal"];
  },
): EmbeddedBroker {
  const { clock, ids, defer } = ports;
  const tables = ports.tables ?? new MemoryTables();
  return openEmbeddedBroker({ tables, clock, ids, defer, onFatal: ports.onFatal ?? (() => {}) });
}
