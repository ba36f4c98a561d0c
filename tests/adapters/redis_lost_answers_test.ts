/** Answers that do not arrive: cut after Redis has done what was asked, late, or held up on the way. `traps.md` 27, 28. */
import { openInstanceSystem } from "../../actors/instance_system.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { specificationSchema } from "../../events/specification.ts";
import {
  batch,
  command,
  joined,
  PLATFORM,
  request,
  running,
  startedBy,
  success,
} from "../contracts/broker_samples.ts";
import { RedisServer, testWithRedis } from "../support/redis_server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { assert, assertEquals } from "@std/assert";
import { brokerAt, failureOf, until } from "./redis_fault_world.ts";

/** How long an answer may take, and what timers and a busy host may add. */
const ANSWER_MS = 3_000;
const SLACK_MS = 1_500;
/** "At once": no wait of any kind. */
const AT_ONCE_MS = 150;

/** A broker that goes through a proxy, and one that does not. */
async function withProxy(
  server: RedisServer,
  test: (world: { proxy: TcpProxy; broker: RedisBroker; direct: RedisBroker }) => Promise<void>,
): Promise<void> {
  const proxy = new TcpProxy(server.port);
  const direct = await brokerAt(server.url, "test");
  const broker = await brokerAt(`redis://127.0.0.1:${proxy.port}`, "test");
  try {
    await test({ proxy, broker, direct });
  } finally {
    proxy.delayMs = 0;
    proxy.release();
    await broker.close();
    await direct.close();
    await proxy.close();
  }
}

testWithRedis(
  "an append whose answer is lost is indeterminate, and done once",
  (server) =>
    withProxy(server, async ({ proxy, broker, direct }) => {
      proxy.cutAnswerTo("_append");
      const { code } = await failureOf(broker.log.append(batch("i-1", 0)));
      assertEquals([code, proxy.cuts], ["log_indeterminate", 1]);
      assertEquals((await direct.log.latest("i-1")).version, 1, "Redis had done it");
      await until("it is back", () => broker.availability.away() === null);
      const again = await broker.log.append(batch("i-1", 0));
      assertEquals(again.kind, "conflict", "the same again is a lost race, never a second event");
      assertEquals((await direct.log.history("i-1", 10)).length, 1);
    }),
);

testWithRedis(
  "the system finds by the request's id what a lost answer came to",
  (server) =>
    withProxy(server, async ({ proxy, broker, direct }) => {
      const bugs: unknown[] = [];
      const system = await openInstanceSystem({
        ...broker,
        clock: hostClock,
        ids: hostIds,
        randomness: hostRandomness,
        nodeId: "node",
        queueTimeoutMs: 30_000,
        deriveId: (key) => `of-${key}`,
        onBug: (error) => bugs.push(error),
      });
      try {
        const specification = specificationSchema.parse({
          name: "one",
          template: "command",
          configuration: { command: ["/bin/true"] },
        });
        const ask = (key: string) =>
          system.ask(null, { type: "create", specification }, {
            timeoutMs: 10_000,
            wait: true,
            requestedBy: "test",
            idempotency: { key, digest: key },
          });
        proxy.delayAnswerTo("_append", ANSWER_MS + 200);
        assertEquals((await ask("late")).kind, "done", "it is looked up as soon as it can be");
        proxy.cutAnswerTo("_append");
        assertEquals((await ask("cut")).kind, "done", "it is waited for until the log is back");
        assertEquals((await ask("cut")).kind, "done", "the same key gives the first answer");
        assertEquals([proxy.cuts, bugs], [1, []]);
        const events = await direct.log.read("0-0", 10);
        assertEquals(events.map(({ type }) => type), ["InstanceCreated", "InstanceCreated"]);
      } finally {
        await system.shutdown();
      }
    }),
);

