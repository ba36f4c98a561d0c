/** A minute of chaos: every kill point is met, and nothing that was promised is broken. */
import { assert, assertEquals } from "@std/assert";
import { runChaos } from "./rounds.ts";

/** With the last round, the take-down and the second reading it stays below a minute. */
const SECONDS = 30;
const SECONDS_MAX = 50;

Deno.test("killed at every point under random requests, the control plane keeps what it promised", async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { story, missed, tally } = await runChaos({
    rounds: 1_000,
    seconds: SECONDS,
    secondsMax: SECONDS_MAX,
    seed,
    at: null,
    onProgress: () => {},
    stopping: new AbortController().signal,
  });
  assertEquals(story, null, `it was found: ${JSON.stringify(story, null, 2)}`);
  assertEquals(missed, [], `seed ${seed}: ${tally.rounds} rounds were too few for all kill points`);
  assert(tally.acknowledged > 0 && tally.indeterminate > 0, "both ends of a request were met");
});
