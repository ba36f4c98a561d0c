/** Each invariant is found broken where it is, and none where nothing is: a checker that cannot fail proves nothing. */
import { assertEquals } from "@std/assert";
import {
  BROKEN_COMMANDS,
  BROKEN_HEALTH,
  BROKEN_MOVES,
  BROKEN_ORDER,
  BROKEN_POLICY,
  BROKEN_RUNS,
  BROKEN_SITES,
  judged,
  SOUND,
} from "./broken_logs.ts";
import { BROKEN_ANSWERS, SOUND_CLIENTS } from "./broken_answers.ts";
import { BROKEN_PROCESSES, BROKEN_WORKERS, OVERSTAYED, SOUND_WORLDS } from "./broken_fleets.ts";
import { BROKEN_WORLDS, restingSoundly } from "./broken_worlds.ts";
import { INVARIANTS } from "./catalogue.ts";

const BROKEN = {
  ...BROKEN_ORDER,
  ...BROKEN_COMMANDS,
  ...BROKEN_MOVES,
  ...BROKEN_RUNS,
  ...BROKEN_SITES,
  ...BROKEN_POLICY,
  ...BROKEN_HEALTH,
  ...BROKEN_ANSWERS,
  ...BROKEN_PROCESSES,
  ...BROKEN_WORKERS,
  ...BROKEN_WORLDS,
};

for (const [name, run] of Object.entries(BROKEN)) {
  Deno.test(`what breaks ${name} is found`, () => {
    const found = run();
    assertEquals(found?.invariant, name, found?.found ?? "nothing was found");
  });
}

for (const [name, history] of Object.entries(SOUND)) {
  Deno.test(`${name} breaks nothing`, () => assertEquals(judged(history()), null));
}

for (const [name, run] of Object.entries({ ...SOUND_CLIENTS, ...SOUND_WORLDS })) {
  Deno.test(`${name} breaks nothing`, () => {
    assertEquals(run().filter((found) => found !== null), []);
  });
}

Deno.test("a running server at rest, known to its node, breaks nothing", () => {
  assertEquals(restingSoundly(), null);
});

Deno.test("a process that outlives the thaw of its host for too long is a second one", () => {
  assertEquals(OVERSTAYED()?.invariant, "neverTwo");
});

Deno.test("there is something that breaks each invariant", () => {
  assertEquals(Object.keys(BROKEN).sort(), Object.keys(INVARIANTS).sort());
});
