/** The contract suites over SQLite. */
import { commandBusContract } from "../contracts/command_bus_contract.ts";
import { eventLogContract } from "../contracts/event_log_contract.ts";
import { eventTailContract } from "../contracts/event_tail_contract.ts";
import { historyContract } from "../contracts/history_contract.ts";
import { logRetentionContract } from "../contracts/log_retention_contract.ts";
import { standingRunContract } from "../contracts/standing_run_contract.ts";
import { lostWorkerContract } from "../contracts/lost_worker_contract.ts";
import { workerChannelContract } from "../contracts/worker_channel_contract.ts";
import { sqliteWorld } from "./embedded_world.ts";

eventLogContract("sqlite", sqliteWorld);
historyContract("sqlite", sqliteWorld);
eventTailContract("sqlite", sqliteWorld);
logRetentionContract("sqlite", sqliteWorld);
commandBusContract("sqlite", sqliteWorld);
workerChannelContract("sqlite", sqliteWorld);
lostWorkerContract("sqlite", sqliteWorld);
standingRunContract("sqlite", sqliteWorld);
