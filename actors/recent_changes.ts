/** How statuses have changed lately: what the states keep of it, in the log's order. Pure. Design §6, `drasi-server.md` §16. */
import { comparePositions, type Position } from "../events/envelope.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { ChangeFilter, RecentChange } from "./system_port.ts";

/** One page of the changes of `states`, oldest first, and the position that the next page comes after. */
export function recentChangesOf(
  states: Iterable<InstanceState>,
  { since, statuses, limit, after }: ChangeFilter,
): { items: RecentChange[]; next: Position | null } {
  const found: RecentChange[] = [];
  for (const { context } of states) {
    for (const change of context.statusChanges) {
      if (change.at < since || (statuses && !statuses.includes(change.to))) continue;
      if (after !== undefined && comparePositions(change.position, after) <= 0) continue;
      const { at, metadata } = context.externalStatus ?? {};
      const isLast = change.isReported && change.at === at;
      const { instanceId } = context;
      found.push({ instanceId, ...change, ...(isLast && metadata ? { metadata } : {}) });
    }
  }
  found.sort((a, b) => comparePositions(a.position, b.position));
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? items.at(-1)!.position : null };
}
