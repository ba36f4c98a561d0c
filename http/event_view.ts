/** An event as the API shows it, in histories and in the event stream. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import { isoTime } from "./iso_time.ts";

/** The JSON of one event; digests of idempotency keys stay inside. */
export function eventView(event: RecordedEvent): JsonObject {
  const { requestedBy, correlationId } = event.meta;
  return {
    position: event.position,
    instanceId: event.instanceId,
    version: event.version,
    type: event.type,
    at: isoTime(event.at),
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(correlationId === undefined ? {} : { correlationId }),
    data: event.data as JsonObject,
  };
}
