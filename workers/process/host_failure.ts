/** Turns what a host refuses into an error, or a `Failure`, that says what to do next. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { Failure } from "../platform.ts";

/** As `hostError`, for an outcome. */
export function hostFailure(error: unknown, folder: string): Failure | null {
  const told = hostError(error, folder);
  return told && failureOf(told);
}

/** What an error of the file system or of the process table means; null for a bug of ours. */
export function hostError(error: unknown, folder: string): OperationalError | null {
  if (error instanceof OperationalError) return error;
  const reason = reasonOf(error);
  const told = (code: string, message: string, retryable: boolean, hint: string) =>
    new OperationalError(code, message, retryable, hint, { cause: error });
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return diskFullError(folder, error);
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return told(
        "folder_read_only",
        `the worker may not read or write in ${folder} (${reason})`,
        false,
        "Give its user the right to, or set another data folder.",
      );
    case "EEXIST":
    case "ENOTDIR":
    case "EISDIR":
    case "ELOOP":
      return told(
        "folder_unusable",
        `${folder} has something in it that is not ours (${reason})`,
        false,
        "Remove it, or set another data folder.",
      );
    case "EIO":
    case "ESTALE":
      return told(
        "disk_broken",
        `the disk of ${folder} cannot be read or written (${reason})`,
        true,
        "Check the disk or the network mount, then try again.",
      );
    case "EMFILE":
    case "ENFILE":
    case "EAGAIN":
    case "ENOMEM":
      return told(
        "host_exhausted",
        `the host is out of processes, files or memory (${reason})`,
        true,
        "Stop something, or raise its limits (ulimit -n, ulimit -u).",
      );
  }
  if (error instanceof Deno.errors.NotCapable) {
    return told(
      "refused_by_host",
      `the worker's Deno permissions do not allow this: ${reason}`,
      false,
      "Start it with the permissions of `deno task start`.",
    );
  }
  return null;
}

/** The failure for a folder that nothing more can be written to. */
export function diskFull(folder: string): Failure {
  return failureOf(diskFullError(folder));
}

function diskFullError(folder: string, cause?: unknown): OperationalError {
  return new OperationalError(
    "disk_full",
    `nothing more can be written to ${folder}: its disk is full`,
    true,
    "Free some space, then start again.",
    { cause },
  );
}

function failureOf({ code, message, hint, retryable }: OperationalError): Failure {
  return { code, message: `${sentence(message)} ${hint}`, retryable };
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return capital.endsWith(".") ? capital : `${capital}.`;
}
