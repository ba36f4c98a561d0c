/** Workers that compete over a real Redis: each command is one worker's, what a dead one left is taken up, lost replies are found. */
import { openInstanceSystem } from "../../actors/instance_system.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { specificationSchema } from "../../events/specification.ts";
import { command, joined, request, running, success } from "../contracts/broker_samples.ts";
import { testWithRedis } from "../support/redis_server.ts";
import { assert, assertEquals } from "@std/assert";
import { brokerAt, until } from "./redis_fault_world.ts";

const COMMANDS = 500;
const TAKERS = 8;

testWithRedis(
  "each of 500 commands is accepted once by eight takers in two processes' channels",
  async (server) => {
    const brokers = [await brokerAt(server.url, "test"), await brokerAt(server.url, "test")];
    try {
      const channels = await Promise.all(
        Array.from(
          { length: TAKERS },
          (_, n) => joined(brokers[n % 2]!, `worker-${n}`, { slots: 16 }),
        ),
      );
      const accepted: string[] = [];
      const takers = channels.map(async (channel) => {
        while (accepted.length < COMMANDS) {
          for (const { messageId } of await channel.take(16, 200)) {
            if ((await channel.accept(messageId)).kind === "accepted") {
              accepted.push(messageId);
            }
          }
        }
      });
      const ids = Array.from({ length: COMMANDS }, (_, n) => `i-${n}`);
      await Promise.all(
        ids.map((id, n) => brokers[n % 2]!.log.append(request(command(id, `start-${id}`), 0))),
      );
      await Promise.all(takers);
      assertEquals(accepted.sort(), ids.map((id) => `start-${id}`).sort());
    } finally {
      for (const broker of brokers) await broker.close();
    }
  },
);

testWithRedis(
  "what a dead worker was offered and left is offered to another within about a second",
  async (server) => {
    const dying = await brokerAt(server.url, "test");
    const broker = await brokerAt(server.url, "test");
    try {
      const first = await joined(dying, "worker-1");
      const second = await joined(broker, "worker-2");
      await broker.log.append(request(command("i-1", "start-1"), 0));
      assertEquals((await first.take(1, 5_000)).length, 1);
      await dying.close();
      const leftAt = performance.now();
      const stolen = await second.take(1, 5_000);
      const tookMs = performance.now() - leftAt;
      assertEquals(stolen.map(({ messageId }) => messageId), ["start-1"]);
      assert(tookMs < 1_500, `it took ${tookMs} ms`);
      assertEquals((await second.accept("start-1")).kind, "accepted");
    } finally {
      await dying.close();
      await broker.close();
    }
  },
);

testWithRedis("a reply that is lost with its connection is found in the log", async (server) => {
  const broker = await brokerAt(server.url, "test");
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
    const options = { timeoutMs: 10_000, wait: true, requestedBy: "test" };
    const specification = specificationSchema.parse({
      name: "one",
      template: "command",
      configuration: { command: ["/bin/true"] },
    });
    const created = await system.ask(null, { type: "create", specification }, options);
    assert(created.kind === "done", created.kind);
    const id = created.state.context.instanceId;
    const channel = await joined(broker, "worker-1");
    const asked = system.ask(id, { type: "start" }, options);
    const [sent] = await channel.take(1, 5_000);
    await channel.accept(sent!.messageId);
    const clients = await server.cli("CLIENT", "LIST");
    const replies = clients.split("\n").find((line) => line.includes("name=draas-replies"));
    await server.cli("CLIENT", "KILL", "ID", replies!.match(/id=(\d+)/)![1]!);
    const run = running(id, "run-1", { generation: sent!.generation });
    await channel.complete(sent!.messageId, 1, success("StartInstanceCommand", id, run));
    const repliedAt = performance.now();
    assertEquals((await asked).kind, "done");
    assert(performance.now() - repliedAt < 1_000, "the log told, not the time limit");
    await until(
      "the program hears again",
      async () => (await server.cli("CLIENT", "LIST")).includes("name=draas-replies"),
    );
    assertEquals(bugs, []);
  } finally {
    await system.shutdown();
    await broker.close();
  }
});
