/** What the outside world does wrong: errors with a stable code that say whether a retry can help. */

/** An operational failure. A bug is a plain `Error`; a rejected request is a value, not an error. */
export class OperationalError extends Error {
  override name = "OperationalError";

  /**
   * @param code stable, for programs: `log_indeterminate`, `data_folder_in_use`, …
   * @param message what went wrong, for people
   * @param retryable whether the same call may succeed later
   * @param hint what the person should do next
   */
  constructor(
    readonly code: string,
    message: string,
    readonly retryable: boolean,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The text of anything thrown, without its stack. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
