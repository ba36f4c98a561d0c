/** What happened to the log and a person should know of, also when it is over: the last few, and each told once. */
import type { Incident } from "./system_port.ts";

const KEPT = 20;

export class Incidents {
  private readonly kept: Incident[] = [];

  constructor(private readonly onIncident: (incident: Incident) => void) {}

  /** Oldest first. */
  get all(): Incident[] {
    return this.kept.map((incident) => ({ ...incident }));
  }

  /** The newest one of this code. */
  newest(code: Incident["code"]): Incident | undefined {
    return this.kept.findLast((incident) => incident.code === code);
  }

  add(incident: Incident): void {
    this.kept.push(incident);
    if (this.kept.length > KEPT) this.kept.shift();
    this.onIncident(incident);
  }
}
