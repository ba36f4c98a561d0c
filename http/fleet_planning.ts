/** What fleet files are compared with: the fleet as the system tells it, and the plan that comes of it. docs/fleet.md */
import type { InstancePage, ListFilter, ListPlace } from "../actors/system_port.ts";
import type { Position } from "../events/envelope.ts";
import { type FleetPlan, identityFaults, planFleet } from "../fleet/fleet_plan.ts";
import type { FleetWish } from "../fleet/fleet_wish.ts";
import { type FleetEyes, observeFleet } from "../fleet/observed_fleet.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { planDigest } from "./fleet_view.ts";
import type { HttpServices } from "./options.ts";
import { invalidRequest } from "./problem.ts";

/** A plan, and what it stands on. */
export interface Planned {
  plan: FleetPlan;
  /** See `planDigest`. */
  digest: string;
  /** What the log says up to here is in it; perhaps more. */
  position: Position;
}

const PAGE = 500;

/**
 * The plan of a file.
 * @throws {Problem} 400 `invalid` where it names instances that it cannot
 * @throws {OperationalError} as `get` and `list` of the system
 */
export async function makePlan(
  services: HttpServices,
  wish: FleetWish,
  { prune = false, atLeast }: { prune?: boolean | undefined; atLeast?: Position | undefined },
): Promise<Planned> {
  const position = await reached(services, atLeast);
  const observed = await observeFleet(eyesOf(services), wish);
  const faults = identityFaults(wish, observed.found);
  if (faults.length > 0) throw invalidRequest(faults);
  const plan = planFleet(wish, observed, prune);
  return { plan, digest: await planDigest(plan), position };
}

/** Before anything is looked at: what comes later may be in it, too. */
export async function reached({ system }: HttpServices, atLeast?: Position): Promise<Position> {
  return (await system.list({ limit: 1 }, atLeast)).position;
}

/** The fleet as a plan looks at it. */
export function eyesOf(services: HttpServices): FleetEyes {
  const { system, deriveId } = services;
  return {
    get: (id) => system.get(id),
    labelled: (key, value) =>
      statesOf(services, { labels: [{ kind: "in", key, values: [value] }] }),
    deriveId,
  };
}

/** Every instance that the filter lets through, page by page. */
export async function statesOf(
  { system }: HttpServices,
  filter: Pick<ListFilter, "labels"> = {},
): Promise<InstanceState[]> {
  const states: InstanceState[] = [];
  let after: ListPlace | null = null;
  do {
    const page: InstancePage = await system.list({
      ...filter,
      limit: PAGE,
      ...(after === null ? {} : { after }),
    });
    states.push(...page.items);
    after = page.next;
  } while (after !== null);
  return states;
}
