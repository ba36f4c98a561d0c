/** Reads anew what events have changed: each instance once, however many events it had meanwhile, a few at a time. */
import type { FleetPort } from "../../http/client/fleet_port.ts";
import type { SystemAction } from "../model/action.ts";
import { isGone } from "./failures.ts";

export interface ChangedParts {
  fleet: FleetPort;
  post(action: SystemAction): void;
}

/** More at once would only wait at the other end. */
const READS_MAX = 8;

export class ChangedInstances {
  /** In the order in which they changed. */
  private readonly waiting = new Set<string>();
  private reading = 0;
  private isClosed = false;

  constructor(private readonly parts: ChangedParts) {}

  /** An event of it was told. */
  add(instanceId: string): void {
    this.waiting.add(instanceId);
    this.next();
  }

  /** What was told before is not of interest any more: the whole fleet is read. */
  clear(): void {
    this.waiting.clear();
  }

  close(): void {
    this.isClosed = true;
    this.clear();
  }

  private next(): void {
    if (this.reading >= READS_MAX) return;
    const [id] = this.waiting;
    if (id === undefined) return;
    // Before it is read: what happens from here on is another change.
    this.waiting.delete(id);
    this.reading++;
    void this.read(id).finally(() => {
      this.reading--;
      this.next();
    });
  }

  private async read(id: string): Promise<void> {
    const { fleet, post } = this.parts;
    try {
      const item = await fleet.instances.get(id);
      if (!this.isClosed) post({ type: "changed", items: [item] });
    } catch (error) {
      // Whoever cannot be reached is read as a whole once it is heard again.
      if (isGone(error) && !this.isClosed) post({ type: "gone", instanceId: id });
    }
  }
}
