/** The contract suites on the modelled Redis: the production adapter runs on it unchanged, in virtual time. */
import { openRedisBroker, type RedisBroker } from "../../../adapters/redis/redis_broker.ts";
import type { BrokerWorld } from "../../contracts/broker_world.ts";
import { commandBusContract } from "../../contracts/command_bus_contract.ts";
import { eventLogContract } from "../../contracts/event_log_contract.ts";
import { eventTailContract } from "../../contracts/event_tail_contract.ts";
import { historyContract } from "../../contracts/history_contract.ts";
import { logRetentionContract } from "../../contracts/log_retention_contract.ts";
import { lostWorkerContract } from "../../contracts/lost_worker_contract.ts";
import { standingRunContract } from "../../contracts/standing_run_contract.ts";
import { workerChannelContract } from "../../contracts/worker_channel_contract.ts";
import { countingIds } from "../chance.ts";
import { ModelWorld } from "./model_world.ts";

const NAMESPACE = "test";
const SNAPSHOT = `{draas:${NAMESPACE}}:snapshot`;

let seeds = 0;

async function modelWorld(): Promise<BrokerWorld> {
  const model = new ModelWorld(++seeds);
  const hostClock = model.asHostClock();
  const ids = countingIds();
  const { time, redis } = model;
  const open = (): Promise<RedisBroker> => {
    const { life, way } = model.process();
    return openRedisBroker({
      url: "",
      namespace: NAMESPACE,
      clock: time.clockOf(life),
      ids,
      connector: way,
      onBug: (error) => {
        throw error;
      },
    });
  };
  let entriesRead = 0;
  const execute = redis.execute.bind(redis);
  redis.execute = (name, ...args) => {
    if (name === "XRANGE") entriesRead++;
    return execute(name, ...args);
  };
  const pump = model.pump();
  let broker = await open();
  return {
    get broker() {
      return broker;
    },
    advance: (ms) => new Promise((resolve) => void time.after(ms, resolve)),
    reopen: async () => {
      await broker.close();
      broker = await open();
    },
    entriesRead: () => Promise.resolve(entriesRead),
    damageSnapshot: () => {
      const { id } = JSON.parse(redis.execute("GET", SNAPSHOT) as string);
      redis.execute("SET", `${SNAPSHOT}:${id}:0`, "damage");
      return Promise.resolve();
    },
    close: async () => {
      await broker.close();
      await pump.stop();
      hostClock[Symbol.dispose]();
    },
  };
}

eventLogContract("model", modelWorld);
historyContract("model", modelWorld);
eventTailContract("model", modelWorld);
logRetentionContract("model", modelWorld);
commandBusContract("model", modelWorld);
workerChannelContract("model", modelWorld);
standingRunContract("model", modelWorld);
lostWorkerContract("model", modelWorld);
