/** Memory and Redis give the same answers to any sequence of calls: the functions in Lua are the steps once more. */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { Broker } from "../contracts/broker_world.ts";
import { RedisServer } from "../support/redis_server.ts";
import { memoryWorld } from "./embedded_world.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";
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

/** Times are the clock's; positions are named by the order in which they are told. */
const TIMES = new Set([
  "at",
  "enqueuedAt",
  "acceptBy",
  "registeredAt",
  "lastHeartbeatAt",
  "dueInMs",
]);

function comparable(answer: unknown, names: Map<string, string>): unknown {
  return JSON.parse(JSON.stringify(answer ?? null), (key, value) => {
    // Redis counts a command anew where it was moved to: what was no good at one site may be at another.
    if (TIMES.has(key) || key === "deliveries") return 0;
    if (key === "position" || key === "previous") return value && nameOf(value, names);
    if (typeof value !== "string" || !value.startsWith("threw ")) return value;
    // Whose beginning is in the way of a cut is told of any of them.
    return value.includes("no baseline") ? "threw: no baseline" : value.replace(/DRAAS\w+ /, "");
  });
}

function nameOf(position: string, names: Map<string, string>): string {
  if (!names.has(position)) names.set(position, `#${names.size}`);
  return names.get(position)!;
}

/** Lists whose order nobody promises, in one that both have: commands taken, runs placed, events of a worker given up. */
function ordered(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.toSorted((a, b) => orderOf(a) < orderOf(b) ? -1 : 1);
  const { placed } = (answer ?? {}) as { placed?: unknown };
  return placed ? { ...answer as object, placed: ordered(placed) } : answer;
}

function orderOf(one: { messageId?: string; instanceId: string; version?: number }): string {
  return one.messageId ?? `${one.instanceId} ${String(one.version ?? 0).padStart(9, "0")}`;
}
