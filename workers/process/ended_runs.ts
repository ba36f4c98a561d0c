/** Remembers of which instances nothing lives, so that looking for what lives costs little for those that are stopped. */
import type { InstanceFolder } from "./instance_folder.ts";

/** Of an instance that never had a run. */
const NO_RUN = "none";

export class EndedRuns {
  readonly #stamps = new Map<string, string>();
  /** The last run of each instance whose groups were looked into after its end. */
  readonly #cleared = new Map<string, string>();

  /** Changes when another run of the instance is recorded; to be read before the run is looked at. */
  async stampOf(folder: InstanceFolder): Promise<string> {
    try {
      const { ino, mtime, size } = await Deno.stat(`${folder.path}/run.json`);
      return `${ino} ${mtime?.getTime()} ${size}`;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return NO_RUN;
      throw error;
    }
  }

  /** Whether the run of this stamp was seen to have ended, with nobody at the lock: only a new run can live here. */
  has(instanceId: string, stamp: string): boolean {
    return this.#stamps.get(instanceId) === stamp;
  }

  add(instanceId: string, stamp: string): void {
    this.#stamps.set(instanceId, stamp);
  }

  /** Whether nothing is left in the groups of this run. */
  isCleared(instanceId: string, runId: string): boolean {
    return this.#cleared.get(instanceId) === runId;
  }

  cleared(instanceId: string, runId: string): void {
    this.#cleared.set(instanceId, runId);
  }

  /** Forgets all instances but these. */
  keepOnly(instanceIds: readonly string[]): void {
    const kept = new Set(instanceIds);
    for (const known of [this.#stamps, this.#cleared]) {
      for (const id of known.keys()) if (!kept.has(id)) known.delete(id);
    }
  }
}
