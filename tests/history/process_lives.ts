/**
 * Who lived when: processes of instances, by host, with the times in which a host stood still. At most one runs at a
 * time, with the one exception that a host frozen as a whole needs an instant to end what its lease no longer covers.
 */
import type { Violation } from "../simulation/run_result.ts";

/** A process that began. */
export interface Spawned {
  instanceId: string;
  runId: string;
  host: string;
  /** Null: it lives on without its worker. */
  leaseMs: number | null;
}

/** A change of what lives; times on the clock of the operations. */
export type ProcessChange =
  | ({ kind: "began"; at: number } & Spawned)
  | { kind: "ended"; at: number; runId: string }
  /** The host with everything on it. */
  | { kind: "host-froze" | "host-thawed"; at: number; host: string };

export interface Life extends Spawned {
  from: number;
  to: number | null;
}

/** What a host that thaws may take to end what has lapsed meanwhile. Design §4 rule 8. */
export const THAWING_MS = 1_500;

export const PROCESS_SENTENCES = {
  neverTwo:
    "At most one process of an instance runs, on whatever host, but for one whose start a rollback took. Promise 6, traps 5.",
} as const;

export class ProcessLives {
  /** Those that live, by instance. */
  readonly live = new Map<string, Life[]>();
  readonly all = new Map<string, Life>();
  private readonly frozenSince = new Map<string, number>();
  private readonly thawedAt = new Map<string, number>();
  /** Runs whose start a rollback has taken: until somebody reports them the log cannot know that they live. */
  private readonly forgotten = new Set<string>();
  /** Instances of which a second one may be about to end. */
  private readonly excused = new Set<string>();

  /** Takes up a change; a process that ends makes no second one, whatever began before. */
  take(change: ProcessChange): Violation | null {
    switch (change.kind) {
      case "began": {
        const { kind: _, at, ...spawned } = change;
        const life: Life = { ...spawned, from: at, to: null };
        this.all.set(life.runId, life);
        this.live.set(life.instanceId, [...this.live.get(life.instanceId) ?? [], life]);
        return this.look(life.instanceId, at);
      }
      case "ended": {
        const life = this.all.get(change.runId);
        if (!life || life.to !== null) return null;
        // Before it leaves: it may have run beside another for longer than it may.
        const found = this.excused.has(life.instanceId)
          ? this.look(life.instanceId, change.at)
          : null;
        life.to = change.at;
        this.live.set(life.instanceId, this.liveOf(life.instanceId).filter((one) => one !== life));
        return found;
      }
      case "host-froze":
        this.frozenSince.set(change.host, change.at);
        return null;
      case "host-thawed": {
        this.frozenSince.delete(change.host);
        this.thawedAt.set(change.host, change.at);
        for (const [instanceId, lives] of this.live) {
          if (!lives.some(({ host }) => host === change.host)) continue;
          const found = this.look(instanceId, change.at);
          if (found) return found;
        }
        return null;
      }
    }
  }

  liveOf(instanceId: string): readonly Life[] {
    return this.live.get(instanceId) ?? [];
  }

  /** A rollback has taken the start of this run: what begins beside it is no fault until it is reported. */
  forget(runId: string): void {
    this.forgotten.add(runId);
  }

  /** The log knows of a run: from now on nothing may begin beside it. */
  recall(runId: string): void {
    const life = this.all.get(runId);
    if (life && this.liveOf(life.instanceId).length === 1) this.forgotten.delete(runId);
  }

  isFrozen(host: string): boolean {
    return this.frozenSince.has(host);
  }

  /** When a host last came back from standing still; -Infinity for never. */
  thawed(host: string): number {
    return this.thawedAt.get(host) ?? -Infinity;
  }

  /** Those that were excused for a moment and still live. */
  overdue(at: number): Violation | null {
    for (const instanceId of [...this.excused]) {
      const found = this.look(instanceId, at);
      if (found) return found;
    }
    return null;
  }

  private look(instanceId: string, at: number): Violation | null {
    const lives = this.liveOf(instanceId);
    this.excused.delete(instanceId);
    if (lives.length < 2) return null;
    const running = lives.filter(({ host, runId }) =>
      !this.isFrozen(host) && !this.forgotten.has(runId)
    );
    if (running.length < 2) return null;
    const counted = running.filter((life) => !this.isEnding(life, at));
    if (counted.length < 2) {
      this.excused.add(instanceId);
      return null;
    }
    const named = counted.map(({ runId, host }) => `${runId} on ${host}`).join(" and ");
    return { invariant: "neverTwo", found: `${instanceId} runs as ${named}` };
  }

  private isEnding({ leaseMs, host }: Life, at: number): boolean {
    return leaseMs !== null && at - this.thawed(host) <= THAWING_MS;
  }
}
