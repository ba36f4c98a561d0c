/** A model of a host: instance folders with a kernel lock and a fence, shims, and processes. It outlives every worker. */
import type { Fence, Lease } from "../../workers/platform.ts";
import type { Chance } from "./chance.ts";
import { Life, type VirtualTime } from "./virtual_time.ts";

/** A server's process. */
export interface ModelProcess {
  instanceId: string;
  runId: string;
  generation: number;
  processId: number;
  isAlive: boolean;
  /** Ignores its stop signal. */
  isStubborn: boolean;
  startedAt: number;
  endedAt: number | null;
  exitCode: number | null;
  leaseMs: number | null;
  /** Its host ended it, since its lease was over. */
  isLapsed: boolean;
  /** It ended with its host, which began anew. */
  isRebooted: boolean;
  /** It does not answer its probes between these times, on the virtual clock; null: it is not asked. */
  sick: { fromMs: number; untilMs: number } | null;
}

interface Folder {
  fence: Fence;
  /** The shim or the process that holds the lock. */
  holder: { processOf: ModelProcess | null; isGone: boolean } | null;
  latest: ModelProcess | null;
}

export type ShimResult =
  | { kind: "started"; process: ModelProcess }
  /** `silent`: somebody ended it before it had started anything. */
  | { kind: "locked" | "stale" | "late" | "no-folder" | "silent" };

/** What a shim is given. */
export interface ShimOrder {
  instanceId: string;
  runId: string;
  fence: Fence;
  deadline: number;
  exitsAtOnce: boolean;
  isStubborn: boolean;
  isSick: boolean;
  lease: Lease | null;
}

export class ModelHost {
  readonly processes: ModelProcess[] = [];
  private readonly folders = new Map<string, Folder>();
  private nextPid = 100;
  private heardMs = -Infinity;
  /** Called when a process begins or ends; of a reboot only those hear that are told of `isRebooted`. */
  readonly listeners = new Set<(process: ModelProcess) => void>();
  /** Called with each order that is about to be carried out, and when its fence and deadline were looked at. */
  onSpawn: (order: ShimOrder, checkedAt: number) => void = () => {};
  /** Called when the host stops as a whole, and when it goes on. */
  onStandstill: (stands: boolean) => void = () => {};
  /** From its boot to the next; while it is frozen nothing happens on it. */
  private life = new Life();

  constructor(
    readonly time: VirtualTime,
    private readonly chance: Chance,
  ) {}

  live(instanceId?: string): ModelProcess[] {
    return this.processes.filter((one) =>
      one.isAlive && (!instanceId || one.instanceId === instanceId)
    );
  }

  instances(): string[] {
    return [...this.folders.keys()];
  }

  latest(instanceId: string): ModelProcess | null {
    return this.folders.get(instanceId)?.latest ?? null;
  }

  makeFolder(instanceId: string): void {
    if (!this.folders.has(instanceId)) {
      this.folders.set(instanceId, {
        fence: { generation: 0, attempt: 0 },
        holder: null,
        latest: null,
      });
    }
  }

  removeFolder(instanceId: string): void {
    this.folders.delete(instanceId);
  }

  /** A server ends together with all records of it, as in a power failure. */
  loseRecord(process: ModelProcess): void {
    this.end(process, null);
    const folder = this.folders.get(process.instanceId);
    if (folder) folder.latest = null;
  }

  /** Spawns a shim: it goes its way whether or not the worker lives on. What is given back ends it before its spawn. */
  shim(
    given: ShimOrder,
    report: (result: ShimResult) => void,
  ): () => void {
    const { time, chance } = this;
    const holder: NonNullable<Folder["holder"]> = { processOf: null, isGone: false };
    const slowMs = chance.happens(0.05) ? chance.between(100, 14_000) : chance.between(0, 20);
    this.after(slowMs, () => {
      if (holder.isGone) return report({ kind: "silent" });
      const folder = this.folders.get(given.instanceId);
      if (!folder) return report({ kind: "no-folder" });
      if (this.isLocked(given.instanceId)) {
        return report({ kind: "locked" });
      }
      if (isBelow(given.fence, folder.fence)) {
        return report({ kind: "stale" });
      }
      const { lease } = given;
      if (time.elapsed > given.deadline || (lease && time.elapsed >= this.leaseUntil(lease))) {
        return report({ kind: "late" });
      }
      folder.holder = holder;
      folder.fence = given.fence;
      const checkedAt = time.elapsed;
      const betweenMs = chance.happens(0.03) ? chance.between(50, 3_000) : chance.between(0, 3);
      this.after(betweenMs, () => {
        if (holder.isGone) return report({ kind: "silent" });
        this.onSpawn(given, checkedAt);
        report({ kind: "started", process: this.spawn(folder, holder, given) });
      });
    });
    return () => {
      if (holder.processOf === null) holder.isGone = true;
    };
  }

