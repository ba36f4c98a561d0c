/** Faults that strike at one exact moment, or for long: the adapter on a modelled Redis, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { openRedisBroker, type RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { RedisConnector } from "../../adapters/redis/redis_connection.ts";
import { OperationalError } from "../../events/errors.ts";
import { START } from "../../events/envelope.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import { batch } from "../contracts/broker_samples.ts";
import { countingIds } from "../simulation/chance.ts";
import { type ModelProcess, ModelWorld } from "../simulation/redis/model_world.ts";

/** A broker of a process of the world; `connector` takes its way's place. */
function brokerOf(
  world: ModelWorld,
  { way, life }: ModelProcess,
  connector: RedisConnector = way,
): Promise<RedisBroker> {
  const clock = world.time.clockOf(life);
  const options = { url: "", namespace: "test", clock, ids: countingIds(), connector };
  return world.ended(openRedisBroker(options));
}

Deno.test("an append whose functions are lost again once they were loaded fails as one that may be repeated", async () => {
  const world = new ModelWorld();
  const broker = await brokerOf(world, world.process());
  const { redis } = world;
  const receive = redis.receive.bind(redis);
  redis.receive = (client, parcel) => {
    if (parcel.kind === "call" && parcel.words[0] === "FCALL") redis.loseFunctions();
    receive(client, parcel);
  };
  const error = await world.ended(broker.log.append(batch("i-1", 0)).catch((cause) => cause));
  assert(error instanceof OperationalError, `${error}`);
  assertEquals([error.code, error.retryable], ["log_unavailable", true]);
  redis.receive = receive;
  assertEquals((await world.ended(broker.log.append(batch("i-1", 0)))).kind, "appended");
  await world.ended(broker.close());
});

Deno.test("an event that was only read in a page, and not told by a tail, is missed once the log has lost it", async () => {
  const world = new ModelWorld();
  const [writer, reader] = [
    await brokerOf(world, world.process()),
    await brokerOf(world, world.process()),
  ];
  const changes: AvailabilityChange[] = [];
  reader.availability.watch((change) => changes.push(change));
  await world.ended(writer.log.append(batch("i-1", 0)));
  world.redis.markSynced();
  await world.ended(writer.log.append(batch("i-2", 0)));
  const pages = await world.ended(reader.log.read(START, 10));
  assertEquals(pages.map(({ instanceId }) => instanceId), ["i-1", "i-2"]);
  world.redis.rollBack(100);
  await world.until("the reader is back", () => changes.at(-1)?.kind === "back");
  const told = changes.find(({ kind }) => kind === "rollback");
  assert(told?.kind === "rollback", JSON.stringify(changes));
  assertEquals(told.rollback.instanceIds, ["i-2"]);
  await world.ended(Promise.all([writer.close(), reader.close()]));
});
