/** The contract suites over SQLite. */
import { eventLogContract } from "../contracts/event_log_contract.ts";
import { eventTailContract } from "../contracts/event_tail_contract.ts";
import { logRetentionContract } from "../contracts/log_retention_contract.ts";
import { sqliteWorld } from "./embedded_world.ts";

eventLogContract("sqlite", sqliteWorld);
eventTailContract("sqlite", sqliteWorld);
logRetentionContract("sqlite", sqliteWorld);
