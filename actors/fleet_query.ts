/** Which instances a list shows, in which order: filter, sort and page, pure. Design §6. */
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import { selects } from "../events/label_selector.ts";
import type { ListFilter, ListPlace, ListSort, SortKey } from "./system_port.ts";

const BY_CREATION: ListSort = { key: "createdAt", descending: false };

interface Entry {
  state: InstanceState;
  key: string | number;
}

/**
 * One page of `states` (which come in the order of their creation) and where the next begins; deleted instances are left
 * out where they are not asked for by their status. Those of one key come in the order of their creation. A place is a
 * key and an instance, not a number of rows: what comes, goes or moves meanwhile makes no other instance missing or told
 * twice.
 */
export function pageOf(
  states: Iterable<InstanceState>,
  filter: ListFilter,
): { items: InstanceState[]; next: ListPlace | null } {
  const { limit, sort = BY_CREATION, after } = filter;
  const direction = sort.descending ? -1 : 1;
  const keyOf = KEY_OF[sort.key];
  const found: Entry[] = [];
  /** Of those with the place's own key only what was created later is still to come. */
  let isPast = false;
  for (const state of states) {
    const key = keyOf(state);
    const order = after === undefined ? 1 : direction * compare(key, after.key);
    if ((order > 0 || (order === 0 && isPast)) && matches(state, filter)) {
      insert(found, { state, key }, direction);
      if (found.length > limit + 1) found.pop();
    }
    isPast ||= state.context.instanceId === after?.id;
  }
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(({ state }) => state),
    next: found.length > limit && last
      ? { key: last.key, id: last.state.context.instanceId }
      : null,
  };
}

/** What an instance is sorted by. */
const KEY_OF: Readonly<Record<SortKey, (state: InstanceState) => string | number>> = {
  name: ({ context }) => context.specification?.name ?? "",
  status: statusOf,
  createdAt: ({ context }) => context.createdAt,
  lastModifiedAt: ({ context }) => context.lastModifiedAt,
  restarts: ({ context }) => context.restarts,
};

/** Behind all that are not greater. */
function insert(entries: Entry[], entry: Entry, direction: number): void {
  let [low, high] = [0, entries.length];
  while (low < high) {
    // From the end: what is sorted already is only appended.
    const middle = high - 1 - ((high - 1 - low) >> 1);
    if (direction * compare(entries[middle]!.key, entry.key) <= 0) low = middle + 1;
    else high = middle;
  }
  entries.splice(low, 0, entry);
}

/** Numbers by size, texts by their characters' codes: the same on every node. */
function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether an instance belongs to the fleet: it was created and is not deleted. */
export function isInFleet(state: InstanceState): boolean {
  return state.context.specification !== null && statusOf(state) !== "Deleted";
}

function matches(state: InstanceState, filter: ListFilter): boolean {
  const { specification, instanceId, run } = state.context;
  if (!specification) return false;
  if (!(filter.statuses ? filter.statuses.includes(statusOf(state)) : isInFleet(state))) {
    return false;
  }
  if (filter.platform && filter.platform !== specification.platform) return false;
  if (filter.template && filter.template !== specification.template) return false;
  if (filter.worker && filter.worker !== run?.workerId) return false;
  if (filter.labels && !selects(filter.labels, specification.labels)) return false;
  if (!filter.q) return true;
  const needle = filter.q.toLowerCase();
  return specification.name.toLowerCase().includes(needle) ||
    instanceId.toLowerCase().includes(needle);
}
