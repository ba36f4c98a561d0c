/** By what the fleet is sorted, and where an instance belongs in the order. Pure. */
import { type InstanceStatus, STATUSES } from "../../machines/requests.ts";
import type { Instance } from "./instance.ts";

/** What can be sorted by: the columns. */
export type SortKey =
  | "name"
  | "state"
  | "health"
  | "platform"
  | "worker"
  | "port"
  | "revision"
  | "restarts"
  | "age"
  | "cpu"
  | "memory";

export interface Sort {
  by: SortKey;
  isReversed: boolean;
}

export const BY_NAME: Sort = { by: "name", isReversed: false };

/** How far the grave states come before the others. */
const GRAVITY: Readonly<Record<InstanceStatus, number>> = {
  Failed: 0,
  Restarting: 1,
  Starting: 2,
  Stopping: 3,
  Deleting: 4,
  Running: 5,
  Stopped: 6,
  Created: 7,
  Deleted: STATUSES.length,
};

type Value = string | number;

/** Negative where `a` comes before `b`. Never 0 for two instances: what is equal is in the order of ids. */
export type Compare = (a: Instance, b: Instance) => number;

/** The order of `sort`. */
export function orderOf(sort: Sort): Compare {
  const valueOf = VALUES[sort.by];
  const sign = sort.isReversed ? -1 : 1;
  return (a, b) => sign * compareValues(valueOf(a), valueOf(b)) || compareValues(a.id, b.id);
}

/** `instances` in order. Each value is asked for once, not for each comparison. */
export function sorted(instances: readonly Instance[], sort: Sort): Instance[] {
  const valueOf = VALUES[sort.by];
  const sign = sort.isReversed ? -1 : 1;
  return instances.map((instance) => ({ instance, value: valueOf(instance) })).sort((a, b) =>
    sign * compareValues(a.value, b.value) || compareValues(a.instance.id, b.instance.id)
  ).map(({ instance }) => instance);
}

/** Of numbers the most comes first: it is what one looks for. */
const VALUES: Readonly<Record<SortKey, (instance: Instance) => Value>> = {
  name: naturalName,
  state: ({ status }) => GRAVITY[status],
  health: ({ health }) => HEALTH[health] ?? 2,
  platform: ({ platform }) => platform,
  worker: ({ worker }) => worker,
  port: ({ port }) => port ?? Infinity,
  revision: ({ revision }) => revision,
  restarts: ({ restarts }) => -restarts,
  age: ({ since }) => -since,
  cpu: ({ use }) => -(use?.cpuShare ?? -1),
  memory: ({ use }) => -(use?.memoryBytes ?? -1),
};

const HEALTH: Readonly<Record<string, number>> = { unhealthy: 0, starting: 1, healthy: 3 };

/** So that `web-2` comes before `web-10`. Made once an instance: an order asks for it often. */
const names = new WeakMap<Instance, string>();

function naturalName(instance: Instance): string {
  const known = names.get(instance);
  if (known !== undefined) return known;
  const name = instance.name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0"));
  names.set(instance, name);
  return name;
}

function compareValues(a: Value, b: Value): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
