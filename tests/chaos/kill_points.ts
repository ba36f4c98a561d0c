/** Where the control plane is killed: the named places, and the trigger that does it at the n-th passage. */

/** Every place. `random` and `graceful` are done from outside, at a time instead of a place. */
export const KILL_POINTS = [
  /** The node is about to append, or has appended and not answered. */
  "append:before",
  "append:after",
  /** The worker is about to accept, or has accepted and done nothing. */
  "accept:before",
  "accept:after",
  /** The platform is about to start a run; its shim has reported the run, and the server is not yet executed. */
  "spawn:before",
  "spawn:after",
  /** The shim runs and has no lock; has the lock and has not said so; has no lock and freezes for a while. */
  "lock:before",
  "lock:after",
  "lock:frozen",
  /** The worker is about to complete, or has completed and nobody has heard. */
  "complete:before",
  "complete:after",
  "random",
  /** Not a kill: an end in order, so that recoveries from a snapshot are met too. */
  "graceful",
] as const;

export type KillPoint = (typeof KILL_POINTS)[number];

/** A place and how often it is passed before the kill. */
export interface Armed {
  point: KillPoint;
  /** 1: the next passage. */
  occurrence: number;
}

/** Whether `text` names a place. */
export function isKillPoint(text: string): text is KillPoint {
  return (KILL_POINTS as readonly string[]).includes(text);
}

/** Counts passages and acts on the one that was asked for. */
export class Trigger {
  private armed: Armed | null = null;

  /** @param kill ends the process at once; never comes back */
  constructor(private readonly kill: () => void) {}

  /** From now on the `occurrence`-th passage of the place is the last. */
  arm(armed: Armed): void {
    this.armed = { ...armed };
  }

  /** The process passes a place. */
  pass(point: KillPoint): void {
    if (this.isDue(point)) this.kill();
  }

  /** True on the passage that was asked for: for places that somebody else has to kill at. */
  isDue(point: KillPoint): boolean {
    if (this.armed?.point !== point) return false;
    this.armed.occurrence--;
    if (this.armed.occurrence > 0) return false;
    this.armed = null;
    return true;
  }
}
