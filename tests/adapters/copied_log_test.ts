/** An embedded log that is copied into a Redis goes on there: it gives the same answers as the one that it was copied from. */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { hostIds, nextTurn } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openRedisCopySource } from "../../adapters/redis/copy/redis_copy_source.ts";
import { openRedisCopyTarget } from "../../adapters/redis/copy/redis_copy_target.ts";
import { openSqliteBroker } from "../../adapters/sqlite/sqlite_broker.ts";
import { openSqliteCopySource } from "../../adapters/sqlite/sqlite_copy_source.ts";
import type { Broker } from "../contracts/broker_world.ts";
import { bodyOf, copyOf, imported } from "../support/copied_log.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { comparable, ordered } from "./comparable_answers.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";
import { type Op, opArbitrary, Player } from "./tape.ts";

const RUNS = 25;
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

// Baselines of tapes hold no state, so nothing can be folded from them.
const isFoldable = ({ do: what }: Op) => what !== "baseline" && what !== "trim";
const tape = (maxLength: number) =>
  fc.array(opArbitrary(fc.constantFrom(0, 64)).filter(isFoldable), { maxLength });

const sent = (instance: number): Op => ({
  ...{ do: "append", instance, behind: 0, events: 0, enqueue: 3, end: 6, condition: 0 },
  ...{ key: instance, newer: 1, notBefore: 0 },
} as unknown as Op);
const by = (what: string, worker: number, more: Record<string, number> = {}): Op =>
  ({ do: what, worker, life: 0, ...more }) as unknown as Op;
const answer = (command: number) => by("complete", 0, { command, attempt: 1, ok: 1, run: 1 });

/** One command is in a worker's hands, one is done and its server lives, one waits. */
const BEFORE: Op[] = [
  by("register", 0),
  by("register", 1),
  sent(0),
  by("accept", 1, { command: 0 }),
  sent(1),
  by("accept", 0, { command: 0 }),
  answer(0),
  sent(2),
];
/** What was done is told once more, what was in hand is taken over, and what waits is offered. */
const AFTER: Op[] = [
  answer(1),
  by("take", 0, { max: 64 }),
  by("register", 1, { life: 1 }),
  by("accept", 1, { life: 1, command: 2 }),
  by("look", 1, { key: 1, instance: 1 }),
];

const openSqlite = (folder: string) =>
  openSqliteBroker({
    folder,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => {
      throw error;
    },
  });

testWith(
  ["redis-server", "redis-cli"],
  "after any tape on SQLite, its copy in Redis has the same lines, and answers any other tape as SQLite does",
  async () => {
    const server = await RedisServer.start();
    let compared = 0;
    try {
      await fc.assert(
        fc.asyncProperty(tape(60), tape(30), async (before, after) => {
          // What comes between may take away what is looked for: both orders are played.
          const isFirst = before.length % 2 === 0;
          const begin = isFirst ? [...before, ...BEFORE] : [...BEFORE, ...before];
          if (await sameAnswers(server, begin, [...AFTER, ...after])) compared++;
        }),
        { numRuns: RUNS },
      );
    } finally {
      await server.close();
    }
    assert(compared > RUNS / 4, `only ${compared} of ${RUNS} tapes were played in time`);
  },
);

/** Whether the second tape was played in time, so that its answers could be compared. */
async function sameAnswers(server: RedisServer, before: Op[], after: Op[]): Promise<boolean> {
  const folders = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  const worlds = folders.map((folder) => ({ broker: openSqlite(folder) as Closable }));
  const players = worlds.map((world) => new Player(world, () => hostClock.now(), PACE));
  try {
    for (const player of players) await played(player, before);
    // The one is reopened, the other moves: what only a process knew is gone in both.
    for (const [index, { broker }] of worlds.entries()) {
      await broker.close();
      if (index === 0) worlds[0]!.broker = openSqlite(folders[0]!);
    }
    const place = { url: server.url, namespace: freshNamespace(), clock: hostClock };
    const copy = await copyOf(openSqliteCopySource(folders[1]!));
    const open = () => openRedisCopyTarget({ ...place, ids: hostIds });
    await imported(copy.text, open, hostClock.now());
    const back = await copyOf(await openRedisCopySource(place));
    assertEquals(bodyOf(back.text), bodyOf(copy.text));
    worlds[1]!.broker = await brokerOn(server, place.namespace);
    assertEquals(
      await worlds[1]!.broker.log.read("0-0", 1_000),
      await worlds[0]!.broker.log.read("0-0", 1_000).then(withTimesOf(copy.text)),
    );
    const began = performance.now();
    const [told, answers] = [await played(players[0]!, after), await played(players[1]!, after)];
    if (performance.now() - began > TAPE_WITHIN_MS) return false;
    assertEquals(answers, told);
    return true;
  } finally {
    for (const { broker } of worlds) await broker.close();
    for (const folder of folders) await Deno.remove(folder, { recursive: true });
  }
}

type Closable = Broker & { close(): Promise<void> };

/** Two lives of one tape differ in the times of their events. */
function withTimesOf(text: string) {
  const times = [...text.matchAll(/^\{"position":"([^"]+)".*?"at":(\d+),/gm)]
    .map(([, position, at]) => [position, Number(at)] as const);
  const timeOf = new Map(times);
  return <T extends { position: string; at: number }>(events: T[]) =>
    events.map((event) => ({ ...event, at: timeOf.get(event.position)! }));
}

async function played(player: Player, tape: readonly Op[]): Promise<unknown[]> {
  const names = new Map<string, string>();
  const answers: unknown[] = [];
  await player.settle();
  for (const one of tape) {
    const answer = await player.play(one);
    answers.push({ do: one.do, answer: comparable(ordered(answer), names) });
    await player.settle();
  }
  return answers;
}
