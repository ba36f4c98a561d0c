/** Less than a minute of chaos on a real fleet over Redis: each sort of fault is met, and no promise is broken. */
import { assert, assertEquals } from "@std/assert";
import { testWith } from "../../support/tools.ts";
import { runRedisChaos } from "./redis_rounds.ts";
import { killsOf, tableOf } from "./tally.ts";

/** With the last round, the take-down and a busy host it stays below a minute. */
const SECONDS = 24;
const SECONDS_MAX = 40;
const KILLS_MIN = 10;

testWith(
  ["redis-server", "redis-cli"],
  "under every sort of fault a fleet of real programs over Redis keeps what it promised",
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const { story, missed, tally } = await runRedisChaos({
      rounds: 1_000,
      seconds: SECONDS,
      secondsMax: SECONDS_MAX,
      seed,
      size: { nodes: 2, workers: 2 },
      durations: { freezeMsMax: 3_000, downMsMax: 600 },
      roundMs: 6_000,
      onProgress: () => {},
      stopping: new AbortController().signal,
    });
    assertEquals(story, null, `it was found: ${JSON.stringify(story, null, 2)}`);
    const done = `seed ${seed}\n${tableOf(tally, 0)}`;
    assertEquals(missed, [], `too few rounds for all sorts of faults: ${done}`);
    assert(killsOf(tally) >= KILLS_MIN, `too few kills: ${done}`);
    assert((tally.answers.get("200") ?? 0) > 0, `nobody was served: ${done}`);
  },
);
