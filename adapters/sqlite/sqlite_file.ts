/** Opens the log's file: locked for this process alone, checked, and in the form that this release writes. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import {
  dataDamaged,
  dataFolderReadOnly,
  dataFromNewerVersion,
  openingFailure,
} from "./sqlite_faults.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./sqlite_schema.ts";

/** The log's file in its folder. */
export const FILE_NAME = "draas.sqlite";
const CACHE_KIB = 32 * 1024;

/** An open file. */
export interface SqliteFile {
  path: string;
  database: DatabaseSync;
}

/**
 * Opens or creates the log in `folder`. What cannot be opened is left as it is.
 * @throws {OperationalError} `data_folder_in_use`, `data_folder_read_only`, `data_folder_unusable`, `data_damaged`,
 *   `data_from_newer_version`, `log_unwritable`
 */
export function openSqliteFile(folder: string): SqliteFile {
  makeFolder(folder);
  const path = join(folder, FILE_NAME);
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path);
    prepareFile(database, path);
    return { path, database };
  } catch (error) {
    database?.close();
    throw openingFailure(error, folder, path);
  }
}

/** Says in the file that it was closed in order, so that the next opening needs no check; then closes it. */
export function closeSqliteFile({ database }: SqliteFile, isSound: boolean): void {
  try {
    if (isSound) database.prepare("UPDATE settings SET value = 1 WHERE name = 'clean'").run();
  } catch {
    // A full disk: the next opening checks the file, and that is all that is lost.
  } finally {
    database.close();
  }
}

function prepareFile(database: DatabaseSync, path: string): void {
  // Before the first access: the lock then lasts as long as the connection, and a second process fails at once.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const version = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n as number;
  if (tables > 0 && owner !== APPLICATION_ID) throw dataDamaged(path, "it is not a log of DRaaS");
  if (version > SCHEMA_VERSION) throw dataFromNewerVersion(path, version, SCHEMA_VERSION);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
  if (tables > 0) checkAfterCrash(database, path);
  database.exec("BEGIN IMMEDIATE");
  if (tables === 0) {
    database.exec(SCHEMA);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  }
  database.exec("INSERT OR REPLACE INTO settings (name, value) VALUES ('clean', 0)");
  database.exec("COMMIT");
}

/** A whole check costs a read of the file, so it is made only after a crash. SQLite itself finds a file cut short. */
function checkAfterCrash(database: DatabaseSync, path: string): void {
  const clean = database.prepare("SELECT value FROM settings WHERE name = 'clean'").get();
  if (clean?.value === 1) return;
  const found = database.prepare("PRAGMA quick_check(1)").get()!.quick_check;
  if (found !== "ok") throw dataDamaged(path, String(found));
}

function makeFolder(folder: string): void {
  try {
    // The log holds configurations: for its owner alone, as every folder that is made on the way.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw dataFolderReadOnly(folder, error);
    }
    throw new OperationalError(
      "data_folder_unusable",
      `The data folder ${folder} cannot be made: ${reasonOf(error)}.`,
      false,
      "Set DRAAS_DATA_DIR to a folder, or to a path where one can be made.",
      { cause: error },
    );
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
}
