/** A worker that waits for starts and, with no slot free, for stops at the same time: nothing that comes is left lying. */
import { assertEquals } from "@std/assert";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import { appended, command, joined, request } from "../contracts/broker_samples.ts";
import { RedisServer } from "../support/redis_server.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";

const COMMANDS = 300;

let server: RedisServer;
Deno.test.beforeAll(async () => {
  server = await RedisServer.start();
});
Deno.test.afterAll(() => server.close());

Deno.test("two waits of one worker side by side are given each command once, the moment it comes", async () => {
  const broker = await brokerOn(server, freshNamespace());
  const worker = await joined(broker, "w1");
  const given: string[] = [];
  const deliveries: number[] = [];
  const takeAll = async (channel: WorkerChannel, max: () => number) => {
    while (given.length < COMMANDS) {
      const commands = await channel.take(max(), 300);
      const inFlight = await broker.bus.inFlight();
      for (const { messageId } of commands) {
        given.push(messageId);
        const record = inFlight.find((one) => one.command.messageId === messageId);
        deliveries.push(record?.deliveries ?? 0);
        await channel.accept(messageId);
      }
    }
  };
  let turn = 0;
  const taking = Promise.all([takeAll(worker, () => 0), takeAll(worker, () => 1 + turn++ % 3)]);
  for (let n = 0; n < COMMANDS; n += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, k) => {
      const type = (n + k) % 2 === 0 ? "StartInstanceCommand" : "StopInstanceCommand";
      const site = k % 3 === 0 ? null : "site-1";
      return appended(broker, request(command(`i-${n + k}`, `c-${n + k}`, { type, site }), 0));
    }));
  }
  await taking;
  assertEquals([given.length, new Set(given).size], [COMMANDS, COMMANDS], "each is given once");
  assertEquals(new Set(deliveries), new Set([1]), "none was taken and left until it was due again");
  await broker.close();
});
