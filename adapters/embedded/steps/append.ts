/**
 * Append: a decision becomes facts. Design §3 step 3, §4 rules 2-4 and 11.
 *
 * Reads: the key, the instance, the commands that the batch ends. Writes: events, commands added and removed, the
 * instance, the key. Answers: appended, conflict, forked, duplicate, notDue.
 *
 * Atomic, because a command must be live if and only if its event is in the log, and because an end that is not part
 * of the event's own write could be lost, or done twice, between the two. All checks come before the first write.
 */
import type { Command } from "../../../events/commands.ts";
import type { EventMeta, RecordedEvent } from "../../../events/envelope.ts";
import type { AppendBatch, AppendOutcome } from "../../../events/event_log.ts";
import type { NewEvent } from "../../../events/instance_events.ts";
import {
  assertConsistent,
  assertSmallEnough,
  BATCH_EVENTS_MAX,
} from "../../../events/log_refusals.ts";
import { freezeDeep } from "../frozen.ts";
import type { Step, StepContext } from "../step.ts";
import { positionOf, recordedFrom, walkBack } from "../stored_events.ts";
import type { CommandRow, InstanceRow } from "../tables.ts";

/** More missed events than this are read anew by the caller. */
const MISSED_MAX = 500;

/** A batch with its texts, made once: before the step, so that a caller's later change cannot reach the log. */
interface PreparedBatch {
  batch: AppendBatch;
  events: { event: NewEvent; text: string }[];
  commands: { command: Command; text: string }[];
  meta: EventMeta;
  metaText: string;
}

/**
 * The step that appends `batch`. The batch's events and commands are frozen: they belong to the log from here on.
 * @throws {OperationalError} `batch_too_large`
 * @throws {Error} for a batch that contradicts itself
 */
export function append(batch: AppendBatch): Step<AppendOutcome> {
  assertConsistent(batch);
  const prepared: PreparedBatch = {
    batch: { ...batch, ends: batch.ends.map((end) => ({ ...end })) },
    events: batch.events.map((event) => ({
      event: freezeDeep(event),
      text: JSON.stringify(event.data),
    })),
    commands: batch.commands.map((command) => ({
      command: freezeDeep(command),
      text: JSON.stringify(command),
    })),
    meta: freezeDeep(batch.meta),
    metaText: JSON.stringify(batch.meta),
  };
  assertSmallEnough(
    batch,
    prepared.metaText,
    [...prepared.events, ...prepared.commands].map(({ text }) => text),
  );
  return (context) => appendPrepared(context, prepared);
}

function appendPrepared(context: StepContext, prepared: PreparedBatch): AppendOutcome {
  const { batch } = prepared;
  const duplicate = keptAnswer(context, batch);
  if (duplicate) return duplicate;
  const instance = context.instance(batch.instanceId) ?? newInstance(batch.instanceId);
  const { version, lastSequence } = instance;
  if (version !== batch.expectedVersion) return conflict(context, batch, version);
  const position = batch.expectedPosition ?? positionOf(lastSequence);
  if (position !== positionOf(lastSequence)) return { kind: "forked", version };
  if (batch.notBefore !== undefined && context.now < batch.notBefore) {
    return { kind: "notDue", dueInMs: batch.notBefore - context.now };
  }
  const ended: CommandRow[] = [];
  for (const end of batch.ends) {
    const row = context.tables.commands.get(end.commandId);
    if (!row || row.command.instanceId !== batch.instanceId) {
      return conflict(context, batch, version);
    }
    if (row.accepted && end.condition !== "always") {
      return conflict(context, batch, version);
    }
    if (end.condition === "due" && context.now < row.acceptBy) {
      return { kind: "notDue", dueInMs: row.acceptBy - context.now };
    }
    ended.push(row);
  }
  assertNewCommands(context, prepared);
  return { kind: "appended", events: write(context, prepared, instance, ended) };
}

function write(
  context: StepContext,
  prepared: PreparedBatch,
  instance: InstanceRow,
  ended: CommandRow[],
): RecordedEvent[] {
  const { batch, meta, metaText } = prepared;
  const events = prepared.events.map(({ event, text }) =>
    context.record(instance, event, text, meta, metaText)
  );
  ended.forEach((row, index) => context.end(row, events[batch.ends[index]!.eventIndex]!));
  prepared.commands.forEach(({ command, text }, index) => {
    const row: CommandRow = {
      command,
      order: instance.lastSequence * BATCH_EVENTS_MAX + index,
      enqueuedAt: context.now,
      acceptBy: context.now + command.acceptWithinMs,
      deliveries: 0,
      accepted: null,
    };
    context.tables.commands.add(row, text);
    context.effects.waiting.push(row);
  });
  if (batch.generation > instance.generation) instance.generation = batch.generation;
  if (batch.forgetsRun) {
    instance.runId = null;
    instance.runtimeInfo = null;
  }
  context.tables.instances.put(instance);
  keepAnswer(context, batch, instance.version);
  return events;
}

function keptAnswer(context: StepContext, batch: AppendBatch): AppendOutcome | null {
  const { idempotency } = batch.meta;
  if (!idempotency || batch.keepKeyMs === undefined) return null;
  const row = context.tables.keys.get(idempotency.key);
  if (!row || row.expiresAt <= context.now) return null;
  const { key, digest, instanceId, version } = row;
  return { kind: "duplicate", record: { key, digest, instanceId, version } };
}

function keepAnswer(context: StepContext, batch: AppendBatch, version: number): void {
  const { idempotency } = batch.meta;
  if (!idempotency || batch.keepKeyMs === undefined) return;
  const { instanceId } = batch;
  context.tables.keys.expire(context.now);
  context.tables.keys.put({
    key: idempotency.key,
    digest: idempotency.digest,
    instanceId,
    version,
    expiresAt: context.now + batch.keepKeyMs,
  });
}

function conflict(context: StepContext, batch: AppendBatch, version: number): AppendOutcome {
  const after = batch.expectedVersion;
  const below = Math.min(version, after + MISSED_MAX) + 1;
  const missed: RecordedEvent[] = [];
  for (const row of walkBack(context.tables, batch.instanceId)) {
    if (row.version <= after) break;
    if (row.version < below) missed.push(recordedFrom(row));
  }
  return { kind: "conflict", version, missed: missed.reverse() };
}

function newInstance(instanceId: string): InstanceRow {
  return {
    instanceId,
    version: 0,
    generation: 0,
    lastSequence: 0,
    originSequence: 0,
    runId: null,
    endedRunId: null,
    runtimeInfo: null,
    completed: null,
  };
}

function assertNewCommands(context: StepContext, prepared: PreparedBatch): void {
  for (const { command } of prepared.commands) {
    if (context.tables.commands.get(command.messageId)) {
      throw new Error(`the command ${command.messageId} is live already`);
    }
  }
}
