/** What a user can ask of an instance, and what a decision about it looks like. Design §4, §6. */
import type { Fault } from "../events/configuration.ts";
import type { JsonObject } from "../events/json.ts";
import type { Command } from "../events/commands.ts";
import type { ExternalStatus } from "../events/external_status.ts";
import type { CommandEnd } from "../events/event_log.ts";
import type { NewEvent } from "../events/instance_events.ts";
import type { Destination, Specification, SpecificationChanges } from "../events/specification.ts";

export type InstanceRequest =
  | { type: "create"; specification: Specification }
  /** `configuration` replaces the configured one for this start only. */
  | { type: "start"; configuration?: JsonObject }
  | { type: "stop" }
  | { type: "restart" }
  /** `ifDifferent`: changes that are there already are a success that writes nothing, and makes no new revision. */
  | { type: "configure"; changes: SpecificationChanges; ifDifferent?: true }
  /** `force` does not wait for a worker: it names what may still run, and whoever has it ends it. */
  | { type: "delete"; force: boolean }
  /** `force` does not wait for a worker: what its last place keeps is left there. */
  | { type: "move"; to: Destination; force: boolean }
  /** What somebody outside says of its server; whoever owns the server is not asked. */
  | { type: "reportStatus"; report: ExternalStatus };

export type RequestType = InstanceRequest["type"];

/** Every status that is shown. Design §4. */
export const STATUSES = [
  "Created",
  "Starting",
  "Running",
  "Restarting",
  "Stopping",
  "Stopped",
  "Failed",
  "Deleting",
  "Deleted",
] as const;
export type InstanceStatus = (typeof STATUSES)[number];

/** A request that was understood and refused; nothing was changed by it. */
export type Rejection =
  | { code: "not_found"; instanceId: string }
  | { code: "already_exists"; instanceId: string }
  | { code: "deleted"; instanceId: string; deletedAt: number; deletedBy: string; version: number }
  /** The state does not allow it; `allowed` are the requests that it does. */
  | { code: "conflict"; status: InstanceStatus; allowed: RequestType[]; message: string }
  /** `If-Match` names another version of the specification. */
  | { code: "stale_version"; expected: number; actual: number }
  | { code: "key_reused"; key: string }
  /** The instance's mailbox, or the system, is full. */
  | { code: "busy"; retryAfterMs: number }
  | { code: "invalid"; faults: Fault[] };

/** What a request means in a state. Pure data: the caller appends it. */
export type Decision =
  | {
    kind: "accepted";
    events: NewEvent[];
    commands: Command[];
    ends: CommandEnd[];
    generation: number;
    awaits: string | null;
  }
  /** The state satisfies the request already. */
  | { kind: "unchanged" }
  /** The same is being done: the answer is the end of that command. */
  | { kind: "joined"; commandId: string }
  | { kind: "rejected"; rejection: Rejection };
