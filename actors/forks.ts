/**
 * Tells a history that the log has lost from the one in its place: by where an event is, and where the one before it
 * was. A log that gives a position once more, to an event of the same version (its clock was set back as well), is not
 * told apart here; what watches the log itself finds that out. Design §5 (`HISTORY_ROLLBACK`).
 */
import type { Position, RecordedEvent } from "../events/envelope.ts";
import type { Facts } from "../machines/facts.ts";
import type { InstanceState } from "../machines/lifecycle.ts";

/** The log holds less of an instance than this node has seen, or something else. */
export interface LostHistory {
  /** What this node had folded of the instance. */
  seen: Pick<Facts, "instanceId" | "version">;
  /** The version that the log has. */
  found: number;
  /** `InstanceTable.foldings` when it was seen: the log may have been folded anew since. */
  foldings: number;
}

/** Whether one of the log's events belongs to another history than the one that led to `state`. */
export function isForked({ context }: InstanceState, events: readonly RecordedEvent[]): boolean {
  const { version, position } = context;
  return version > 0 &&
    events.some((event) =>
      event.version === version ? event.position !== position : event.version === version + 1 &&
        event.previous !== position
    );
}

/** Whether the newest event that the log has of an instance shows that what is folded here is lost. */
export function isLost(
  { context }: InstanceState,
  latest: { version: number; position: Position },
): boolean {
  return latest.version < context.version ||
    (latest.version === context.version && latest.position !== context.position);
}
