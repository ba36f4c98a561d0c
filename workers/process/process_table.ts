/** What the process platform asks of the host's process table: a port, so that tests can look at it. */

/** What tells a process from every other one there was: a pid alone is used again. */
export interface ProcessIdentity {
  pid: number;
  /** Field 22 of `/proc/PID/stat`: clock ticks from boot to its start; kept across an exec. */
  startTicks: string;
  bootId: string;
}

/** A process that carries our marks in its environment. */
export interface MarkedProcess {
  pid: number;
  site: string;
  instanceId: string;
  runId: string;
  /** True for a shim, false for a server and its children. */
  isShim: boolean;
}

/**
 * The host's processes. Every call may throw `process_table_lost` when its `sh` ended meanwhile; the
 * next call starts another.
 */
export interface ProcessTable {
  /** Changes with each boot of the host. */
  bootId(): Promise<string>;
  /** Centiseconds since boot, sleep included: the clock that shims compare spawn deadlines with. */
  uptimeCs(): Promise<number>;
  /** When the process started, in ticks; null where there is none, or only a zombie. */
  startTicksOf(pid: number): Promise<string | null>;
  /** Signals the group that this process leads, if it is still that process; false if not. */
  signalGroup(leader: ProcessIdentity, signal: string): Promise<boolean>;
  /** Whether anyone holds the instance's lock: its shim, its server, or a child of that. */
  isLocked(instanceId: string): Promise<boolean>;
  /** All processes that carry our marks, of every site and instance. */
  marked(): Promise<MarkedProcess[]>;
  /** The processes that have the instance's lock open, also those that dropped their marks. */
  holders(instanceId: string): Promise<number[]>;
  /** SIGKILL, if the process is marked with this run, or has this instance's lock open; false if not. */
  kill(pid: number, proof: { runId: string } | { lockOf: string }): Promise<boolean>;
  /**
   * Raises the instance's fence, under its lock: no shim that asks for the lock afterwards starts anything below it.
   * `held`: somebody has the lock. `unwritable`: it could not be written down. A lower one changes nothing.
   * @param holder a live run that has the lock: the fence is raised under its lock; `held` if it has ended meanwhile
   */
  raiseFence(
    instanceId: string,
    fence: number,
    holder?: ProcessIdentity,
  ): Promise<"raised" | "held" | "unwritable">;
  close(): Promise<void>;
}
