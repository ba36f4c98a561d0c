/** Redis under pressure: memory that is full, a clock that jumps, data that is gone while nobody looks, two hands at once. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { functionLibrary } from "../../adapters/redis/function_library.ts";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import { OperationalError } from "../../events/errors.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import { newEvent } from "../../events/instance_events.ts";
import {
  appended,
  batch,
  cancellation,
  command,
  joined,
  request,
  running,
  startedBy,
  stopped,
  success,
} from "../contracts/broker_samples.ts";
import { testWithRedis } from "../support/redis_server.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";

testWithRedis("redis: with its memory full the leader still leads, and cuts", async (server) => {
  const broker = await brokerOn(server, freshNamespace());
  try {
    await appended(broker, batch("i", 0));
    const baseline = newEvent("Baseline", { state: {} });
    const [event] = await appended(broker, batch("i", 1, { events: [baseline] }));
    await server.cli("CONFIG", "SET", "maxmemory", "1");
    const error = await assertRejects(() => broker.log.append(batch("i", 2)), OperationalError);
    assertEquals(error.code, "redis_out_of_memory");
    const fence = await broker.leadership.acquire("n1", 5_000);
    assert(fence !== null, "it leads");
    assertEquals(await broker.retention.trim(event!.position, fence), 1);
  } finally {
    await broker.close();
  }
});

testWithRedis(
  "redis: with its memory full servers are stopped and waiting starts cancelled, by a worker that has just joined too",
  async (server) => {
    const broker = await brokerOn(server, freshNamespace());
    try {
      const first = await joined(broker, "w");
      const start = await startedBy(broker, first, "runs");
      const info = running("runs", "run-1");
      await first.complete(start.messageId, 1, success("StartInstanceCommand", "runs", info));
      await first.leave();
      await appended(broker, request(command("waits", "c-1"), 0));
      await server.cli("CONFIG", "SET", "maxmemory", "1");
      await appended(broker, cancellation("waits", 1, "c-1"));
      const type = "StopInstanceCommand";
      const stop = command("runs", "stop-1", { type, site: "site-1", generation: 2 });
      const requested = newEvent("StopRequested", {
        commandId: stop.messageId,
        generation: 2,
        site: "site-1",
        acceptWithinMs: 30_000,
      });
      await appended(broker, request(stop, 3, { events: [requested] }));
      const channel = await joined(broker, "w", { incarnation: "w-life-2" });
      assertEquals((await channel.take(1, 1_000)).map(({ messageId }) => messageId), ["stop-1"]);
      assertEquals((await channel.accept("stop-1")).kind, "accepted");
      const response = success(type, "runs", stopped("runs", "run-1"));
      assertEquals((await channel.complete("stop-1", 1, response)).kind, "completed");
      const error = await assertRejects(
        () => broker.log.append(request(command("new", "c-2"), 0)),
        OperationalError,
      );
      assertEquals(error.code, "redis_out_of_memory");
    } finally {
      await broker.close();
    }
  },
);

testWithRedis(
  "redis: a log whose positions are ahead of the clock holds deadlines all the same",
  async (server) => {
    const namespace = freshNamespace();
    const broker = await brokerOn(server, namespace);
    try {
      await appended(broker, batch("i", 0));
      // The clock was a day ahead for a moment: positions stay there.
      const ahead = `${Date.now() + 86_400_000}-0`;
      await server.cli("XSETID", new RedisKeys(namespace).log, ahead);
      await appended(broker, request(command("i", "c", { acceptWithinMs: 30 }), 1));
      await new Promise((resolve) => setTimeout(resolve, 60));
      const outcome = await broker.log.append(cancellation("i", 2, "c", "due"));
      assertEquals(outcome.kind, "appended");
    } finally {
      await broker.close();
    }
  },
);

testWithRedis(
  "redis: a log that loses its end while nothing happens is noticed",
  async (server) => {
    const namespace = freshNamespace();
    const other = await brokerOn(server, namespace);
    await appended(other, batch("i", 0));
    await other.close();
    const broker = await brokerOn(server, namespace);
    try {
      const changes: AvailabilityChange[] = [];
      const { promise: isBack, resolve } = Promise.withResolvers<void>();
      broker.availability.watch((change) => {
        changes.push(change);
        if (change.kind === "back") resolve();
      });
      const tail = await broker.log.tail(await broker.log.head(), () => {});
      await server.cli("FLUSHALL");
      await server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await isBack;
      tail.close();
      assertEquals(changes.map(({ kind }) => kind), ["away", "rollback", "back"]);
    } finally {
      await broker.close();
    }
  },
);

testWithRedis("redis: a snapshot is not dropped for the one before it", async (server) => {
  const namespace = freshNamespace();
  const keys = new RedisKeys(namespace);
  const broker = await brokerOn(server, namespace);
  const chunks = async () => (await server.cli("KEYS", `${keys.snapshot}:*`)).trim().split("\n");
  const snapshot = (state: string) => ({ position: "1-1", schema: 1, states: [state] });
  try {
    const fence = (await broker.leadership.acquire("n1", 5_000))!;
    await broker.retention.saveSnapshot(snapshot("{}"), fence);
    const before = (await server.cli("GET", keys.snapshot)).trim();
    const [chunk] = await chunks();
    await broker.retention.saveSnapshot(snapshot("[]"), fence);
    const all = [...keys.base, keys.snapshot, chunk!];
    const step = `${functionLibrary().name}_drop_snapshot`;
    const answer = await server.cli("FCALL", step, String(all.length), ...all, before);
    assertEquals(answer.trim(), "changed");
    assertEquals((await broker.retention.loadSnapshot())?.states, ["[]"]);
    await broker.retention.dropSnapshot();
    assertEquals([await broker.retention.loadSnapshot(), await chunks()], [null, [""]]);
  } finally {
    await broker.close();
  }
});

for (const [pauses, durability] of [["no", "disk"], ["yes", "process"]] as const) {
  testWithRedis(
    `redis: with no-appendfsync-on-rewrite ${pauses} the log claims no more than ${durability}`,
    async (server) => {
      const broker = await brokerOn(server, freshNamespace());
      assertEquals(await broker.log.durability(), durability);
      await broker.close();
    },
    { config: ["appendfsync always", `no-appendfsync-on-rewrite ${pauses}`] },
  );
}