  private spawn(
    folder: Folder,
    holder: NonNullable<Folder["holder"]>,
    given: ShimOrder,
  ): ModelProcess {
    const process: ModelProcess = {
      instanceId: given.instanceId,
      runId: given.runId,
      generation: given.fence.generation,
      processId: this.nextPid++,
      isAlive: true,
      isStubborn: given.isStubborn,
      startedAt: this.time.now,
      endedAt: null,
      exitCode: null,
      leaseMs: given.lease?.leaseMs ?? null,
      isLapsed: false,
      isRebooted: false,
      sick: given.isSick ? this.drawSickness() : null,
    };
    holder.processOf = process;
    folder.latest = process;
    this.processes.push(process);
    this.tell(process);
    if (given.lease) this.watchLease(process, given.lease);
    if (given.exitsAtOnce) this.after(this.chance.between(0, 150), () => this.end(process, 1));
    return process;
  }

  private drawSickness(): { fromMs: number; untilMs: number } {
    const fromMs = this.time.elapsed + this.chance.between(500, 20_000);
    return { fromMs, untilMs: fromMs + this.chance.between(500, 15_000) };
  }

  /** The host stops as a whole, with all that is on it, for so long. */
  freeze(ms: number): void {
    this.life.frozenUntil = Math.max(this.life.frozenUntil, this.time.now + ms);
    this.onStandstill(true);
    // Just before what waits for the thaw, so that it is known to have thawed when that happens.
    this.time.after(ms - 0.001, () => {
      if (this.life.frozenUntil <= this.time.now + 0.001) this.onStandstill(false);
    });
  }

  thaw(): void {
    if (this.life.frozenUntil <= this.time.now) return;
    this.life.frozenUntil = 0;
    this.onStandstill(false);
  }

  /** Everything on it is gone at once but for what is on its disk. */
  reboot(): void {
    this.thaw();
    this.life.isAlive = false;
    this.life = new Life();
    for (const folder of this.folders.values()) if (folder.holder) folder.holder.isGone = true;
    for (const process of this.live()) {
      process.isRebooted = true;
      this.end(process, null);
    }
  }

  /** Lets something happen here, unless it begins anew before. */
  after(delayMs: number, run: () => void): void {
    this.time.after(delayMs, run, this.life);
  }

  private tell(process: ModelProcess): void {
    for (const listener of [...this.listeners]) listener(process);
  }

  /** When the log last heard this host's worker, as that has said; -Infinity: never. */
  get heardAt(): number {
    return this.heardMs;
  }

  /** The log has heard this host's worker, which spoke after `asOfMs`. */
  hear(asOfMs: number): void {
    this.heardMs = Math.max(this.heardMs, asOfMs);
  }

  private leaseUntil({ leaseMs, fromMs }: Lease): number {
    return Math.max(fromMs, this.heardMs) + leaseMs;
  }

  /** As the shim does it: whoever is frozen or gone, within a second of the lease's end. */
  private watchLease(process: ModelProcess, lease: Lease): void {
    const look = () => {
      const leftMs = this.leaseUntil(lease) - this.time.elapsed;
      if (!process.isAlive) return;
      if (leftMs > 0) return this.after(leftMs, look);
      process.isLapsed = true;
      const dyingMs = process.isStubborn ? 1_000 : this.chance.between(0, 100);
      this.after(dyingMs, () => this.end(process, null));
    };
    this.after(0, look);
  }

  isLocked(instanceId: string): boolean {
    const holder = this.folders.get(instanceId)?.holder;
    return !!holder && !holder.isGone && (holder.processOf === null || holder.processOf.isAlive);
  }

  /** A shim that holds the lock and has started nothing yet is ended; what it holds is free again. */
  endShim(instanceId: string): void {
    const holder = this.folders.get(instanceId)?.holder;
    if (holder && holder.processOf === null) holder.isGone = true;
  }

  /** Raises the fence, which takes the lock; false when somebody holds it. */
  raiseFence(instanceId: string, fence: Fence): boolean {
    const folder = this.folders.get(instanceId);
    if (!folder) return true;
    if (this.isLocked(instanceId)) return false;
    if (isBelow(folder.fence, fence)) folder.fence = fence;
    return true;
  }

  /** A process ends: by itself, by a signal, or killed by somebody outside. */
  end(process: ModelProcess, exitCode: number | null): void {
    if (!process.isAlive) return;
    process.isAlive = false;
    process.endedAt = this.time.now;
    process.exitCode = exitCode;
    this.tell(process);
  }
}

function isBelow(a: Fence, b: Fence): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.attempt < b.attempt);
}
