/** What SQLite's errors mean for a person: which file, what happened to the data, and what to do next. */
import { mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { StorageFailure } from "../embedded/tables.ts";

/** What is wrong with the storage; null for an error that is not its fault. */
export type SqliteFault = "in-use" | "damaged" | "read-only" | "full" | "io" | "protocol";

/** Primary result codes, https://www.sqlite.org/rescode.html. */
const FAULT_BY_CODE: Record<number, SqliteFault> = {
  5: "in-use",
  6: "in-use",
  8: "read-only",
  10: "io",
  11: "damaged",
  13: "full",
  14: "read-only",
  15: "protocol",
  26: "damaged",
};

/** For errors without a code: Deno's `exec` and the opening give only SQLite's words. */
const FAULT_BY_WORDS: [string, SqliteFault][] = [
  ["database is locked", "in-use"],
  ["table is locked", "in-use"],
  ["readonly database", "read-only"],
  ["unable to open database file", "read-only"],
  ["disk I/O error", "io"],
  ["disk image is malformed", "damaged"],
  ["not a database", "damaged"],
  ["disk is full", "full"],
  ["locking protocol", "protocol"],
];

/** Which fault of the storage `error` tells of. */
export function sqliteFault(error: unknown): SqliteFault | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  if (typeof code === "number") return FAULT_BY_CODE[code & 0xff] ?? null;
  const words = reasonOf(error);
  return FAULT_BY_WORDS.find(([part]) => words.includes(part))?.[1] ?? null;
}

/** What to say when the log's file cannot be opened; `error` itself when it is not the storage's fault. */
export function openingFailure(error: unknown, folder: string, file: string): unknown {
  switch (sqliteFault(error)) {
    case "in-use":
      return dataFolderInUse(folder, error);
    case "damaged":
      return dataDamaged(file, reasonOf(error), error);
    case "read-only":
      return dataFolderReadOnly(folder, error);
    case "full":
    case "io":
    case "protocol": {
      // A disk that is mounted to be read only: SQLite finds no room for its journal, and calls that an I/O error.
      const refusal = refusalToWrite(folder);
      if (refusal) return dataFolderReadOnly(folder, refusal);
      return new OperationalError(
        "log_unwritable",
        `The log ${file} cannot be opened: ${reasonOf(error)}.`,
        true,
        "Make room on its disk, or look into the disk's health, and start again.",
        { cause: error },
      );
    }
    case null:
      return error;
  }
}

/** Why nothing can be made in `folder`; null where it can, or where that fails for another reason. */
function refusalToWrite(folder: string): unknown {
  try {
    rmdirSync(mkdtempSync(join(folder, "probe-")));
    return null;
  } catch (error) {
    const { code } = error as { code?: string };
    return code === "EROFS" || code === "EACCES" || code === "EPERM" ? error : null;
  }
}

/** What to say when a transaction failed; null when the step is to blame. */
export function writingFailure(error: unknown, file: string): StorageFailure | null {
  const fault = sqliteFault(error);
  if (fault === null) return null;
  if (fault === "full" || fault === "read-only" || fault === "in-use") {
    const hint = fault === "full"
      ? "Make room on the disk of the data folder; the log goes on by itself."
      : "Make the data folder writable again; the log goes on by itself.";
    const message = `The log ${file} cannot be written: ${reasonOf(error)}. Nothing was changed.`;
    const failure = new OperationalError("log_unwritable", message, true, hint, { cause: error });
    return { fatal: false, error: failure };
  }
  if (fault === "damaged") {
    return { fatal: true, error: dataDamaged(file, reasonOf(error), error) };
  }
  // After a failed fsync nobody knows what is on the disk: a later one may succeed without the lost pages.
  const failure = new OperationalError(
    "log_indeterminate",
    `The log ${file} cannot be trusted any more: ${
      reasonOf(error)
    }. What was just asked for may or may not be in it.`,
    false,
    "Look into the disk's health, then start the process anew: it reads from the log what was written.",
    { cause: error },
  );
  return { fatal: true, error: failure };
}

/** The log's file holds something that it should not. */
export function dataDamaged(file: string, reason: string, cause?: unknown): OperationalError {
  return new OperationalError(
    "data_damaged",
    `The log ${file} is damaged: ${reason}. Nothing was changed.`,
    false,
    `Move ${file} and the files beside it aside, keep them, and put back a copy; or start with another data folder.`,
    { cause },
  );
}

/** The folder or the file cannot be written. */
export function dataFolderReadOnly(folder: string, cause: unknown): OperationalError {
  return new OperationalError(
    "data_folder_read_only",
    `The data folder ${folder} cannot be written: ${reasonOf(cause)}.`,
    false,
    "Give this user the right to write there, or set DRAAS_DATA_DIR to another folder.",
    { cause },
  );
}

/** The file is of a later release. */
export function dataFromNewerVersion(
  file: string,
  version: number,
  ours: number,
): OperationalError {
  return new OperationalError(
    "data_from_newer_version",
    `The log ${file} has the form ${version}; this version of DRaaS knows forms up to ${ours}. Nothing was changed.`,
    false,
    "Run the newer version of DRaaS, or set DRAAS_DATA_DIR to another folder.",
  );
}

function dataFolderInUse(folder: string, cause: unknown): OperationalError {
  return new OperationalError(
    "data_folder_in_use",
    `The data folder ${folder} is in use by another DRaaS process.`,
    true,
    "Stop that process, or set DRAAS_DATA_DIR to another folder for this one.",
    { cause },
  );
}
