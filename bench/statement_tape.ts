/** A tape of SQL statements: what one database was told, to be told to another one without the system around it. */
import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";

/** One call of a prepared statement. */
export interface TapedCall {
  sql: string;
  method: "run" | "get" | "all";
  values: SQLInputValue[];
}

const METHODS = ["run", "get", "all"] as const;

/** Writes down every call of every prepared statement of this process until it is stopped. One at a time. */
export class StatementRecorder {
  #calls: TapedCall[] = [];
  readonly #originals = METHODS.map((method) => StatementSync.prototype[method]);

  /** Listens from now on. */
  constructor() {
    METHODS.forEach((method, index) => {
      const original = this.#originals[index]!;
      const tape = (call: TapedCall) => this.#calls.push(call);
      StatementSync.prototype[method] = function (this: StatementSync, ...values: never[]) {
        tape({ sql: this.sourceSQL, method, values });
        return Reflect.apply(original, this, values);
      };
    });
  }

  /** What was called since the last cut. */
  cut(): TapedCall[] {
    return this.#calls.splice(0);
  }

  stop(): void {
    METHODS.forEach((method, index) => {
      Object.assign(StatementSync.prototype, { [method]: this.#originals[index] });
    });
  }
}

/** A call that is ready to be made. */
type PreparedCall = () => unknown;

/** Prepares each statement of a tape once, as the system does. */
export class StatementPlayer {
  readonly #statements = new Map<string, StatementSync>();

  constructor(private readonly database: DatabaseSync) {}

  prepare(calls: readonly TapedCall[]): PreparedCall[] {
    return calls.map(({ sql, method, values }) => {
      let statement = this.#statements.get(sql);
      if (!statement) this.#statements.set(sql, statement = this.database.prepare(sql));
      const prepared = statement;
      switch (method) {
        case "run":
          return () => prepared.run(...values);
        case "get":
          return () => prepared.get(...values);
        case "all":
          return () => prepared.all(...values);
      }
    });
  }
}

/** The number of transactions on a tape. */
export function transactionsIn(calls: readonly TapedCall[]): number {
  return calls.filter(({ sql }) => sql === "COMMIT").length;
}
