/** The contract suites over memory, and what only memory can show. */
import { eventLogContract } from "../contracts/event_log_contract.ts";
import { eventTailContract } from "../contracts/event_tail_contract.ts";
import { logRetentionContract } from "../contracts/log_retention_contract.ts";
import { memoryWorld } from "./embedded_world.ts";

eventLogContract("memory", memoryWorld);
eventTailContract("memory", memoryWorld);
logRetentionContract("memory", memoryWorld);
