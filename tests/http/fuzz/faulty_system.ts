/** An instance system that fails when it is told to, as the world outside can make it fail. */
import type { InstanceSystem } from "../../../actors/system_port.ts";
import { OperationalError } from "../../../events/errors.ts";

/** What every call may meet, and those that write. */
const ALWAYS = [
  ["log_unavailable", true],
  ["recovering", true],
  ["log_from_newer_version", true],
  ["redis_busy", true],
  ["not_leader", true],
  ["log_damaged", false],
] as const;
const WRITING = [
  ...ALWAYS,
  ["log_indeterminate", false],
  ["log_unwritable", true],
  ["redis_out_of_memory", true],
  ["redis_read_only", true],
  ["release_mixed", true],
] as const;

const CALLS: Partial<Record<keyof InstanceSystem, readonly (readonly [string, boolean])[]>> = {
  ask: WRITING,
  drainWorker: WRITING,
  forgetWorker: WRITING,
  get: ALWAYS,
  list: ALWAYS,
  history: ALWAYS,
  past: ALWAYS,
  workers: ALWAYS,
  logs: [...ALWAYS, ["site_unreachable", true], ["query_failed", false]],
  read: ALWAYS,
  observe: ALWAYS,
};

/** When it fails: the call of this number, counted from 0, with one of the errors that it may meet. */
export interface InjectedFault {
  call: number;
  which: number;
}

/** Stands before a system; `inject` makes one of the next calls fail. */
export class FaultySystem {
  private target: InstanceSystem | null = null;
  private fault: InjectedFault | null = null;
  private calls = 0;
  /** The code that was thrown last, since `inject`. */
  thrown: string | null = null;

  /** What is given to the API. */
  readonly system: InstanceSystem = new Proxy({} as InstanceSystem, {
    get: (_, name: keyof InstanceSystem) => {
      const value = this.target![name];
      if (typeof value !== "function") return value;
      const own = value.bind(this.target) as (...args: unknown[]) => unknown;
      const errors = CALLS[name];
      return errors === undefined ? own : (...args: unknown[]) => {
        this.mayFail(errors);
        return own(...args);
      };
    },
  });

  /** @param target does what is asked when nothing fails */
  stand(target: InstanceSystem): void {
    this.target = target;
  }

  /** From now on: this fault, or none. */
  inject(fault: InjectedFault | null): void {
    this.fault = fault;
    this.calls = 0;
    this.thrown = null;
  }

  private mayFail(errors: readonly (readonly [string, boolean])[]): void {
    if (this.fault?.call !== this.calls++) return;
    const [code, retryable] = errors[this.fault.which % errors.length]!;
    this.thrown = code;
    throw new OperationalError(code, "It was made to fail.", retryable, "Try it again.");
  }
}
