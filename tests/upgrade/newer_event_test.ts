/** A node that meets an event of a newer release only reads from then on, and says why. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { brokerOn } from "../adapters/redis_world.ts";
import { RedisServer, testWithRedis } from "../support/redis_server.ts";
import { ForeignWorld, until } from "../wire/foreign_worker.ts";

/** Adds an event of an instance's next version to the log, as a release that does not exist yet would. */
async function addNewer(
  server: RedisServer,
  world: ForeignWorld,
  instanceId: string,
  more: readonly string[] = [],
): Promise<void> {
  const tag = `{draas:${world.namespace}}`;
  const record = await server.cli("HGET", `${tag}:versions`, instanceId);
  const [version = "", generation = "", last = "", ...rest] = record.split(" ");
  const next = String(Number(version) + 1);
  const fields = ["i", instanceId, "v", next, "t", "InstanceBlessed", "s", "1", "d", "{}"];
  const ends = ["m", "{}", "p", last, ...more];
  const position = await server.cli("XADD", `${tag}:log`, "*", ...fields, ...ends);
  const written = [next, generation, position, ...rest].join(" ");
  await server.cli("HSET", `${tag}:versions`, instanceId, `${written} `);
}

async function withWorld(
  server: RedisServer,
  run: (world: ForeignWorld) => Promise<void>,
): Promise<void> {
  const world = await ForeignWorld.open(server);
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

testWithRedis(
  "an event that is not known turns a node read-only and unready; what it has folded still answers",
  (server) =>
    withWorld(server, async (world) => {
      const id = await world.create({ command: ["true"] });
      assertEquals((await world.system.status()).ready, true);
      const told: string[] = [];
      const watching = world.system.watchHistory((broken) => told.push(broken.kind));
      await addNewer(server, world, id);
      const { ready, reasons } = await until("an unready node", async () => {
        const status = await world.system.status();
        return !status.ready && status;
      });
      assertEquals(ready, false);
      assert(/^it only reads: .*InstanceBlessed \(schema 1\)/.test(reasons.join()), reasons.join());
      const refused = await assertRejects(
        () => world.ask(id, { type: "start" }),
        OperationalError,
      );
      assertEquals([refused.code, refused.retryable], ["log_from_newer_version", true]);
      assertEquals((await world.system.get(id))?.context.specification?.name, "foreign");
      assertEquals((await world.system.list({ limit: 10 })).items.length, 1);
      assert(world.system.away() !== null, "reads say that they may be old");
      assertEquals(world.system.fence, null, "it leads no more");
      assertEquals(told, ["unreadable"], "who listens to the log hears that no more will come");
      watching.close();
    }),
);

testWithRedis(
  "a node that begins over such a log does not serve, and says what the log holds",
  (server) =>
    withWorld(server, async (world) => {
      const id = await world.create({ command: ["true"] });
      await addNewer(server, world, id);
      const broker = await brokerOn(server, world.namespace);
      const refused = await assertRejects(() => broker.log.read("0-0", 10), OperationalError);
      assertEquals(refused.code, "log_from_newer_version");
      await broker.close();
    }),
);

testWithRedis(
  "an event that is marked as ignorable is passed over: the instance goes on from its version",
  (server) =>
    withWorld(server, async (world) => {
      const id = await world.create({ command: ["true"] });
      await addNewer(server, world, id, ["x", "1"]);
      const outcome = await world.ask(id, { type: "delete", force: false });
      assertEquals(outcome.kind, "done");
      const { version } = (await world.system.get(id))!.context;
      const history = await world.system.history(id, 10);
      assertEquals(history.map((event) => event.version), [1, 2, 3].slice(0, version));
      assertEquals((await world.system.status()).ready, true);
    }),
);
