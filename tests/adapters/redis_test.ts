/** The contract suites on a real Redis that this file starts itself. */
import { commandBusContract } from "../contracts/command_bus_contract.ts";
import { eventLogContract } from "../contracts/event_log_contract.ts";
import { eventTailContract } from "../contracts/event_tail_contract.ts";
import { historyContract } from "../contracts/history_contract.ts";
import { logRetentionContract } from "../contracts/log_retention_contract.ts";
import { lostWorkerContract } from "../contracts/lost_worker_contract.ts";
import { standingRunContract } from "../contracts/standing_run_contract.ts";
import { workerChannelContract } from "../contracts/worker_channel_contract.ts";
import { RedisServer } from "../support/redis_server.ts";
import { redisWorld } from "./redis_world.ts";

let server: RedisServer;
Deno.test.beforeAll(async () => {
  server = await RedisServer.start();
});
Deno.test.afterAll(() => server.close());

const open = () => redisWorld(server);
eventLogContract("redis", open);
historyContract("redis", open);
eventTailContract("redis", open);
logRetentionContract("redis", open);
commandBusContract("redis", open);
workerChannelContract("redis", open);
standingRunContract("redis", open);
lostWorkerContract("redis", open);
