/** Redis dies, freezes or pauses while it is used: what was acknowledged stays, calls end in time, and all goes on by itself. */
import { newEvent } from "../../events/instance_events.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { batch, command, joined, request } from "../contracts/broker_samples.ts";
import { type RedisServer, testWithRedis } from "../support/redis_server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { assert, assertEquals } from "@std/assert";
import { brokerAt, changesOf, failureOf, placeOf, tailOf, until } from "./redis_fault_world.ts";

const ANSWER_MS = 3_000;
const SLACK_MS = 1_500;
const AT_ONCE_MS = 150;
/** Redis is away for about this long where the test says so itself. */
const PAUSE_MS = 4_500;

async function withBroker(
  server: RedisServer,
  test: (broker: RedisBroker) => Promise<void>,
): Promise<void> {
  const broker = await brokerAt(server.url, "test");
  try {
    await test(broker);
  } finally {
    server.thaw();
    await broker.close();
  }
}

testWithRedis(
  "what was acknowledged outlives a killed Redis; a tail and a waiting worker go on without gap or repeat",
  (server) =>
    withBroker(server, async (broker) => {
      const { log, availability } = broker;
      const channel = await joined(broker, "worker-1");
      // A take that fails is repeated, as a worker does.
      const taken = until("a command comes", async () => {
        const commands = await channel.take(1, 2_000);
        return commands.length > 0 && commands;
      }, 30_000);
      const changes = changesOf(broker);
      const heard = await tailOf(broker);
      const acknowledged: string[] = [];
      let hasDied = false;
      const writers = ["a", "b", "c", "d"].map(async (id) => {
        for (let version = 0; !hasDied; version++) {
          try {
            await log.append(batch(id, version));
            acknowledged.push(`${id} ${version + 1}`);
          } catch {
            return;
          }
        }
      });
      await until("some are acknowledged", () => acknowledged.length > 100);
      await server.kill();
      hasDied = true;
      await Promise.all(writers);
      await until("its absence is known", () => availability.away() !== null);
      for (let call = 0; call < 5; call++) {
        const { code, tookMs } = await failureOf(log.append(batch("later", 0)));
        assertEquals(code, "log_unavailable");
        assert(tookMs < AT_ONCE_MS, `it took ${tookMs} ms`);
      }
      await server.restart();
      await until("it is back", () => availability.away() === null);
      assertEquals((await log.append(request(command("e", "start-e"), 0))).kind, "appended");
      assertEquals((await taken).map(({ messageId }) => messageId), ["start-e"]);
      const all = (await log.read("0-0", 100_000)).map(placeOf);
      assertEquals(acknowledged.filter((one) => !all.includes(one)), [], "none is lost");
      await until("the tail has heard the last", () => heard.length >= all.length);
      assertEquals(heard.map(placeOf), all, "each once, in order");
      assertEquals([changes[0]?.kind, changes.at(-1)?.kind], ["away", "back"]);
      assertEquals(changes.filter(({ kind }) => kind === "rollback"), []);
    }),
);

const silences: [string, (server: RedisServer) => Promise<void>, (server: RedisServer) => void][] =
  [
    ["frozen", async (server) => server.freeze(), (server) => server.thaw()],
    [
      "paused",
      async (server) => void await server.cli("CLIENT", "PAUSE", `${PAUSE_MS}`, "ALL"),
      () => {},
    ],
  ];
for (const [how, silence, end] of silences) {
  testWithRedis(
    `calls to a ${how} Redis end in time, later ones at once; then all goes on and nothing is done twice`,
    (server) =>
      withBroker(server, async (broker) => {
        const { log, availability } = broker;
        const channel = await joined(broker, "worker-1");
        const heard = await tailOf(broker);
        // A take that fails is repeated, as a worker does.
        const taken = until("a command comes", async () => {
          const commands = await channel.take(1, 2_000);
          return commands.length > 0 && commands;
        }, 30_000);
        await silence(server);
        const first = await Promise.all(
          ["i-1", "i-2"].map((id) => failureOf(log.append(batch(id, 0)))),
        );
        for (const { code, tookMs } of first) {
          assert(["log_indeterminate", "log_unavailable"].includes(code), code);
          assert(tookMs < ANSWER_MS + SLACK_MS, `it took ${tookMs} ms`);
        }
        const later = await failureOf(log.append(batch("i-3", 0)));
        assertEquals(later.code, "log_unavailable");
        assert(later.tookMs < AT_ONCE_MS, `it took ${later.tookMs} ms`);
        end(server);
        await until("it is back", () => availability.away() === null);
        await until("it takes appends", () => log.append(request(command("i-4", "start-4"), 0)));
        assertEquals((await taken).map(({ messageId }) => messageId), ["start-4"]);
        const all = (await log.read("0-0", 100)).map(placeOf);
        assertEquals(new Set(all).size, all.length, "nothing was done twice");
        await until("the tail has heard the last", () => heard.length >= all.length);
        assertEquals(heard.map(placeOf), all);
      }),
  );
}

testWithRedis(
  "a node that was cut off while the log was trimmed beyond what it had heard is told of the gap",
  async (server) => {
    const proxy = new TcpProxy(server.port);
    const direct = await brokerAt(server.url, "test");
    const broker = await brokerAt(`redis://127.0.0.1:${proxy.port}`, "test");
    try {
      const changes = changesOf(broker);
      const heard = await tailOf(broker);
      await direct.log.append(batch("i-1", 0));
      await until("it is heard", () => heard.length === 1);
      proxy.hold();
      await until("its absence is known", async () => {
        await broker.log.latest("i-1").catch(() => {});
        return broker.availability.away() !== null;
      });
      await direct.log.append(batch("i-1", 1));
      const baseline = newEvent("Baseline", { state: {} });
      const outcome = await direct.log.append(batch("i-1", 2, { events: [baseline] }));
      if (outcome.kind !== "appended") throw new Error(`it was ${outcome.kind}`);
      const head = outcome.events[0]!.position;
      const fence = (await direct.leadership.acquire("node", 60_000))!;
      assertEquals(await direct.retention.trim(head, fence), 2);
      proxy.release();
      const gap = await until("the gap is told", () => changes.find(({ kind }) => kind === "gap"));
      assertEquals(gap, { kind: "gap", head });
      assertEquals(changes.filter(({ kind }) => kind === "rollback"), []);
      await direct.log.append(batch("i-1", 3));
      await until("the tail hears on", () => heard.at(-1)?.version === 4);
    } finally {
      proxy.release();
      await broker.close();
      await direct.close();
      await proxy.close();
    }
  },
);
