/** Reads events of every release: old shapes are lifted to today's, newer ones are refused by name. */
import type { EventMeta, Position, RecordedEvent } from "./envelope.ts";
import { OperationalError } from "./errors.ts";
import {
  CURRENT_SCHEMA,
  eventSchemas,
  type EventType,
  isKnownEventType,
} from "./instance_events.ts";
import type { JsonObject } from "./json.ts";
import { DEFAULT_WORKER_CHOICE } from "./specification.ts";

/** An event as it was stored, before anything is known of its type. */
export interface StoredEvent {
  position: Position;
  previous: Position | null;
  instanceId: string;
  version: number;
  type: string;
  schema: number;
  at: number;
  data: JsonObject;
  meta: EventMeta;
}

/** Lifts the data of schema number `n` to `n + 1`, by event type. */
export type Upcasters = Record<string, Record<number, (data: JsonObject) => JsonObject>>;

const UPCASTERS: Upcasters = {
  InstanceCreated: {
    1: (data) => ({
      ...data,
      specification: { ...DEFAULT_WORKER_CHOICE, ...data.specification as JsonObject },
    }),
    2: (data) => data,
  },
  InstanceConfigured: { 1: (data) => data },
  RestartScheduled: { 1: (data) => data },
  RestartRequested: { 1: (data) => data },
  Baseline: { 1: (data) => data },
};

/** Says the data of schema number `n` in the words of `n - 1`, by event type; null where those have no words for it. */
export type Downcasters = Record<string, Record<number, (data: JsonObject) => JsonObject | null>>;

const DOWNCASTERS: Downcasters = {
  InstanceCreated: {
    2: (data) => {
      const specification = { ...data.specification as JsonObject };
      for (const [name, usual] of Object.entries(DEFAULT_WORKER_CHOICE)) {
        if (JSON.stringify(specification[name]) !== JSON.stringify(usual)) return null;
        delete specification[name];
      }
      return { ...data, specification };
    },
    3: (data) => withoutLimits(data, "specification"),
  },
  InstanceConfigured: { 2: (data) => withoutLimits(data, "changes") },
  RestartScheduled: { 2: withoutCause },
  RestartRequested: { 2: withoutCause },
  Baseline: { 2: withoutMove },
};

/** An older release reads no `limits`, and would start the server without them. */
function withoutLimits(data: JsonObject, part: string): JsonObject | null {
  return "limits" in (data[part] as JsonObject) ? null : data;
}

/** An older release knows of no state in which an instance is moved. */
function withoutMove(data: JsonObject): JsonObject | null {
  const { value } = data.state as { value?: { pending?: string } };
  return value?.pending === "moving" ? null : data;
}

/** An older release knows of no restart of a server that lives. */
function withoutCause(data: JsonObject): JsonObject | null {
  return "cause" in data ? null : data;
}

/**
 * Data in today's shape as an older release reads it: while one is live, nothing newer is written. What it lifts to again
 * is the same data.
 * @throws {OperationalError} `release_mixed` when the older shape cannot say it
 */
export function downcast(
  type: EventType,
  data: JsonObject,
  schema: number,
  downcasters: Downcasters = DOWNCASTERS,
): JsonObject {
  let lowered: JsonObject | null = schema === 0 ? null : data;
  for (let from = CURRENT_SCHEMA[type]; lowered && from > schema; from--) {
    lowered = downcasters[type]?.[from]?.(lowered) ?? null;
  }
  if (lowered) return lowered;
  throw new OperationalError(
    "release_mixed",
    `A control plane of an older release is live, and could not read this ${type} (schema ${
      CURRENT_SCHEMA[type]
    }).`,
    true,
    "Nothing was done. End the control planes of the older release, and ask again 30 s later.",
  );
}

/** Whether this release knows the event's type and schema number. */
export function isReadable({ type, schema }: StoredEvent): boolean {
  return isKnownEventType(type) && schema <= CURRENT_SCHEMA[type];
}

/** What an event that may be ignored is to a release that does not know it: the instance's next version, nothing else. */
export function passedOver({ type, ...rest }: StoredEvent): RecordedEvent {
  const data = { request: type, commandId: null };
  return { ...rest, type: "RequestAnswered", schema: 1, data, meta: {} };
}

/**
 * The event in today's shape.
 * @throws {OperationalError} `log_from_newer_version` for a type or schema number that this release does not
 *   know; `log_damaged` when the data is not what its schema says
 */
export function upcast(stored: StoredEvent, upcasters: Upcasters = UPCASTERS): RecordedEvent {
  const { type } = stored;
  if (!isKnownEventType(type) || stored.schema > CURRENT_SCHEMA[type]) {
    throw new OperationalError(
      "log_from_newer_version",
      `The event ${type} (schema ${stored.schema}) at ${stored.position} was written by a newer version of DRaaS.`,
      false,
      "Run the newer version, or restore a copy of the data from before the upgrade.",
    );
  }
  let data = stored.data;
  for (let schema = stored.schema; schema < CURRENT_SCHEMA[type]; schema++) {
    const lift = upcasters[type]?.[schema];
    if (!lift) throw new Error(`no upcaster for ${type} from schema ${schema}`);
    data = lift(data);
  }
  return { ...stored, type, data, schema: CURRENT_SCHEMA[type] } as unknown as RecordedEvent;
}

/**
 * `upcast`, with the data checked against the event's schema: for events that come from outside this process.
 * @throws {OperationalError} as `upcast`, and `log_damaged`
 */
export function upcastChecked(stored: StoredEvent): RecordedEvent {
  const event = upcast(stored);
  const checked = eventSchemas[event.type].safeParse(event.data);
  if (checked.success) return event;
  throw new OperationalError(
    "log_damaged",
    `The event ${stored.type} at ${stored.position} is damaged: ${
      checked.error.issues[0]?.path.join(".")
    } ${checked.error.issues[0]?.message}.`,
    false,
    "Restore the data folder from a copy; the log before this position is intact.",
  );
}
