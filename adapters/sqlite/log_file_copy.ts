/**
 * A private copy of the log's file, taken while a process may have it open. That process holds the file for itself
 * alone, so nobody else can read it as a database; its bytes can be read, and SQLite's write-ahead log makes them whole.
 */
import { closeSync, copyFileSync, mkdirSync, openSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { FILE_NAME } from "./sqlite_file.ts";
import { dataDamaged, dataFromNewerVersion, openingFailure } from "./sqlite_faults.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./sqlite_schema.ts";

/** Where the copy lies for as long as it is used, in the log's folder: on its disk, and as hidden as it is. */
const COPY_FOLDER = "copy";
const LOCK_NAME = "copy.lock";
/** With its two salts, which are others each time that the write-ahead log begins anew. */
const WAL_HEADER_BYTES = 32;
const TRIES = 20;

/** An open copy. */
export interface LogFileCopy {
  database: DatabaseSync;
  close(): void;
}

/**
 * Copies the log in `folder` and opens the copy; the log itself is only read.
 * @throws {OperationalError} `log_missing`, `copy_in_use`, `log_busy`, `log_not_copied`, `data_damaged`,
 *   `data_from_newer_version`
 */
export function copyLogFile(folder: string): LogFileCopy {
  const path = join(folder, FILE_NAME);
  if (!isThere(path)) throw logMissing(folder);
  const place = join(folder, COPY_FOLDER);
  try {
    const lock = lockCopies(folder);
    const remove = () => {
      rmSync(place, { recursive: true, force: true });
      lock.close();
    };
    try {
      // What a process that was killed has left behind.
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { mode: 0o700 });
      copyWhole(path, join(place, FILE_NAME));
      const database = openCopy(join(place, FILE_NAME), path);
      const close = () => {
        database.close();
        remove();
      };
      return { database, close };
    } catch (error) {
      remove();
      throw error;
    }
  } catch (error) {
    throw copyingFailure(error, folder, path);
  }
}

/**
 * Copies the file, then its write-ahead log. Whatever a checkpoint moves into the file meanwhile is in the write-ahead
 * log too, until that begins anew: then, and only then, the two do not belong together, and both are copied again.
 */
function copyWhole(from: string, to: string): void {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = stateOf(from);
    copyFileSync(from, to);
    if (before.wal !== null) copyFileSync(`${from}-wal`, `${to}-wal`);
    if (isSame(before, stateOf(from))) return;
    rmSync(`${to}-wal`, { force: true });
  }
  throw new OperationalError(
    "log_busy",
    `The log ${from} is written to faster than it can be copied.`,
    true,
    "Try again at a quieter time, or end DRaaS first: its servers run on.",
  );
}

interface FileState {
  /** The header of the write-ahead log; null where there is none. */
  wal: string | null;
  /** Of the file itself: what tells whether it changed where there is no write-ahead log. */
  file: string;
}

function stateOf(path: string): FileState {
  const { mtimeMs, size } = statSync(path);
  return { wal: headerOf(`${path}-wal`), file: `${mtimeMs} ${size}` };
}

function isSame(before: FileState, after: FileState): boolean {
  return before.wal === after.wal && (before.wal !== null || before.file === after.file);
}

function headerOf(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return null;
    throw error;
  }
  try {
    const bytes = new Uint8Array(WAL_HEADER_BYTES);
    const read = readSync(file, bytes, 0, WAL_HEADER_BYTES, 0);
    return read === 0 ? null : bytes.join();
  } finally {
    closeSync(file);
  }
}

function openCopy(path: string, original: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const number = (name: string) =>
      Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
    if (number("application_id") !== APPLICATION_ID) {
      throw dataDamaged(original, "it is not a log of DRaaS");
    }
    const version = number("user_version");
    if (version > SCHEMA_VERSION) throw dataFromNewerVersion(original, version, SCHEMA_VERSION);
    const found = database.prepare("PRAGMA quick_check(1)").get()!.quick_check;
    if (found !== "ok") throw dataDamaged(original, String(found));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The kernel lets go of it when the process ends, however that happens. */
function lockCopies(folder: string): { close(): void } {
  const file = Deno.openSync(join(folder, LOCK_NAME), { create: true, write: true, mode: 0o600 });
  if (file.tryLockSync(true)) return file;
  file.close();
  throw new OperationalError(
    "copy_in_use",
    `Another copy of the log in ${folder} is being made.`,
    true,
    "Wait until it is done.",
  );
}

function isThere(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

/** A file's own error: no room, no right. All others are SQLite's. */
function copyingFailure(error: unknown, folder: string, path: string): unknown {
  const { code } = error as { code?: unknown };
  if (error instanceof OperationalError || typeof code !== "string" || !/^E[A-Z]+$/.test(code)) {
    return openingFailure(error, folder, path);
  }
  return new OperationalError(
    "log_not_copied",
    `The log ${path} cannot be copied: ${reasonOf(error)}.`,
    true,
    `For as long as it takes, its file is copied to ${
      join(folder, COPY_FOLDER)
    }: see that there is room, and that this user may write there.`,
    { cause: error },
  );
}

function logMissing(folder: string): OperationalError {
  return new OperationalError(
    "log_missing",
    `There is no log in ${folder}.`,
    false,
    "Name the data folder that has one: --data-dir; or a Redis: REDIS_URL.",
  );
}
