/** Turns what a host refuses into a `Failure` that says what to do next. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { Failure } from "../platform.ts";

/** The failure for an error of the file system or of the process table; null for a bug of ours. */
export function hostFailure(error: unknown, folder: string): Failure | null {
  if (error instanceof OperationalError) {
    const { code, message, hint, retryable } = error;
    return { code, message: `${sentence(message)} ${hint}`, retryable };
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(folder);
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return {
        code: "folder_read_only",
        message: `The worker may not write to ${folder} (${reasonOf(error)}). ` +
          "Give its user the right to write there, or set another data folder.",
        retryable: false,
      };
    case "EEXIST":
    case "ENOTDIR":
    case "EISDIR":
      return {
        code: "folder_unusable",
        message:
          `${folder} has something in it that is not ours (${reasonOf(error)}). Remove it, ` +
          "or set another data folder.",
        retryable: false,
      };
    case "EMFILE":
    case "ENFILE":
    case "EAGAIN":
    case "ENOMEM":
      return {
        code: "host_exhausted",
        message: `The host is out of processes, files or memory (${reasonOf(error)}). ` +
          "Stop something, or raise its limits (ulimit -n, ulimit -u).",
        retryable: true,
      };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return {
      code: "refused_by_host",
      message: `The worker's Deno permissions do not allow this: ${reasonOf(error)}`,
      retryable: false,
    };
  }
  return null;
}

/** The failure for a folder that nothing more can be written to. */
export function diskFull(folder: string): Failure {
  return {
    code: "disk_full",
    message: `Nothing more can be written to ${folder}: its disk is full. Free some space, then ` +
      "start again.",
    retryable: true,
  };
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return capital.endsWith(".") ? capital : `${capital}.`;
}
