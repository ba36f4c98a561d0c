/**
 * The marks beside an instance's containers: volumes that nobody mounts. A container's labels never change, so what comes
 * to be known later is kept in marks: how high the fence was raised, and whose end was asked for.
 */
import { compareFences, type Fence } from "../platform.ts";
import type { EngineVolumes } from "./container_engine.ts";
import { type Mark, markLabels, markName, readMark } from "./container_labels.ts";

/** What is marked of an instance. */
export interface Marked {
  /** Null: no fence was raised. */
  fence: Fence | null;
  /** The runs whose end was asked for. */
  stops: ReadonlySet<string>;
}

export class InstanceMarks {
  constructor(private readonly volumes: EngineVolumes, private readonly namespace: string) {}

  async of(instanceId: string): Promise<Marked> {
    const marks = await this.all(instanceId);
    const fences = marks.filter(({ stops }) => stops === null).map(({ fence }) => fence);
    return {
      fence: highest(fences),
      stops: new Set(marks.flatMap(({ stops }) => stops ?? [])),
    };
  }

  /** Raises the fence; a lower one changes nothing. */
  async raise(instanceId: string, fence: Fence): Promise<void> {
    const marks = await this.all(instanceId);
    const fences = marks.filter(({ stops }) => stops === null);
    const before = highest(fences.map((mark) => mark.fence));
    if (fence.generation === 0 || (before && compareFences(fence, before) <= 0)) return;
    await this.make({ instanceId, fence, stops: null });
    for (const lower of fences) await this.volumes.remove(markName(this.namespace, lower));
  }

  /** The end of this run is asked for: whoever sees it knows that it was no failure. */
  async askEnd(instanceId: string, runId: string, fence: Fence): Promise<void> {
    await this.make({ instanceId, fence, stops: runId });
  }

  /** Forgets the ends of all runs but these. */
  async keepOnly(instanceId: string, runIds: readonly string[]): Promise<void> {
    for (const mark of await this.all(instanceId)) {
      if (mark.stops === null || runIds.includes(mark.stops)) continue;
      await this.volumes.remove(markName(this.namespace, mark));
    }
  }

  private async make(mark: Mark): Promise<void> {
    const { namespace } = this;
    await this.volumes.make(markName(namespace, mark), markLabels(namespace, mark));
  }

  private async all(instanceId: string): Promise<Mark[]> {
    const found = await this.volumes.list(instanceId);
    return found.flatMap(({ labels }) => readMark(labels) ?? []);
  }
}

/** The highest of some fences; null for none. */
export function highest(fences: readonly Fence[]): Fence | null {
  return fences.reduce<Fence | null>(
    (most, one) => most === null || compareFences(one, most) > 0 ? one : most,
    null,
  );
}
