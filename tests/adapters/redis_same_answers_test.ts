/** Memory and Redis give the same answers to any sequence of calls: the functions in Lua are the steps once more. */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { Broker } from "../contracts/broker_world.ts";
import { RedisServer } from "../support/redis_server.ts";
import { memoryWorld } from "./embedded_world.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";
import { comparable, ordered } from "./comparable_answers.ts";
import { type Op, opArbitrary, Player } from "./tape.ts";

const RUNS = 60;
/** Nothing of these comes to pass while a tape is played. */
const NEVER_MS = 60_000;
const PACE = {
  acceptSoonMs: NEVER_MS,
  acceptLateMs: 2 * NEVER_MS,
  notBeforeMs: NEVER_MS,
  keepKeyMs: NEVER_MS,
  silentMs: NEVER_MS,
};
/** An offer is made anew after 500 ms: a tape that took longer (the machine is busy) is not compared. */
const TAPE_WITHIN_MS = 400;

// Either nothing or all that waits: which of several starts come first is nobody's promise.
const tapes = fc.array(opArbitrary(fc.constantFrom(0, 64)), { minLength: 1, maxLength: 60 });

Deno.test("memory and redis give the same answers to any tape", async () => {
  const server = await RedisServer.start();
  let compared = 0;
  try {
    await fc.assert(
      fc.asyncProperty(tapes, async (tape) => {
        const memory = await memoryWorld();
        const redis = { broker: await brokerOn(server, freshNamespace()) };
        try {
          const told = await played(tape, memory, () => memory.ports.clock.now());
          const began = performance.now();
          const answers = await played(tape, redis, () => hostClock.now());
          if (performance.now() - began > TAPE_WITHIN_MS) return;
          compared++;
          assertEquals(answers, told);
        } finally {
          await memory.close();
          await redis.broker.close();
        }
      }),
      { numRuns: RUNS },
    );
  } finally {
    await server.close();
  }
  assert(compared > RUNS / 4, `only ${compared} of ${RUNS} tapes were played in time`);
});

/** The answers to a tape, with what differs between two brokers by its nature taken out. */
async function played(
  tape: readonly Op[],
  world: { readonly broker: Broker },
  now: () => number,
): Promise<unknown[]> {
  const player = new Player(world, now, PACE);
  const names = new Map<string, string>();
  const answers: unknown[] = [];
  for (const one of tape) {
    const answer = await player.play(one);
    answers.push({ do: one.do, answer: comparable(ordered(answer), names) });
    await player.settle();
  }
  return answers;
}
