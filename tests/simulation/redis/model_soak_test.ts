/** The production adapter on a modelled Redis that fails in every way there is: what was acknowledged stays, and all goes on. */
import { assert, assertEquals } from "@std/assert";
import { openRedisBroker } from "../../../adapters/redis/redis_broker.ts";
import { sleep } from "../../../events/clock.ts";
import type { RecordedEvent } from "../../../events/envelope.ts";
import { OperationalError } from "../../../events/errors.ts";
import { batch } from "../../contracts/broker_samples.ts";
import { Chance, countingIds } from "../chance.ts";
import type { ModelProcess } from "./model_world.ts";
import { ModelWorld } from "./model_world.ts";

const SEEDS = 10;
const FAULTS = 15;
const TROUBLE_MS = 60_000;
const CALM_MS = 60_000;
/** Events at the log's end that were written in the calm. */
const END = 20;
const INSTANCES = ["a", "b", "c"];

const placeOf = ({ instanceId, version, position }: RecordedEvent) =>
  `${instanceId} ${version} ${position}`;

interface Node {
  process: ModelProcess;
  heard: string[];
  acknowledged: string[];
  gapsOrRollbacks: number;
}

/** A node that appends to one instance after the other, and hears the log. */
async function startNode(
  world: ModelWorld,
  ids: ReturnType<typeof countingIds>,
  isOver: () => boolean,
) {
  const process = world.process();
  const chance = world.chance.stream(ids.next("request"));
  const clock = world.time.clockOf(process.life);
  const broker = await openRedisBroker({
    url: "",
    namespace: "soak",
    clock,
    ids,
    connector: process.way,
    onBug: (error) => {
      throw error;
    },
  });
  const node: Node = { process, heard: [], acknowledged: [], gapsOrRollbacks: 0 };
  broker.availability.watch(({ kind }) => {
    if (kind === "gap" || kind === "rollback") node.gapsOrRollbacks++;
  });
  await broker.log.tail("0-0", (events) => node.heard.push(...events.map(placeOf)));
  const versions = new Map<string, number>();
  const writing = (async () => {
    while (!isOver()) {
      const id = chance.pick(INSTANCES);
      const version = versions.get(id) ?? 0;
      try {
        const outcome = await broker.log.append(batch(id, version));
        if (outcome.kind === "appended") {
          node.acknowledged.push(`${id} ${version + 1} ${outcome.events[0]!.position}`);
          versions.set(id, version + 1);
        } else if (outcome.kind === "conflict") versions.set(id, outcome.version);
      } catch (error) {
        if (!(error instanceof OperationalError) || !error.retryable) throw error;
      }
      await sleep(clock, chance.between(50, 150));
    }
  })();
  return { node, broker, writing };
}

function strike(world: ModelWorld, nodes: readonly Node[], chance: Chance): void {
  const { redis } = world;
  const { way, life } = chance.pick(nodes).process;
  const ms = chance.between(100, 8_000);
  const faults = [
    () => way.cut(),
    () => way.silence(ms),
    () => way.delay(chance.between(1, 4_000), ms),
    () => life.frozenUntil = world.time.now + ms,
    () => redis.kill(chance.between(0, ms)),
    () => redis.slow(chance.between(1, 4_000), ms),
    () => redis.refuse(chance.pick(["full", "read-only", "busy", "misconf", "loading"]), ms),
    () => redis.jumpClock(chance.pick([-5_000, 5_000, 3_600_000])),
  ];
  chance.pick(faults)();
}

/** Two nodes through drawn faults, and `more`; then calm, in which both must go on and hear the same. */
async function soak(seed: number, more: (world: ModelWorld, chance: Chance) => void) {
  const world = new ModelWorld(seed);
  using _ = world.asHostClock();
  const chance = new Chance(seed).stream("faults");
  const ids = countingIds();
  let isOver = false;
  const opening = [0, 1].map(() => startNode(world, ids, () => isOver));
  const started = await world.ended(Promise.all(opening), 60_000);
  const nodes = started.map(({ node }) => node);
  for (let index = 0; index < FAULTS; index++) {
    world.time.after(chance.between(0, TROUBLE_MS), () => strike(world, nodes, chance));
  }
  more(world, chance);
  await world.pass(TROUBLE_MS + CALM_MS);
  const before = nodes.map(({ acknowledged }) => acknowledged.length);
  await world.pass(5_000);
  isOver = true;
  await world.ended(Promise.all(started.map(({ writing }) => writing)), 60_000);
  await world.pass(5_000);
  const read = started[0]!.broker.log.read("0-0", 100_000);
  const log = (await world.ended(read)).map(placeOf);
  assertEquals(new Set(log).size, log.length, `seed ${seed}: nothing is there twice`);
  for (const [index, { acknowledged }] of nodes.entries()) {
    assert(acknowledged.length > before[index]!, `seed ${seed}: node ${index + 1} does not go on`);
  }
  await world.ended(Promise.all(started.map(({ broker }) => broker.close())));
  return { nodes, log };
}

Deno.test("through any faults but a rollback every acknowledged append stays, once, and every tail hears all in order", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { nodes, log } = await soak(seed, ({ time, redis }, chance) => {
      time.after(chance.between(0, TROUBLE_MS), () => redis.loseFunctions());
    });
    for (const { acknowledged, heard, gapsOrRollbacks } of nodes) {
      const lost = acknowledged.filter((one) => !log.includes(one));
      assertEquals(
        [lost, gapsOrRollbacks],
        [[], 0],
        `seed ${seed}: what was acknowledged is there`,
      );
      assertEquals(heard, log, `seed ${seed}: both have heard the log`);
    }
  }
});

Deno.test("whoever has lost what was acknowledged to it is told of a rollback, and hears on", async () => {
  let losses = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { nodes, log } = await soak(seed, ({ time, redis }, chance) => {
      const markedAt = chance.between(5_000, TROUBLE_MS);
      time.after(markedAt, () => redis.markSynced());
      const lostAt = markedAt + chance.between(0, 3_000);
      time.after(lostAt, () => redis.rollBack(chance.between(0, 3_000)));
    });
    for (const { acknowledged, heard, gapsOrRollbacks } of nodes) {
      const lost = acknowledged.filter((one) => !log.includes(one));
      if (lost.length > 0) losses++;
      assert(lost.length === 0 || gapsOrRollbacks > 0, `seed ${seed}: a loss is told`);
      const end = log.slice(-END);
      assertEquals(heard.slice(-END), end, `seed ${seed}: both have heard the log's end`);
    }
  }
  assert(losses > 0, "something was lost in one of them");
});
