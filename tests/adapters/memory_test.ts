/** The contract suites over memory, and what only memory can show. */
import { commandBusContract } from "../contracts/command_bus_contract.ts";
import { eventLogContract } from "../contracts/event_log_contract.ts";
import { eventTailContract } from "../contracts/event_tail_contract.ts";
import { historyContract } from "../contracts/history_contract.ts";
import { logRetentionContract } from "../contracts/log_retention_contract.ts";
import { standingRunContract } from "../contracts/standing_run_contract.ts";
import { lostWorkerContract } from "../contracts/lost_worker_contract.ts";
import { workerChannelContract } from "../contracts/worker_channel_contract.ts";
import { memoryWorld } from "./embedded_world.ts";

eventLogContract("memory", memoryWorld);
historyContract("memory", memoryWorld);
eventTailContract("memory", memoryWorld);
logRetentionContract("memory", memoryWorld);
commandBusContract("memory", memoryWorld);
workerChannelContract("memory", memoryWorld);
lostWorkerContract("memory", memoryWorld);
standingRunContract("memory", memoryWorld);
