/** How the status has changed lately, in the predecessor's words: by the log, and by what was reported from outside. Pure. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { StatusChange } from "./facts.ts";
import { legacyStatusOf } from "./legacy_status.ts";
import type { InstanceState } from "./lifecycle.ts";

/** As many are kept of each instance. */
const CHANGES_MAX = 8;

/** The changes that are known after `event`, oldest first. `before` and `after` are the states around it. */
export function changesAfter(
  before: InstanceState,
  after: InstanceState,
  event: RecordedEvent,
): StatusChange[] {
  const known = before.context.statusChanges;
  const change = changeBy(before, after, event);
  return change ? [...known, change].slice(-CHANGES_MAX) : known;
}

function changeBy(
  before: InstanceState,
  after: InstanceState,
  event: RecordedEvent,
): StatusChange | null {
  if (before.context.specification === null) return null;
  const { at, position, meta } = event;
  if (event.type === "ExternalStatusReported") {
    const from = before.context.externalStatus?.status ?? legacyStatusOf(before);
    const { status: to, source } = event.data;
    return from === to ? null : { from, to, at, position, source, isReported: true };
  }
  const [from, to] = [legacyStatusOf(before), legacyStatusOf(after)];
  return from === to ? null : { from, to, at, position, source: meta.requestedBy ?? "unknown" };
}
