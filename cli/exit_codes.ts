/** What the command line's exit codes mean, and which one an error has. Documented in `--help` and docs/cli.md. */
import { OperationalError } from "../events/errors.ts";
import { RemoteProblem } from "../http/client/remote_problem.ts";

/** Stable: scripts depend on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  timeout: 5,
  unreachable: 6,
  interrupted: 130,
} as const;

/** For `--help`. */
export const EXIT_CODES_HELP = `Exit codes:
  0  done
  1  failed, or several failed in different ways
  2  called wrongly; nothing was done
  3  not found
  4  conflict: the instance's state does not allow it
  5  time-out: the outcome was not there in time
  6  unreachable: no control plane answers, or it cannot serve now
  130  Ctrl-C ended the waiting; what was asked for goes on`;

/** The command line itself was not in order: nothing was asked of the control plane. */
export class UsageError extends OperationalError {
  override name = "UsageError";

  /** @param details one line each, below the message */
  constructor(message: string, hint: string, readonly details: readonly string[] = []) {
    super("usage", message, false, hint);
  }
}

const BY_CODE: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  ambiguous: EXIT.usage,
  no_such_instance: EXIT.notFound,
  no_such_worker: EXIT.notFound,
  no_such_context: EXIT.notFound,
  context_exists: EXIT.conflict,
  token_malformed: EXIT.usage,
  deleted: EXIT.notFound,
  not_in_time: EXIT.timeout,
  no_worker: EXIT.timeout,
  workers_busy: EXIT.timeout,
  workers_unreachable: EXIT.timeout,
  not_released: EXIT.timeout,
  outcome_unknown: EXIT.timeout,
  no_answer: EXIT.timeout,
  unreachable: EXIT.unreachable,
  // What answers there is no control plane.
  unexpected_answer: EXIT.unreachable,
  answer_lost: EXIT.timeout,
  log_indeterminate: EXIT.timeout,
  interrupted: EXIT.interrupted,
  not_asked: EXIT.interrupted,
};

const BY_STATUS = new Map<number, number>([
  [400, EXIT.usage],
  [413, EXIT.usage],
  [415, EXIT.usage],
  [404, EXIT.notFound],
  [409, EXIT.conflict],
  [412, EXIT.conflict],
  [422, EXIT.conflict],
  [429, EXIT.unreachable],
  [502, EXIT.unreachable],
  [503, EXIT.unreachable],
  [504, EXIT.unreachable],
]);

/** The exit code of what was thrown. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OperationalError)) return EXIT.failed;
  const byCode = BY_CODE[error.code];
  if (byCode !== undefined) return byCode;
  return error instanceof RemoteProblem ? BY_STATUS.get(error.status) ?? EXIT.failed : EXIT.failed;
}

/** Of several: done when all are, interrupted when one is, the failures' own code when they share one, else failed. */
export function exitCodeOfAll(codes: readonly number[]): number {
  if (codes.includes(EXIT.interrupted)) return EXIT.interrupted;
  const [first = EXIT.done, ...others] = [...new Set(codes.filter((code) => code !== EXIT.done))];
  return others.length === 0 ? first : EXIT.failed;
}
