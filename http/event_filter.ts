/** Which events a stream tells: of some instances, of some types, of instances with some labels. Design §6. */
import { type LabelSelector, selects } from "../events/label_selector.ts";
import type { InstanceSystem } from "../actors/system_port.ts";
import type { EventType } from "../events/instance_events.ts";
import type { EventFrame } from "./event_pages.ts";

/** All that is given must fit. */
export interface EventFilter {
  instanceIds?: ReadonlySet<string>;
  types?: ReadonlySet<EventType>;
  /** By the labels that the instance has by then, or had when it was deleted. */
  labels?: LabelSelector;
}

/**
 * Those of `frames` that are told.
 * @throws {OperationalError} as `InstanceSystem.get`, where it is asked for labels
 */
export async function filtered(
  frames: readonly EventFrame[],
  { instanceIds, types, labels }: EventFilter,
  system: InstanceSystem,
): Promise<readonly EventFrame[]> {
  const some = frames.filter(({ instanceId, type }) =>
    (instanceIds?.has(instanceId) ?? true) && (types?.has(type) ?? true)
  );
  if (!labels) return some;
  const told: EventFrame[] = [];
  for (const frame of some) {
    // At least as new as the event: an instance that this node does not know of yet has no labels.
    const state = await system.get(frame.instanceId, frame.position);
    if (selects(labels, state?.context.specification?.labels ?? {})) told.push(frame);
  }
  return told;
}
