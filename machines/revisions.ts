/**
 * The configurations that an instance has had: a projection of its history, read from its end to its beginning, so that
 * whoever asks for the newest ones need not read all of it. Pure.
 */
import type { Position, RecordedEvent } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import { restoreState } from "./evolve.ts";
import type { PendingCommand } from "./facts.ts";
import { isBuried } from "./tombstone.ts";

/** One configuration of an instance. */
export interface Revision {
  /** As `Facts.revision` counts them, from 1. */
  revision: number;
  configuration: JsonObject;
  /** Who asked for it. Null: its event was cut, and the rest tells of the baseline that holds it. */
  by: string | null;
  /** Since when it is configured, and the event that made it so. */
  at: number;
  position: Position;
  version: number;
}

/** A configuration, or what may turn out to be one. */
interface Found extends Omit<Revision, "revision" | "configuration"> {
  /** Null for the end of a command whose request is still to be read: a delete, or a move with a configuration. */
  configuration: JsonObject | null;
  commandId: string | null;
}

/** What the oldest baseline that was read holds. */
interface Held extends Revision {
  commands: readonly PendingCommand[];
}

/** How far a history was read. */
export interface RevisionReading {
  /** The number of the next configuration that is found. */
  readonly next: number;
  /** Newest first. What follows the end of a command has no number before it is known what that end was. */
  readonly waiting: readonly Found[];
  readonly held: Held | null;
}

/** Nothing was read yet of an instance whose present configuration has the number `revision`. */
export function beginReading(revision: number): RevisionReading {
  return { next: revision, waiting: [], held: null };
}

/** After the next older event: how far it was read, and the revisions that are certain by it, newest first. */
export function readBack(
  reading: RevisionReading,
  event: RecordedEvent,
): { reading: RevisionReading; revisions: Revision[] } {
  return numbered({ ...reading, ...afterEvent(reading, event) });
}

/** What is certain once there is no older event: by the oldest baseline, where the beginning was cut. */
export function readToEnd(reading: RevisionReading): Revision[] {
  const { held } = reading;
  if (held === null) return [];
  const waiting = reading.waiting.flatMap((found) => {
    if (found.commandId === null) return [found];
    const move = held.commands.find(({ commandId }) => commandId === found.commandId)?.to;
    return move?.configuration ? [certain(found, move.configuration, "unknown")] : [];
  });
  const { reading: rest, revisions } = numbered({ ...reading, waiting });
  const { commands: _, ...revision } = held;
  return rest.next === held.revision ? [...revisions, revision] : revisions;
}

/** The revisions that `events`, oldest first, know of, newest first; `revision` is the number of the last one. */
export function revisionsOf(events: readonly RecordedEvent[], revision: number): Revision[] {
  const found: Revision[] = [];
  let reading = beginReading(revision);
  for (const event of events.toReversed()) {
    const step = readBack(reading, event);
    reading = step.reading;
    found.push(...step.revisions);
  }
  return [...found, ...readToEnd(reading)];
}

function afterEvent(
  { waiting }: RevisionReading,
  event: RecordedEvent,
): Partial<RevisionReading> {
  switch (event.type) {
    case "InstanceCreated": {
      const { configuration } = event.data.specification;
      // No command was asked for before it.
      const known = waiting.filter(({ commandId }) => commandId === null);
      return { waiting: [...known, foundIn(event, configuration)] };
    }
    case "InstanceConfigured": {
      const { configuration } = event.data.changes;
      return configuration ? { waiting: [...waiting, foundIn(event, configuration)] } : {};
    }
    case "MoveRequested": {
      const { commandId, to: { configuration } } = event.data;
      if (commandId !== null) {
        return { waiting: asked(waiting, commandId, configuration, requesterOf(event)) };
      }
      return configuration ? { waiting: [...waiting, foundIn(event, configuration)] } : {};
    }
    case "DeleteRequested":
      return { waiting: asked(waiting, event.data.commandId, undefined, requesterOf(event)) };
    case "CommandSucceeded":
      return event.data.response.type === "DeleteInstanceResponse"
        ? { waiting: [...waiting, { ...foundIn(event, null), commandId: event.data.commandId }] }
        : {};
    case "Baseline":
      return { held: heldBy(event) };
    default:
      return {};
  }
}

/** The request of a command was read: its end is known for a configuration, or for none. */
function asked(
  waiting: readonly Found[],
  commandId: string | null,
  configuration: JsonObject | undefined,
  by: string,
): readonly Found[] {
  return waiting.flatMap((found) => {
    if (commandId === null || found.commandId !== commandId) return [found];
    return configuration ? [certain(found, configuration, by)] : [];
  });
}

/** A move is done at the end of its command, and was asked for by whoever requested it. */
function certain(end: Found, configuration: JsonObject, by: string): Found {
  return { ...end, configuration, by, commandId: null };
}

function foundIn(event: RecordedEvent, configuration: JsonObject | null): Found {
  const { at, position, version } = event;
  return { configuration, commandId: null, by: requesterOf(event), at, position, version };
}

function requesterOf({ meta }: RecordedEvent): string {
  return meta.requestedBy ?? "unknown";
}

function heldBy(event: RecordedEvent & { type: "Baseline" }): Held | null {
  const { value, context } = restoreState(event.data.state, event);
  const { specification, revision, commands } = context;
  // Of a deleted instance no configuration is kept.
  if (specification === null || isBuried(value, context)) return null;
  const { at, position, version } = event;
  const { configuration } = specification;
  return { revision, configuration, by: null, at, position, version, commands };
}

/** Gives numbers to all that comes before an end of which it is not known what it was. */
function numbered(
  reading: RevisionReading,
): { reading: RevisionReading; revisions: Revision[] } {
  const { next, waiting } = reading;
  const open = waiting.findIndex(({ configuration }) => configuration === null);
  const count = open < 0 ? waiting.length : open;
  const revisions = waiting.slice(0, count).map(
    ({ commandId: _, configuration, ...found }, index) => ({
      revision: next - index,
      configuration: configuration!,
      ...found,
    }),
  );
  return {
    reading: { ...reading, next: next - count, waiting: waiting.slice(count) },
    revisions: revisions.filter(({ revision }) => revision > 0),
  };
}
