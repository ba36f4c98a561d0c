/** A batch as the function `append` takes it: its texts are made once, and its bounds checked. */
import type { EventMeta } from "../../events/envelope.ts";
import type { AppendBatch } from "../../events/event_log.ts";
import { CURRENT_SCHEMA, type EventType } from "../../events/instance_events.ts";
import { downcast } from "../../events/upcast.ts";
import type { JsonObject } from "../../events/json.ts";
import { isUrgent } from "../../events/commands.ts";
import { assertSmallEnough } from "../../events/log_refusals.ts";
import type { RedisKeys } from "./keys.ts";
import type { WritableSchemas } from "./offered_schemas.ts";
import type { Argument } from "./redis_link.ts";

/** Commands of one fleet that nobody has ended: beyond it new starts are refused, so that Redis' memory stays bounded. */
export const COMMANDS_MAX = 50_000;

export interface PreparedBatch {
  batch: AppendBatch;
  meta: EventMeta;
  /** The function: one that only ends something is let through also when Redis' memory is full. */
  step: "append" | "append_ending";
  /** The data of an event as it was when the batch was made. */
  dataOf(index: number): unknown;
  /** The keys after the base keys. */
  keys: string[];
  args: Argument[];
}

/** The events by which servers and commands end, and nothing begins. */
const ENDINGS: ReadonlySet<EventType> = new Set([
  "StopRequested",
  "DeleteRequested",
  "CommandCancelled",
  "CommandExpired",
  "RestartAbandoned",
]);

function onlyEnds({ events, commands }: AppendBatch): boolean {
  return commands.every(isUrgent) && events.some(({ type }) => ENDINGS.has(type)) &&
    events.every(({ type }) => ENDINGS.has(type) || type === "RequestAnswered");
}

/** The batch with its texts. @throws {OperationalError} `batch_too_large`, `release_mixed` */
export function prepared(
  batch: AppendBatch,
  keys: RedisKeys,
  writable: WritableSchemas,
): PreparedBatch {
  const { meta, commands, ends } = batch;
  const metaText = JSON.stringify(meta);
  const texts = batch.events.map(({ data }) => JSON.stringify(data));
  const written = batch.events.map(({ type, data }, index) =>
    writable[type] === CURRENT_SCHEMA[type]
      ? texts[index]!
      : JSON.stringify(downcast(type, data as JsonObject, writable[type]))
  );
  const commandTexts = commands.map((command) => JSON.stringify(command));
  assertSmallEnough(batch, metaText, [...texts, ...commandTexts]);
  const isKeyed = meta.idempotency !== undefined && batch.keepKeyMs !== undefined;
  const streams = commands.map((command) =>
    keys.commandStream(command.platform, command.site, isUrgent(command))
  );
  return {
    batch,
    meta: JSON.parse(metaText),
    step: onlyEnds(batch) ? "append_ending" : "append",
    dataOf: (index) => JSON.parse(texts[index]!),
    keys: [
      // The first of them is the idempotency key's, also where there is none.
      isKeyed ? keys.idempotencyKey(meta.idempotency!.key) : keys.meta,
      ...streams,
    ],
    args: [
      batch.instanceId,
      batch.expectedVersion,
      batch.generation,
      batch.notBefore ?? "",
      batch.forgetsRun ? "1" : "",
      metaText,
      isKeyed ? meta.idempotency!.key : "",
      isKeyed ? meta.idempotency!.digest : "",
      isKeyed ? batch.keepKeyMs! : "",
      texts.length,
      commands.length,
      ends.length,
      COMMANDS_MAX,
      batch.expectedPosition ?? "",
      ...batch.events.flatMap(({ type }, index) => [type, writable[type], written[index]!]),
      ...commands.flatMap((command, index) => [
        command.messageId,
        command.type,
        command.platform,
        command.site ?? "",
        command.generation,
        command.acceptWithinMs,
        command.replyChannel ?? "",
        command.correlationId,
        streams[index]!,
        commandTexts[index]!,
      ]),
      ...ends.flatMap(({ commandId, eventIndex, condition }) => [commandId, eventIndex, condition]),
    ],
  };
}
