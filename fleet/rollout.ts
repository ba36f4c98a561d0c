/** Which server may be taken down next, so that never more are down at once than were allowed. Pure. docs/fleet.md */
import type { Share } from "./fleet_file.ts";
import { isToServe, type PlanItem } from "./fleet_plan.ts";
import type { FleetWish } from "./fleet_wish.ts";

/** Of these instances at most so many may be unavailable at once. */
export interface Budget {
  ids: ReadonlySet<string>;
  most: number;
}

/**
 * The budget of the whole fleet, and those of entries that have one of their own. Only instances count that were to run
 * before and are to run after: what is new takes nothing away.
 * @param most in the place of the fleet's own share
 */
export function budgetsOf(
  items: readonly PlanItem[],
  { maxUnavailable, maxUnavailableOf }: Pick<FleetWish, "maxUnavailable" | "maxUnavailableOf">,
  most: Share = maxUnavailable,
): Budget[] {
  const serving = items.filter(isToServe);
  const budget = (members: readonly PlanItem[], share: Share): Budget => ({
    ids: new Set(members.map(({ id }) => id)),
    most: countOf(share, members.length),
  });
  return [
    budget(serving, most),
    ...[...maxUnavailableOf].map(([entry, share]) =>
      budget(serving.filter(({ wanted }) => wanted?.entry === entry), share)
    ),
  ];
}

/** A share of `total` as a number: a percentage is rounded down, and is never less than one. */
export function countOf(share: Share, total: number): number {
  if (typeof share === "number") return share;
  return Math.max(1, Math.floor(total * Number.parseInt(share, 10) / 100));
}

/**
 * Whether one more may be taken down.
 * @param away what is unavailable now, or is about to be
 */
export function mayTakeDown(
  id: string,
  budgets: readonly Budget[],
  away: ReadonlySet<string>,
): boolean {
  // One that is down already takes nothing more away.
  if (away.has(id)) return true;
  return budgets.filter(({ ids }) => ids.has(id)).every(({ ids, most }) => {
    let count = 0;
    for (const one of away) if (ids.has(one)) count++;
    return count < most;
  });
}
