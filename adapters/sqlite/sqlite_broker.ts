/** Opens a broker on a data folder: the embedded log, on the disk before it is acknowledged. */
import {
  type BrokerPorts,
  type EmbeddedBroker,
  openEmbeddedBroker,
} from "../embedded/embedded_broker.ts";
import { SqliteTables } from "./sqlite_tables.ts";

/**
 * Opens or creates the log in `folder`, for this process alone.
 * @throws {OperationalError} `data_folder_in_use`, `data_folder_read_only`, `data_folder_unusable`, `data_damaged`,
 *   `data_from_newer_version`, `log_unwritable`; nothing is changed then
 */
export function openSqliteBroker(
  { folder, ...ports }: Omit<BrokerPorts, "tables"> & { folder: string },
): EmbeddedBroker {
  const tables = SqliteTables.open(folder);
  try {
    return openEmbeddedBroker({ ...ports, tables });
  } catch (error) {
    tables.close();
    throw tables.diagnose(error)?.error ?? error;
  }
}
