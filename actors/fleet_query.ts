/** Which instances a list shows: filter and page, pure. Design §6. */
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import type { ListFilter } from "./system_port.ts";

/** One page of `states` (in their order) and the cursor of the next; deleted instances are left out. */
export function pageOf(
  states: Iterable<InstanceState>,
  filter: ListFilter,
): { items: InstanceState[]; nextCursor: string | null } {
  const items: InstanceState[] = [];
  let isPast = filter.cursor === undefined;
  for (const state of states) {
    if (isPast && matches(state, filter)) {
      if (items.length === filter.limit) {
        return { items, nextCursor: items.at(-1)!.context.instanceId };
      }
      items.push(state);
    }
    isPast ||= state.context.instanceId === filter.cursor;
  }
  return { items, nextCursor: null };
}

/** Whether an instance belongs to the fleet: it was created and is not deleted. */
export function isInFleet(state: InstanceState): boolean {
  return state.context.specification !== null && statusOf(state) !== "Deleted";
}

function matches(state: InstanceState, filter: ListFilter): boolean {
  const { specification, instanceId, run } = state.context;
  const status = statusOf(state);
  if (!specification || (!isInFleet(state) && filter.status !== "Deleted")) return false;
  if (filter.status && filter.status !== status) return false;
  if (filter.platform && filter.platform !== specification.platform) return false;
  if (filter.template && filter.template !== specification.template) return false;
  if (filter.worker && filter.worker !== run?.workerId) return false;
  if (filter.label && !hasLabel(specification.labels, filter.label)) return false;
  if (!filter.q) return true;
  const needle = filter.q.toLowerCase();
  return specification.name.toLowerCase().includes(needle) ||
    instanceId.toLowerCase().includes(needle);
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, wanted);
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}
