/** Pages of the fleet: each order, and that nobody is missing or told twice whatever changes between two pages. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { pageOf } from "../../actors/fleet_query.ts";
import { type ListFilter, type ListPlace, SORT_KEYS } from "../../actors/system_port.ts";
import { newEvent } from "../../events/instance_events.ts";
import { specificationSchema } from "../../events/specification.ts";
import { evolve, initialState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { recorded } from "../http/support/scripted_system.ts";

interface Made {
  name: string;
  createdAt: number;
  lastModifiedAt: number;
  restarts: number;
}

function instance(id: string, { name, ...facts }: Made): InstanceState {
  const specification = specificationSchema.parse({ name, configuration: {} });
  const [event] = recorded([newEvent("InstanceCreated", { specification })], id);
  const state = evolve(initialState(id), event!);
  return { ...state, context: { ...state.context, ...facts } } as InstanceState;
}

const idsOf = (states: InstanceState[]) => states.map(({ context }) => context.instanceId);

/** Everything, page by page; `between` changes the fleet after each page. */
function walk(
  fleet: () => InstanceState[],
  filter: Omit<ListFilter, "after">,
  between: () => void = () => {},
): string[] {
  const told: string[] = [];
  let after: ListPlace | null | undefined;
  do {
    const page = pageOf(fleet(), { ...filter, ...(after ? { after } : {}) });
    assert(page.items.length <= filter.limit);
    told.push(...idsOf(page.items));
    after = page.next;
    between();
  } while (after);
  return told;
}

const made: fc.Arbitrary<Made> = fc.record({
  name: fc.constantFrom("a", "b", "B", "é", "10", "9"),
  createdAt: fc.integer({ min: 1, max: 4 }),
  lastModifiedAt: fc.integer({ min: 1, max: 4 }),
  restarts: fc.integer({ min: 0, max: 3 }),
});
const order = fc.record({ key: fc.constantFrom(...SORT_KEYS), descending: fc.boolean() });

/** As a table holds them: by creation. */
function fleetOf(some: readonly Made[]): InstanceState[] {
  return [...some].sort((a, b) => a.createdAt - b.createdAt)
    .map((one, index) => instance(`i-${index}`, one));
}

Deno.test("pages of any size and order tell the whole fleet, sorted, those of one key by creation", () =>
  fc.assert(
    fc.property(
      fc.array(made, { maxLength: 20 }),
      order,
      fc.integer({ min: 1, max: 6 }),
      (some, sort, limit) => {
        const fleet = fleetOf(some);
        const keyOf = (state: InstanceState) =>
          sort.key === "name"
            ? state.context.specification!.name
            : sort.key === "status"
            ? "Created"
            : state.context[sort.key];
        const sorted = fleet.toSorted((a, b) => {
          const [x, y] = [keyOf(a), keyOf(b)];
          return (x < y ? -1 : x > y ? 1 : 0) * (sort.descending ? -1 : 1);
        });
        assertEquals(walk(() => fleet, { limit, sort }), idsOf(sorted));
      },
    ),
  ));

Deno.test("what changes, comes or goes between two pages makes nobody else missing or told twice", () =>
  fc.assert(
    fc.property(
      fc.array(made, { minLength: 1, maxLength: 20 }),
      order,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ at: fc.nat(), to: made, isGone: fc.boolean() }), { maxLength: 10 }),
      (some, sort, limit, changes) => {
        let fleet = fleetOf(some);
        const touched = new Set<string>();
        const told = walk(() => fleet, { limit, sort }, () => {
          const change = changes.pop();
          if (!change) return;
          const victim = fleet[change.at % fleet.length]!;
          const { instanceId: id, createdAt } = victim.context;
          touched.add(id);
          const next = instance(id, { ...change.to, createdAt });
          const gone = { ...next, value: { ...next.value, pending: "deleted" } } as InstanceState;
          fleet = fleet.map((one) => one === victim ? (change.isGone ? gone : next) : one);
          const late = instance(`late-${changes.length}`, { ...change.to, createdAt: 9 });
          touched.add(late.context.instanceId);
          fleet = [...fleet, late];
        });
        const untouched = told.filter((id) => !touched.has(id));
        assertEquals(new Set(untouched).size, untouched.length, "nobody is told twice");
        const expected = idsOf(fleet).filter((id) => !touched.has(id));
        assertEquals(untouched.toSorted(), expected.toSorted(), "nobody is missing");
      },
    ),
  ));

Deno.test("a page of a large fleet keeps no more than the page", () => {
  const one = { name: "n", lastModifiedAt: 1, restarts: 0 };
  const fleet = Array.from(
    { length: 5_000 },
    (_, n) => instance(`i-${n}`, { ...one, createdAt: n }),
  );
  const sort = { key: "createdAt", descending: true } as const;
  const { items, next } = pageOf(fleet, { limit: 2, sort });
  assertEquals([idsOf(items), next], [["i-4999", "i-4998"], { key: 4_998, id: "i-4998" }]);
});
