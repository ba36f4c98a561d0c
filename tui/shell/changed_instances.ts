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
  private readonly reading = new Set<string>();
  /** Could not be read just now. */
  private readonly failed = new Set<string>();
  private isClosed = false;
  private isHeld = false;

  constructor(private readonly parts: ChangedParts) {}

  /** An event of it was told. */
  add(instanceId: string): void {
    this.waiting.add(instanceId);
    this.next();
  }

  /** The whole fleet is being read: what was told before is in it, what is told from now on is read after it. */
  hold(): void {
    this.waiting.clear();
    this.isHeld = true;
  }

  /** The fleet was read. */
  goOn(): void {
    this.isHeld = false;
    this.failed.clear();
    this.readMore();
  }

  /** Tries what could not be read. */
  again(): void {
    for (const id of this.failed) this.waiting.add(id);
    this.failed.clear();
    this.readMore();
  }

  close(): void {
    this.isClosed = true;
    this.waiting.clear();
  }

  private readMore(): void {
    for (let at = 0; at < READS_MAX; at++) this.next();
  }

  private next(): void {
    if (this.reading.size >= READS_MAX || this.isHeld) return;
    for (const id of this.waiting) {
      // Once more when it was read: an answer that is on its way may be of before the last change.
      if (this.reading.has(id)) continue;
      // Before it is read: what happens from here on is another change.
      this.waiting.delete(id);
      this.reading.add(id);
      void this.read(id).finally(() => {
        this.reading.delete(id);
        this.next();
      });
      return;
    }
  }

  private async read(id: string): Promise<void> {
    const { fleet, post } = this.parts;
    try {
      const item = await fleet.instances.get(id);
      if (!this.isClosed) post({ type: "changed", items: [item] });
    } catch (error) {
      if (this.isClosed) return;
      if (isGone(error)) post({ type: "gone", instanceId: id });
      else this.failed.add(id);
    }
  }
}
