/** Several hosts on virtual time: workers are lost and instances move, and never do two of one live. Design §4 rules 5, 7, 8. */
import { assert, assertEquals } from "@std/assert";
import { runFleetSeed } from "./fleet_seed.ts";
import type { FleetMutation } from "./fleet_world.ts";
import { LEASE_MUTATIONS } from "./host_model.ts";

const SEEDS = 300;
/** Enough for the rarest of the mutations to be noticed, more than once. */
const MUTATION_SEEDS = 600;
const MUTATIONS: readonly FleetMutation[] = [...LEASE_MUTATIONS, "refuse-takeover"];

/** A simulation that never gets here tests nothing. */
const MUST_REACH = [
  "kill",
  "freeze",
  "cut",
  "node",
  "server-exits",
  "CommandForgotten",
  "Lost",
  "Exited LeaseLapsed",
  "moved",
];

Deno.test(`no invariant breaks in ${SEEDS} seeds of lost workers, freezes, cut off hosts and random users`, async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runFleetSeed(seed);
    for (const one of result.reached) reached.add(one);
    assert(
      result.violation === null,
      `seed ${seed}: ${result.violation}\n${result.story.slice(-60).join("\n")}`,
    );
  }
  assertEquals(MUST_REACH.filter((one) => !reached.has(one)), [], "never reached");
});

Deno.test("a seed of several hosts gives the same story every time", async () => {
  for (const seed of [3, 17, 82]) {
    assertEquals((await runFleetSeed(seed)).story, (await runFleetSeed(seed)).story);
  }
});

for (const mutation of MUTATIONS) {
  Deno.test(`the invariants notice the mutation ${mutation}`, async () => {
    for (let seed = 1; seed <= MUTATION_SEEDS; seed++) {
      if ((await runFleetSeed(seed, mutation)).violation !== null) return;
    }
    throw new Error(`no seed up to ${MUTATION_SEEDS} noticed ${mutation}`);
  });
}
