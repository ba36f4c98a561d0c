/** A fact as the log holds it: where it stands, whose it is, who caused it. Design §5 (`log`). */
import type { NewEvent } from "./instance_events.ts";

/** A place in the log: opaque, but for `comparePositions`. The form is `major-minor`, as in a Redis stream. */
export type Position = string;

/** Before the first event. */
export const START: Position = "0-0";

/** Negative, zero or positive as `a` is before, at or after `b`. */
export function comparePositions(a: Position, b: Position): number {
  const [majorA, minorA] = split(a);
  const [majorB, minorB] = split(b);
  return majorA - majorB || minorA - minorB;
}

/** Whether `text` can be a position; for what comes from outside. */
export function isPosition(text: string): boolean {
  return /^\d{1,15}-\d{1,15}$/.test(text);
}

/** Who asked, and for what: written with the event, never decided upon. */
export interface EventMeta {
  /** Settles a lost answer: the same request never appends twice. */
  requestId?: string;
  /** `anonymous`, a token's name, `restart-policy`, `worker:<id>`, … */
  requestedBy?: string;
  correlationId?: string;
  /** The answer to this request is kept under this key, for this digest of its body. Design §4 rule 11. */
  idempotency?: { key: string; digest: string };
}

/** An event in the log. `at` is epoch milliseconds by the log's clock; `previous` the instance's event before. */
export type RecordedEvent = NewEvent & {
  position: Position;
  previous: Position | null;
  instanceId: string;
  version: number;
  schema: number;
  at: number;
  meta: EventMeta;
};

function split(position: Position): [number, number] {
  const dash = position.indexOf("-");
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))];
}
