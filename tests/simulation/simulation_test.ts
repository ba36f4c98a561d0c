/** The whole system on virtual time: no seed breaks an invariant, and each broken part is noticed. */
import { assert, assertEquals } from "@std/assert";
import { runSeed } from "./run_seed.ts";
import { MUTATIONS } from "./world.ts";

const SEEDS = 400;
/** A mutation that none of this many seeds notices is one that nothing checks. */
const MUTATION_SEEDS = 150;

/** "Sometimes" assertions: a simulation that never gets here tests nothing. */
const MUST_REACH = [
  "crash",
  "crash-after-commit",
  "freeze",
  "full-disk",
  "records-lost",
  "server-exits",
  "CommandCancelled",
  "CommandExpired",
  "CommandFailed",
  "RequestAnswered",
  "RestartScheduled",
  "RestartAbandoned",
  "RuntimeObserved",
  "StartQueued",
  "told unknown",
  "told error",
  "told nothing",
];

Deno.test(`no invariant breaks in ${SEEDS} seeds of crashes, freezes, full disks and random users`, async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runSeed(seed);
    for (const one of result.reached) reached.add(one);
    assert(
      result.violation === null,
      `seed ${seed}: ${result.violation}\n${result.story.slice(-60).join("\n")}\n` +
        `Again: deno task simulate --from ${seed} --seeds 1`,
    );
  }
  assertEquals(MUST_REACH.filter((one) => !reached.has(one)), [], "never reached");
});

Deno.test("a seed gives the same story every time", async () => {
  for (const seed of [3, 17, 82]) {
    assertEquals((await runSeed(seed)).story, (await runSeed(seed)).story);
  }
});

for (const mutation of MUTATIONS) {
  Deno.test(`the invariants notice the mutation ${mutation}`, async () => {
    for (let seed = 1; seed <= MUTATION_SEEDS; seed++) {
      if ((await runSeed(seed, mutation)).violation !== null) return;
    }
    throw new Error(`no seed up to ${MUTATION_SEEDS} noticed ${mutation}`);
  });
}
