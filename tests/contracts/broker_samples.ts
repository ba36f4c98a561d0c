/** What the broker's contract suites write: plain starts, stops, runs and workers, with their differences named. */
import type { Command, CommandType } from "../../events/commands.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { AppendBatch, CommandEnd } from "../../events/event_log.ts";
import { type NewEvent, newEvent } from "../../events/instance_events.ts";
import type { Observation } from "../../events/observations.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { specificationSchema } from "../../events/specification.ts";
import type { Registration, WorkerChannel } from "../../events/worker_channel.ts";
import { assertEquals } from "@std/assert";
import type { Broker } from "./broker_world.ts";

export const PLATFORM = "process";

/** The first event of an instance. */
export function created(name = "server"): NewEvent {
  const configuration = { command: ["sleep", "60"] };
  const specification = specificationSchema.parse({ name, template: "command", configuration });
  return newEvent("InstanceCreated", { specification });
}

/** An event that changes nothing. */
export function answered(request = "start"): NewEvent {
  return newEvent("RequestAnswered", { request, commandId: null });
}

/** One event, nothing else. */
export function batch(
  instanceId: string,
  expectedVersion: number,
  more: Partial<AppendBatch> = {},
): AppendBatch {
  return {
    instanceId,
    expectedVersion,
    events: [answered()],
    meta: { requestId: `request-${instanceId}-${expectedVersion}`, requestedBy: "tester" },
    commands: [],
    ends: [],
    generation: 0,
    ...more,
  };
}

/** A command as a node would send it. */
export function command(
  instanceId: string,
  messageId: string,
  more: Partial<Command> = {},
): Command {
  return {
    messageId,
    type: "StartInstanceCommand",
    instanceId,
    platform: PLATFORM,
    site: null,
    correlationId: `correlation-${messageId}`,
    generation: 1,
    acceptWithinMs: 30_000,
    template: "command",
    configuration: { command: ["sleep", "60"] },
    configurationRevision: 1,
    ...more,
  };
}

/** The event that causes a start. */
export function startRequested(sent: Command): NewEvent {
  return newEvent("StartRequested", {
    commandId: sent.messageId,
    generation: sent.generation,
    configuration: sent.configuration ?? {},
    configurationRevision: 1,
    acceptWithinMs: sent.acceptWithinMs,
    site: sent.site,
    cause: "user",
  });
}

/** A batch whose one event causes `sent`. */
export function request(
  sent: Command,
  expectedVersion: number,
  more: Partial<AppendBatch> = {},
): AppendBatch {
  return batch(sent.instanceId, expectedVersion, {
    events: [startRequested(sent)],
    commands: [sent],
    generation: sent.generation,
    ...more,
  });
}

/** A batch that ends a live command with `CommandCancelled`. */
export function cancellation(
  instanceId: string,
  expectedVersion: number,
  commandId: string,
  condition: CommandEnd["condition"] = "unaccepted",
  more: Partial<AppendBatch> = {},
): AppendBatch {
  return batch(instanceId, expectedVersion, {
    events: [
      condition === "due"
        ? newEvent("CommandExpired", { commandId, reason: "NoWorker" })
        : newEvent("CommandCancelled", { commandId, reason: "stop" }),
    ],
    ends: [{ commandId, eventIndex: 0, condition }],
    ...more,
  });
}

/** Appends, and fails the test unless it was appended. */
export async function appended(broker: Broker, what: AppendBatch): Promise<RecordedEvent[]> {
  const outcome = await broker.log.append(what);
  assertEquals(outcome.kind, "appended", JSON.stringify(outcome));
  return outcome.kind === "appended" ? outcome.events : [];
}

/** A worker's registration. */
export function registration(workerId: string, more: Partial<Registration> = {}): Registration {
  return {
    workerId,
    platform: PLATFORM,
    site: "site-1",
    incarnation: `${workerId}-life-1`,
    machineId: `machine-of-${workerId}`,
    slots: 4,
    version: "1.0.0",
    labels: {},
    ...more,
  };
}

/** A registered worker's channel. */
export async function joined(
  broker: Broker,
  workerId: string,
  more: Partial<Registration> = {},
): Promise<WorkerChannel> {
  const channel = broker.workerChannel(registration(workerId, more));
  const outcome = await channel.register();
  assertEquals(outcome.kind, "registered", JSON.stringify(outcome));
  return channel;
}

/** A live run. */
export function running(
  instanceId: string,
  runId: string,
  more: Partial<RuntimeInfo> = {},
): RuntimeInfo {
  return {
    instanceId,
    status: "Running",
    runId,
    generation: 1,
    site: "site-1",
    startedAt: 1_000,
    processId: "4711",
    runtimeMetadata: {},
    ...more,
  };
}

/** The same run, ended. */
export function stopped(instanceId: string, runId: string): RuntimeInfo {
  return running(instanceId, runId, {
    status: "Stopped",
    stoppedAt: 2_000,
    exit: { code: 0, signal: null, reason: "Stopped", message: "" },
  });
}

/** A successful response to a command of `type`. */
export function success(
  type: CommandType,
  instanceId: string,
  runtimeInfo?: RuntimeInfo,
): InstanceResponse {
  const response = type.replace("Command", "Response") as InstanceResponse["type"];
  return { type: response, instanceId, success: true, ...(runtimeInfo ? { runtimeInfo } : {}) };
}

/** A worker's report about a run. */
export function observed(
  observation: Observation["observation"],
  runtimeInfo: RuntimeInfo,
): Observation {
  return { instanceId: runtimeInfo.instanceId, observation, runtimeInfo };
}

/** Sends a start of a new instance and has `channel` accept it. Gives the command. */
export async function startedBy(
  broker: Broker,
  channel: WorkerChannel,
  instanceId: string,
  more: Partial<Command> = {},
): Promise<Command> {
  const sent = command(instanceId, `start-${instanceId}`, more);
  await appended(broker, request(sent, 0));
  const outcome = await channel.accept(sent.messageId);
  assertEquals(outcome, { kind: "accepted", attempt: 1, settle: false });
  return sent;
}

/** An event without what differs from one technology or moment to another. */
export function essence({ type, data, instanceId, version }: RecordedEvent): object {
  return { type, data, instanceId, version };
}
