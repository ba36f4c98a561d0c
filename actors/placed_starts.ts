/** The starts for one site that nobody has accepted yet: what a look at the workers counts and moves. Design §4 rule 5. */
import type { InstanceState } from "../machines/lifecycle.ts";

/** A start for one site that nobody has accepted. */
export interface PlacedStart {
  readonly commandId: string;
  /** Where it is: where its event sent it, or where it was moved to since, which the log does not say. */
  readonly site: string;
  /** When this node first saw it, by the monotonic clock. */
  readonly since: number;
}

export class PlacedStarts {
  private readonly starts = new Map<string, PlacedStart>();
  /** How many there are at each site: asked for at every start, so never counted anew. */
  private readonly counts = new Map<string, number>();

  /** Each with its instance. */
  all(): IterableIterator<[string, PlacedStart]> {
    return this.starts.entries();
  }

  countAt(site: string): number {
    return this.counts.get(site) ?? 0;
  }

  clear(): void {
    this.starts.clear();
    this.counts.clear();
  }

  /** Looks at a state that has changed, at `now` on the monotonic clock. */
  consider({ context: { instanceId, commands } }: InstanceState, now: number): void {
    const start = commands.find((one) => one.kind === "start" && !one.accepted);
    const known = this.starts.get(instanceId);
    if (start && known?.commandId === start.commandId) return;
    this.put(
      instanceId,
      start && start.site !== null
        ? { commandId: start.commandId, site: start.site, since: now }
        : undefined,
    );
  }

  /** `start` waits at `site` from now on, if it still waits. */
  moved(instanceId: string, start: PlacedStart, site: string): void {
    if (this.starts.get(instanceId) === start) this.put(instanceId, { ...start, site });
  }

  private put(instanceId: string, start: PlacedStart | undefined): void {
    const before = this.starts.get(instanceId);
    if (before) this.add(before.site, -1);
    if (start) {
      this.starts.set(instanceId, start);
      this.add(start.site, 1);
    } else this.starts.delete(instanceId);
  }

  private add(site: string, more: 1 | -1): void {
    const count = this.countAt(site) + more;
    if (count > 0) this.counts.set(site, count);
    else this.counts.delete(site);
  }
}
