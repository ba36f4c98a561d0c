/**
 * The fleet as the screens see it: every instance, counted, filtered and in order. What has changed is found and put in
 * its place; nothing is listed or sorted anew. Pure: each change gives a new index.
 */
import { type InstanceStatus, STATUSES } from "../../machines/requests.ts";
import { type FleetFilter, NO_FILTER } from "./fleet_filter.ts";
import { BY_NAME, type Compare, orderOf, type Sort, sorted } from "./fleet_order.ts";
import type { Instance } from "./instance.ts";
import { ShardedMap } from "./sharded_map.ts";

export type Counts = Readonly<Record<InstanceStatus, number>>;

export interface FleetIndex {
  /** By id. What is deleted is not here. */
  instances: ShardedMap<Instance>;
  /** Ids of those that went since the fleet was listed: an answer from before that does not bring one back. */
  gone: ShardedMap<true>;
  /** Of the whole fleet, filtered or not. */
  counts: Counts;
  filter: FleetFilter;
  sort: Sort;
  /** The ids that the filter lets through, sorted. */
  ids: readonly string[];
}

const NO_COUNTS = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Counts;

export const NO_FLEET: FleetIndex = {
  instances: ShardedMap.of<Instance>([]),
  gone: ShardedMap.of<true>([]),
  counts: NO_COUNTS,
  filter: NO_FILTER,
  sort: BY_NAME,
  ids: [],
};

/** The fleet as a list told it; filter and sort stay. */
export function relisted(index: FleetIndex, items: readonly Instance[]): FleetIndex {
  const counts: Record<InstanceStatus, number> = { ...NO_COUNTS };
  const fleet = items.filter(({ status }) => status !== "Deleted");
  for (const { status } of fleet) counts[status]++;
  const instances = ShardedMap.of(fleet.map((one) => [one.id, one] as const));
  return reordered({ ...index, instances, counts, gone: NO_FLEET.gone });
}

/** With these in the place of what was known of them; what is older than that changes nothing. */
export function withInstances(index: FleetIndex, changed: readonly Instance[]): FleetIndex {
  const placing: Placing = {
    ids: [...index.ids],
    index,
    compare: orderOf(index.sort),
    puts: new Map(),
  };
  const counts = { ...index.counts };
  for (const after of changed) {
    const before = knownOf(placing, after.id);
    if (index.gone.get(after.id)) continue;
    if (before !== undefined && before.version > after.version) continue;
    if (before !== undefined) counts[before.status]--;
    const isIn = after.status !== "Deleted";
    if (isIn) counts[after.status]++;
    place(placing, before, isIn ? after : undefined);
    placing.puts.set(after.id, isIn ? after : undefined);
  }
  const { ids, puts } = placing;
  return puts.size === 0 ? index : { ...index, instances: index.instances.with(puts), counts, ids };
}

/** Without what is not there any more, for good. */
export function withoutInstance(index: FleetIndex, id: string): FleetIndex {
  const known = index.instances.get(id);
  const left = known ? withInstances(index, [{ ...known, status: "Deleted" }]) : index;
  return { ...left, gone: left.gone.with([[id, true]]) };
}

export function withFilter(index: FleetIndex, filter: FleetFilter): FleetIndex {
  return reordered({ ...index, filter });
}

export function withSort(index: FleetIndex, sort: Sort): FleetIndex {
  return reordered({ ...index, sort });
}

function reordered(index: FleetIndex): FleetIndex {
  const shown = [...index.instances.values()].filter(index.filter.matches);
  return { ...index, ids: sorted(shown, index.sort).map(({ id }) => id) };
}

interface Placing {
  /** Changed in place. */
  ids: string[];
  index: FleetIndex;
  compare: Compare;
  /** What this change has put so far; undefined: removed. */
  puts: Map<string, Instance | undefined>;
}

function knownOf({ puts, index }: Placing, id: string): Instance | undefined {
  return puts.has(id) ? puts.get(id) : index.instances.get(id);
}

/** Takes an instance out of the order where it was, and puts it in where it belongs now. */
function place(
  placing: Placing,
  before: Instance | undefined,
  after: Instance | undefined,
): void {
  const { ids, index, compare } = placing;
  const wasShown = before !== undefined && index.filter.matches(before);
  const isShown = after !== undefined && index.filter.matches(after);
  if (wasShown && isShown && compare(before, after) === 0) return;
  if (wasShown) {
    const at = ids.indexOf(before.id);
    if (at >= 0) ids.splice(at, 1);
  }
  if (isShown) ids.splice(placeOf(after, placing), 0, after.id);
}

function placeOf(instance: Instance, placing: Placing): number {
  const { ids, compare } = placing;
  let [from, to] = [0, ids.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compare(knownOf(placing, ids[middle]!)!, instance) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
