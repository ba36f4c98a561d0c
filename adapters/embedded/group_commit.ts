/**
 * Writes the steps of one turn of the event loop in one transaction, and lets nobody see them before the commit.
 * One fsync is shared by all who write at once; a failed commit is a failure of them all, and changes nothing.
 */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { type Effects, type Head, type Step, StepContext } from "./step.ts";
import type { StorageFailure, Tables } from "./tables.ts";

/** Steps in one transaction: bounds how long the event loop is held. */
const BATCH_MAX = 256;
/** Steps that may wait for a transaction. More is a caller without any bound of its own. */
const WAITING_MAX = 20_000;

/** Calls `run` in a later turn of the event loop. Production: `setImmediate`. */
export type Defer = (run: () => void) => void;

interface Waiting {
  step: Step<unknown>;
  resolve: (answer: unknown) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  #waiting: Waiting[] = [];
  #scheduled = false;
  #refusal: OperationalError | null = null;
  #isAbandoned = false;
  #drained: (() => void)[] = [];
  #head: Head;

  /**
   * @param apply what follows a commit; called before the answers, except for what they must not overtake
   * @param onFatal told once, when the storage can no longer be trusted; the process should end
   */
  constructor(
    private readonly tables: Tables,
    private readonly clock: Clock,
    private readonly defer: Defer,
    private readonly apply: { beforeAnswers(e: Effects): void; afterAnswers(e: Effects): void },
    private readonly onFatal: (error: OperationalError) => void,
  ) {
    const { last, lastAt } = tables.events.bounds();
    this.#head = { sequence: last, at: lastAt };
  }

  /** The log's clock: it never goes below the newest event's time. */
  now(): number {
    return Math.max(Math.floor(this.clock.now()), this.#head.at);
  }

  /** The newest committed event. */
  get head(): Head {
    return this.#head;
  }

  /** Throws why nothing is answered any more: `log_closed`, or the fatal failure. */
  assertOpen(): void {
    if (this.#refusal) throw this.#refusal;
  }

  /**
   * The answer of `look`, which sees what is committed.
   * @throws {OperationalError} `log_closed`; `data_damaged` and the like when the storage cannot be read
   */
  async read<T>(look: () => T | Promise<T>): Promise<T> {
    if (this.#isAbandoned) return await never();
    this.assertOpen();
    try {
      return await look();
    } catch (error) {
      const failure = this.tables.diagnose(error);
      if (!failure) throw error;
      this.#fail([], failure);
      throw failure.error;
    }
  }

  /**
   * Runs a step in the next transaction; resolves once that is committed.
   * @throws {OperationalError} `log_closed`, `log_unwritable`, `log_indeterminate`
   */
  submit<T>(step: Step<T>): Promise<T> {
    if (this.#isAbandoned) return never();
    if (this.#refusal) return Promise.reject(this.#refusal);
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(tooManyWait());
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ step, resolve: resolve as (answer: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Refuses what comes from now on with `error`; resolves when what was asked for before is done. */
  drain(error: OperationalError): Promise<void> {
    this.#refusal ??= error;
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Answers nothing any more, neither what waits nor what is asked for later: as if the process died. */
  abandon(error: OperationalError): void {
    this.#isAbandoned = true;
    this.#refusal = error;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.defer(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#waiting.length > 0) {
      const batch = this.#waiting.length <= BATCH_MAX
        ? this.#waiting
        : this.#waiting.slice(0, BATCH_MAX);
      this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(BATCH_MAX);
      this.#write(batch);
    }
    if (this.#waiting.length > 0) return this.#schedule();
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** One transaction. A step that throws is taken out, and the others run again from the start. */
  #write(batch: Waiting[]): void {
    let steps = batch;
    while (steps.length > 0) {
      const context = new StepContext(this.tables, this.#head, this.now());
      const answers: unknown[] = [];
      try {
        this.tables.begin();
        for (const { step } of steps) answers.push(step(context));
      } catch (error) {
        this.tables.rollback();
        const failure = this.tables.diagnose(error);
        if (failure) return this.#fail(steps, failure);
        const culprit = steps[answers.length]!;
        culprit.reject(error);
        steps = steps.filter((waiting) => waiting !== culprit);
        continue;
      }
      try {
        this.tables.commit();
      } catch (error) {
        this.tables.rollback();
        return this.#fail(steps, this.tables.diagnose(error) ?? unknownFailure(error));
      }
      // The simulation kills a process between a commit and anybody's hearing of it.
      return this.#isAbandoned ? undefined : this.#committed(steps, answers, context);
    }
  }

  #committed(steps: Waiting[], answers: unknown[], context: StepContext): void {
    this.#head = context.head;
    this.apply.beforeAnswers(context.effects);
    steps.forEach(({ resolve }, index) => resolve(answers[index]));
    this.apply.afterAnswers(context.effects);
  }

  #fail(steps: Waiting[], { error, fatal }: StorageFailure): void {
    for (const { reject } of steps) reject(error);
    if (!fatal || this.#refusal) return;
    this.#refusal = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.onFatal(error);
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function tooManyWait(): OperationalError {
  return new OperationalError(
    "log_unwritable",
    `More than ${WAITING_MAX} writes wait for the log.`,
    true,
    "Send less at once, and try again later.",
  );
}

function unknownFailure(cause: unknown): StorageFailure {
  return {
    fatal: true,
    error: new OperationalError(
      "log_indeterminate",
      `The log could not be written, for a reason that is not known: ${String(cause)}.`,
      false,
      "Start the process anew; it reads from the log what was written.",
      { cause },
    ),
  };
}
