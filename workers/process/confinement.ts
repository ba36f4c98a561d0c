/**
 * What holds a run in its limits, and ends all of it at once: a port, since each host offers something else (control
 * groups of either version, some of their controllers, or resource limits alone).
 */
import type { LimitName, Limits } from "../../events/limits.ts";

/** How one run is held. Plain data, kept with the run: a later worker ends and releases it by this. */
export interface Confined {
  /** Files that the shim writes itself into before it becomes the server: `…/cgroup.procs`. */
  joins: readonly string[];
  /** What the shim sets for itself, in the words of `ulimit`: `n=64`. */
  ulimits: readonly string[];
  /** The limits that hold. */
  limits: Limits;
  /** The others, by name, and why. */
  notSet: Readonly<Record<string, string>>;
  /** Which of `joins` holds a limit; one that is not here is held by `ulimits`. */
  heldIn: Readonly<Partial<Record<LimitName, string>>>;
}

/** A run without limits: nothing holds it, and nothing was asked of the host. */
export const UNCONFINED: Readonly<Confined> = Object.freeze({
  joins: [],
  ulimits: [],
  limits: {},
  notSet: {},
  heldIn: {},
});

/** What holds after all, where the shim could not join or set some of it. */
export function loosened<Held extends Pick<Confined, "limits" | "notSet" | "heldIn">>(
  confined: Held,
  loose: readonly string[],
): Held {
  if (loose.length === 0) return confined;
  const limits = { ...confined.limits };
  const notSet = { ...confined.notSet };
  for (const name of Object.keys(limits) as LimitName[]) {
    const join = confined.heldIn[name];
    const isLost = join === undefined
      ? loose.some((what) => name === "openFiles" && what.startsWith("n="))
      : loose.includes(join);
    if (!isLost) continue;
    delete limits[name];
    notSet[name] = join === undefined
      ? "the host allows this user fewer open files (ulimit -Hn)"
      : "the host did not let the server into its control group";
  }
  return { ...confined, limits, notSet };
}

/** All implementations pass `tests/contracts/confinement_contract.ts`. */
export interface Confinement {
  /** Makes ready what holds the run. What the host does not offer is said, not thrown. */
  confine(runId: string, limits: Limits): Promise<Confined>;
  /**
   * SIGKILL to everything that is in there, also what left its group, its session and its environment behind, and to
   * what that forks meanwhile. Gives how many processes it found: to be called again until there are none.
   */
  end(joins: readonly string[]): Promise<number>;
  /** Removes what `confine` made for a run that is over; what still holds something stays. */
  release(joins: readonly string[]): Promise<void>;
  /** Removes what a worker that crashed has left and nothing is in. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}