testWithRedis(
  "a worker whose answers are lost repeats them, and a command is done once",
  (server) =>
    withProxy(server, async ({ proxy, broker, direct }) => {
      const channel = await joined(broker, "worker-1");
      const sent = command("i-1", "start-1");
      await direct.log.append(request(sent, 0));
      assertEquals((await channel.take(1, 5_000)).map(({ messageId }) => messageId), ["start-1"]);
      proxy.cutAnswerTo("_accept");
      assertEquals((await failureOf(channel.accept("start-1"))).code, "log_indeterminate");
      const accepted = await until("it is accepted", () => channel.accept("start-1"));
      assertEquals(accepted, { kind: "accepted", attempt: 1, settle: false });
      const response = success("StartInstanceCommand", "i-1", running("i-1", "run-1"));
      proxy.cutAnswerTo("_complete");
      assertEquals(
        (await failureOf(channel.complete("start-1", 1, response))).code,
        "log_indeterminate",
      );
      const completed = await until("it is told", () => channel.complete("start-1", 1, response));
      assertEquals(completed.kind, "completed");
      assertEquals(
        (await direct.log.history("i-1", 10)).map(({ type }) => type),
        ["StartRequested", "CommandAccepted", "CommandSucceeded"],
      );
    }),
);

testWithRedis(
  "a slow Redis is waited for",
  (server) =>
    withProxy(server, async ({ proxy, broker }) => {
      proxy.delayMs = 200;
      const startedAt = performance.now();
      assertEquals((await broker.log.append(batch("i-1", 0))).kind, "appended");
      assert(performance.now() - startedAt >= 390, "both ways were slow");
      assertEquals(broker.availability.away(), null);
    }),
);

testWithRedis(
  "calls into a way that swallows everything end in time, later ones at once, and all goes on by itself",
  (server) =>
    withProxy(server, async ({ proxy, broker, direct }) => {
      proxy.hold();
      const first = await Promise.all(
        ["i-1", "i-2"].map((id) => failureOf(broker.log.append(batch(id, 0)))),
      );
      for (const { code, tookMs } of first) {
        assertEquals(code, "log_indeterminate");
        assert(tookMs < ANSWER_MS + SLACK_MS, `it took ${tookMs} ms`);
      }
      const later = await failureOf(broker.log.append(batch("i-3", 0)));
      assertEquals(later.code, "log_unavailable");
      assert(later.tookMs < AT_ONCE_MS, `it took ${later.tookMs} ms`);
      proxy.release();
      await until("it is back", () => broker.availability.away() === null);
      await until("it takes appends", () => broker.log.append(batch("i-4", 0)));
      const places = (await direct.log.read("0-0", 10)).map(({ instanceId }) => instanceId);
      assertEquals(places.filter((id) => id === "i-3"), [], "what was refused was not sent");
      assertEquals(new Set(places).size, places.length, "nothing was done twice");
    }),
);

testWithRedis(
  "a process hears replies again whose connection was lost once more while it subscribed anew",
  (server) =>
    withProxy(server, async ({ proxy, broker, direct }) => {
      (await broker.bus.expectReply(PLATFORM)).close();
      proxy.cutAnswerTo("psubscribe");
      await server.cli("CLIENT", "KILL", "TYPE", "pubsub");
      await until("it was cut", () => proxy.cuts === 1);
      const reply = await until("it listens", () => broker.bus.expectReply(PLATFORM));
      const worker = await joined(direct, "worker-1");
      const { replyChannel } = reply;
      const { messageId } = await startedBy(direct, worker, "i-1", { replyChannel });
      const response = success("StartInstanceCommand", "i-1", running("i-1", "run-1"));
      await worker.complete(messageId, 1, response);
      let heard: string | null = null;
      void reply.ended.then(({ type }) => heard = type);
      await until("the reply is heard", () => heard);
      assertEquals(heard, "CommandSucceeded");
      assertEquals((await server.cli("PUBSUB", "NUMPAT")).trim(), "1");
    }),
);

testWithRedis(
  "a process that may not listen says so at once, and listens as soon as it may",
  (server) =>
    withProxy(server, async ({ broker }) => {
      await server.cli("ACL", "SETUSER", "default", "resetchannels");
      const { code, tookMs } = await failureOf(broker.bus.expectReply(PLATFORM));
      assertEquals(code, "log_unavailable");
      assert(tookMs < SLACK_MS, `it took ${tookMs} ms`);
      await server.cli("ACL", "SETUSER", "default", "allchannels");
      (await until("it listens", () => broker.bus.expectReply(PLATFORM))).close();
      assertEquals((await server.cli("PUBSUB", "NUMPAT")).trim(), "1");
    }),
);
