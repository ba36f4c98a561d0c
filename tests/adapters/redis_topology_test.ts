/** Sentinel and Cluster: a master that dies is replaced, and a cluster's node serves everything that a fleet needs. */
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { batch, command, joined, request, running, success } from "../contracts/broker_samples.ts";
import { freePort, RedisServer, testWithRedis } from "../support/redis_server.ts";
import { assertEquals } from "@std/assert";
import { brokerAt, tailOf, until } from "./redis_fault_world.ts";

/** An ask from end to end: append, a waiting take, accept, complete, its reply, and the tail. */
async function askOnce(broker: RedisBroker, id: string): Promise<void> {
  const heard = await tailOf(broker);
  const channel = await joined(broker, `worker-${id}`);
  const taken = channel.take(1, 10_000);
  const reply = await broker.bus.expectReply("process");
  const sent = command(id, `start-${id}`, { replyChannel: reply.replyChannel });
  await until("it is appended", () => broker.log.append(request(sent, 0)));
  assertEquals((await taken).map(({ messageId }) => messageId), [sent.messageId]);
  assertEquals((await channel.accept(sent.messageId)).kind, "accepted");
  const response = success("StartInstanceCommand", id, running(id, `run-${id}`));
  await channel.complete(sent.messageId, 1, response);
  assertEquals((await reply.ended).type, "CommandSucceeded");
  reply.close();
  await until(
    "the tail has it",
    () => heard.filter(({ instanceId }) => instanceId === id).length === 3,
  );
  await channel.leave();
}

testWithRedis("everything works on a node of a cluster", async (server) => {
  await server.cli("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await until(
    "the cluster is up",
    async () => (await server.cli("CLUSTER", "INFO")).includes("cluster_state:ok"),
  );
  const broker = await brokerAt(`redis+cluster://127.0.0.1:${server.port}`, "test");
  try {
    await askOnce(broker, "i-1");
    await server.cli("FUNCTION", "FLUSH");
    await askOnce(broker, "i-2");
    await server.kill();
    await until("its absence is known", () => broker.availability.away() !== null);
    await server.restart();
    await until("it is back", () => broker.availability.away() === null, 20_000);
    await askOnce(broker, "i-3");
  } finally {
    await broker.close();
  }
}, {
  config: [
    "cluster-enabled yes",
    `cluster-port ${freePort()}`,
    "cluster-announce-ip 127.0.0.1",
  ],
});

testWithRedis(
  "a program goes on with the replica that Sentinel makes the master",
  async (master) => {
    const replica = await RedisServer.start({ config: [`replicaof 127.0.0.1 ${master.port}`] });
    const sentinel = await Sentinel.start(master.port);
    try {
      await sentinel.knowsReplica();
      const broker = await brokerAt(
        `redis+sentinel://127.0.0.1:${sentinel.port}/fleet`,
        "test",
      );
      try {
        await askOnce(broker, "i-1");
        await until(
          "the replica has it",
          async () => (await master.cli("WAIT", "1", "1000")) === "1",
        );
        await master.kill();
        await until(
          "the replica is the master",
          async () => (await roleOf(replica)).startsWith("master"),
          30_000,
        );
        await until("it is back", () => broker.availability.away() === null, 20_000);
        assertEquals((await broker.log.latest("i-1")).version, 3, "what was replicated is there");
        await until("it takes appends", () => broker.log.append(batch("i-1", 3)), 20_000);
        await askOnce(broker, "i-2");
      } finally {
        await broker.close();
      }
    } finally {
      await sentinel.close();
      await replica.close();
    }
  },
);

/** What a server says of its role; nothing while it closes its connections, as it does when it is promoted. */
async function roleOf(server: RedisServer): Promise<string> {
  try {
    return await server.cli("ROLE");
  } catch (error) {
    if (error instanceof Error && error.message.includes("Connection reset by peer")) return "";
    throw error;
  }
}

/** One sentinel that alone decides. */
class Sentinel {
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly child: Deno.ChildProcess,
  ) {}

  static async start(masterPort: number): Promise<Sentinel> {
    const folder = await Deno.makeTempDir({ prefix: "draas-sentinel-" });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    await Deno.writeTextFile(
      `${folder}/sentinel.conf`,
      [
        "bind 127.0.0.1",
        `port ${port}`,
        `dir ${folder}`,
        `logfile ${folder}/log`,
        `sentinel monitor fleet 127.0.0.1 ${masterPort} 1`,
        "sentinel down-after-milliseconds fleet 1000",
        "sentinel failover-timeout fleet 5000",
      ].join("\n") + "\n",
    );
    const child = new Deno.Command("redis-server", {
      args: [`${folder}/sentinel.conf`, "--sentinel"],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new Sentinel(port, folder, child);
  }

  async knowsReplica(): Promise<void> {
    await until("sentinel knows the replica", async () => {
      const { stdout } = await new Deno.Command("redis-cli", {
        args: ["-p", `${this.port}`, "SENTINEL", "REPLICAS", "fleet"],
        stderr: "null",
      }).output();
      return new TextDecoder().decode(stdout).includes("master-link-status\nok");
    }, 30_000);
  }

  async close(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
    await Deno.remove(this.folder, { recursive: true });
  }
}
