/** Finds what there is of a fleet: each entry's instance by its id, and all that bears the fleet's label. Design §4 rule 14. */
import { canonicalJson } from "../events/json.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import { FLEET_LABEL } from "./fleet_file.ts";
import type { Found, Labelled, Observed } from "./fleet_plan.ts";
import type { FleetWish, Wanted } from "./fleet_wish.ts";

/** Where it is looked. */
export interface FleetEyes {
  /** The instance, deleted or not; undefined when there never was one. */
  get(id: string): Promise<InstanceState | undefined>;
  /** Those that are not deleted and have this label. */
  labelled(key: string, value: string): Promise<InstanceState[]>;
  /** The id that belongs to a key in this namespace. */
  deriveId(key: string): string;
}

/** So many ids are asked for at once: one that nobody knows is looked for in the log. */
const AT_ONCE = 32;

/** All that a plan for `wish` stands on. */
export async function observeFleet(eyes: FleetEyes, wish: FleetWish): Promise<Observed> {
  const { fleet, instances } = wish;
  const [found, states] = await Promise.all([
    inBatches(instances, (wanted) => findWanted(eyes, fleet, wanted)),
    eyes.labelled(FLEET_LABEL, fleet),
  ]);
  const labelled = await inBatches(
    states,
    async (state): Promise<Labelled> => ({
      state,
      isProven: await originOf(eyes, state) === fleet,
    }),
  );
  return { found, labelled };
}

/**
 * The fleet whose file has made an instance; null: none, as far as anybody can tell. A label can be given to anything:
 * the id is the proof.
 */
export async function originOf(eyes: FleetEyes, state: InstanceState): Promise<string | null> {
  const { specification, instanceId } = state.context;
  const fleet = specification?.labels[FLEET_LABEL];
  if (!specification || fleet === undefined) return null;
  for (let predecessors = 0;; predecessors++) {
    const id = entryId(eyes, fleet, specification.name, predecessors);
    if (id === instanceId) return fleet;
    const other = await eyes.get(id);
    if (!other || statusOf(other) !== "Deleted") return null;
  }
}

async function findWanted(
  eyes: FleetEyes,
  fleet: string,
  { id, name }: Wanted,
): Promise<Found> {
  if (id !== null) return { id, state: known(await eyes.get(id)), predecessor: null };
  for (let predecessors = 0;; predecessors++) {
    const derived = entryId(eyes, fleet, name, predecessors);
    const state = known(await eyes.get(derived));
    const status = state === null ? null : statusOf(state);
    if (status === "Deleted") continue;
    // It counts as deleted once it is: until then nothing else has its name.
    return status === "Deleting"
      ? { id: entryId(eyes, fleet, name, predecessors + 1), state: null, predecessor: derived }
      : { id: derived, state, predecessor: null };
  }
}

/** A worker may have told of an instance before anybody had created it. */
function known(state: InstanceState | undefined): InstanceState | null {
  return state?.context.specification ? state : null;
}

function entryId(
  { deriveId }: FleetEyes,
  fleet: string,
  name: string,
  predecessors: number,
): string {
  return deriveId(canonicalJson(["fleet", fleet, name, predecessors]));
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...await Promise.all(items.slice(at, at + AT_ONCE).map(work)));
  }
  return results;
}
