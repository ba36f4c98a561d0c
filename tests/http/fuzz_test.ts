/**
 * The API under drawn requests, each made by its own document: every route, right and wrong in every part. Some in the
 * tests; `DRAAS_TEST_REQUESTS=20000 deno task fuzz` sends so many, and `DRAAS_TEST_SEED` repeats a run.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { HttpOptions } from "../../http/options.ts";
import { FaultySystem } from "./fuzz/faulty_system.ts";
import { faultySteps, Play, type Step, stepsOf } from "./fuzz/play.ts";
import { anyRequest } from "./fuzz/requests.ts";
import { Tally } from "./fuzz/tally.ts";
import { withApi } from "./support/api_world.ts";
import { documentedApi } from "./support/documented_api.ts";
import { bookOfAllRoles } from "./support/tokens.ts";

const wanted = Deno.env.get("DRAAS_TEST_REQUESTS");
const REQUESTS = Number(wanted ?? 1_200);
/** In the tests always the same requests: a fault that is found belongs to the change that was made. */
const SEED = Number(Deno.env.get("DRAAS_TEST_SEED") ?? (wanted === undefined ? 1 : Date.now()));
/** Of each of the two in the tests, however slow the machine. */
const LIMIT_MS = 10_000;

/** So many requests have been answered in each way that is documented and no problem. */
const ALL_ANSWERS_AFTER = 20_000;
/** Of one seed; to draw the steps of a run takes time, also where they are not played any more. */
const RUNS = 10;
const SHRINKING_MS = wanted === undefined ? 120_000 : 3_600_000;

const QUICK: Partial<HttpOptions> = {
  defaultTimeoutMs: 30,
  queueTimeoutMs: 100,
  metrics: () => Promise.resolve(""),
};

/** Plays runs of steps until enough requests were sent; each in a world of its own. */
async function fuzz(
  steps: fc.Arbitrary<Step[]>,
  requests: number,
  play: (steps: Step[], tally: Tally, isOver: () => boolean) => Promise<void>,
): Promise<Tally> {
  const tally = new Tally();
  const begin = performance.now();
  let hasFailed = false;
  const isOver = () =>
    !hasFailed &&
    (tally.sent >= requests || (wanted === undefined && performance.now() - begin > LIMIT_MS));
  const isWell = fc.asyncProperty(steps, async (drawn) => {
    if (isOver()) return;
    try {
      await play(drawn, tally, isOver);
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  });
  for (let seed = SEED; !isOver(); seed++) {
    // Only a failure, which is made smaller then, takes as long as this.
    await fc.assert(isWell, { seed, numRuns: RUNS, interruptAfterTimeLimit: SHRINKING_MS });
  }
  if (wanted !== undefined) {
    const seconds = Math.round((performance.now() - begin) / 1_000);
    const told = `${tally.sent} requests of seed ${SEED} in ${seconds} s: ${tally}\n`;
    await Deno.stdout.write(new TextEncoder().encode(told));
  }
  assert(tally.sent > 0, "some were sent");
  return tally;
}

Deno.test("no request is answered otherwise than documented, or with a 500 or 503 that nobody asked for", async () => {
  const api = await documentedApi();
  const tally = await fuzz(
    stepsOf(anyRequest(api)),
    REQUESTS,
    (steps, tally, isOver) =>
      withApi((world) => new Play(world, api, tally).run(steps, isOver), QUICK),
  );
  if (REQUESTS >= ALL_ANSWERS_AFTER) assertEquals(tally.unseen(api), [], "each was given");
});

Deno.test("what fails under a request, or may not be asked, is told as it is documented", async () => {
  const api = await documentedApi();
  await fuzz(faultySteps(anyRequest(api)), REQUESTS / 4, (steps, tally, isOver) => {
    const faulty = new FaultySystem();
    return withApi((world) => {
      faulty.stand(world.system);
      return new Play(world, api, tally, faulty).run(steps, isOver);
    }, { ...QUICK, system: faulty.system, tokens: bookOfAllRoles() });
  });
});
