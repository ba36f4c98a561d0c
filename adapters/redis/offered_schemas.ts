/** Which schema numbers may be written now: what every live node reads, so that a rolling upgrade stops nobody. Design §3. */
import { CURRENT_SCHEMA, type EventType } from "../../events/instance_events.ts";
import type { RedisLink } from "./redis_link.ts";

/** The schema number to write of each type; 0: no node but newer ones knows the type. */
export type WritableSchemas = Readonly<Record<EventType, number>>;

/** What every live node reads, as last heard. */
export class OfferedSchemas {
  writable: WritableSchemas = CURRENT_SCHEMA;

  constructor(private readonly link: RedisLink) {}

  /**
   * Asks what the nodes have said: when the program begins, and each time that it asks for the leadership.
   * @throws {OperationalError} `log_unavailable`
   */
  async refresh(): Promise<void> {
    const all = await this.link.ask("HGETALL", this.link.keys.nodes) as string[];
    const said = all.filter((_, index) => index % 2 === 1);
    this.writable = writableSchemas(
      said.map((text) => JSON.parse(text.slice(text.indexOf(" ") + 1))),
    );
  }
}

/** The highest number of each type that this release and every live node read. */
export function writableSchemas(
  nodes: readonly Readonly<Record<string, number>>[],
): WritableSchemas {
  const types = Object.keys(CURRENT_SCHEMA) as EventType[];
  const numbers = types.map((type) => [
    type,
    Math.min(CURRENT_SCHEMA[type], ...nodes.map((reads) => reads[type] ?? 0)),
  ]);
  return Object.fromEntries(numbers);
}
