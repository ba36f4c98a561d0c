/** What was thrown, as words for the screen. Pure. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { Failure } from "../model/effect.ts";

/** Never throws. A fault of our own is said to be one. */
export function failureOf(error: unknown): Failure {
  if (error instanceof OperationalError) {
    return { code: error.code, message: error.message, hint: error.hint };
  }
  return {
    code: "bug",
    message: `A fault in DRaaS itself: ${reasonOf(error)}`,
    hint: "Please report it.",
  };
}

/** Whether it says that there is no instance of this id, or no more. */
export function isGone(error: unknown): boolean {
  return error instanceof OperationalError && GONE.includes(error.code);
}

const GONE: readonly string[] = ["not_found", "deleted"];
