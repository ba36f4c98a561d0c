/** The revisions of an instance as its history tells them: read back from the newest, no further than is asked for. */
import type { InstanceSystem } from "../actors/system_port.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import { type EventPlace, HISTORY_MAX } from "../events/event_log.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import {
  beginReading,
  readBack,
  readToEnd,
  type Revision,
  type RevisionReading,
} from "../machines/revisions.ts";
import { Problem } from "./problem.ts";

/** A page of revisions, newest first. */
export interface RevisionPage {
  revisions: Revision[];
  /** Older ones are known. */
  hasMore: boolean;
  /** Set where older ones were cut: the first that is known. */
  firstKnown: number | null;
}

/**
 * The newest `limit` revisions below the number `below`.
 * @throws {Problem} 410 when all of them were cut
 */
export async function revisionsBelow(
  system: InstanceSystem,
  state: InstanceState,
  limit: number,
  below = Infinity,
): Promise<RevisionPage> {
  const revisions: Revision[] = [];
  let lowest: number | null = null;
  for await (const one of revisionsBack(system, state)) {
    lowest = one.revision;
    if (one.revision >= below) continue;
    if (revisions.length === limit) return { revisions, hasMore: true, firstKnown: null };
    revisions.push(one);
  }
  if (revisions.length === 0) throw revisionsTruncated(state, lowest);
  return { revisions, hasMore: false, firstKnown: lowest === 1 ? null : lowest };
}

/**
 * The revisions of these numbers, in their order.
 * @throws {Problem} 404 for a number that there never was, 410 when one was cut
 */
export async function revisionsNumbered(
  system: InstanceSystem,
  state: InstanceState,
  numbers: readonly number[],
): Promise<Revision[]> {
  const strange = numbers.find((number) => number < 1 || number > state.context.revision);
  if (strange !== undefined) throw revisionNotFound(state, strange);
  const found = new Map<number, Revision>();
  let lowest: number | null = null;
  for await (const one of revisionsBack(system, state)) {
    lowest = one.revision;
    if (numbers.includes(lowest)) found.set(lowest, one);
    if (numbers.every((number) => found.has(number))) break;
  }
  return numbers.map((number) => {
    const revision = found.get(number);
    if (!revision) throw revisionsTruncated(state, lowest);
    return revision;
  });
}

async function* revisionsBack(
  system: InstanceSystem,
  state: InstanceState,
): AsyncGenerator<Revision> {
  const { instanceId, version, revision } = state.context;
  let reading: RevisionReading = beginReading(revision);
  for (let before: number | EventPlace = version + 1;;) {
    const events: RecordedEvent[] = await system.history(instanceId, HISTORY_MAX, before);
    for (const event of events.toReversed()) {
      const step = readBack(reading, event);
      reading = step.reading;
      yield* step.revisions;
    }
    if (events.length < HISTORY_MAX) break;
    before = events[0]!;
  }
  yield* readToEnd(reading);
}

/** No instance has a revision of this number. */
export function revisionNotFound(state: InstanceState, revision: number | string): Problem {
  const { instanceId, revision: newest } = state.context;
  return new Problem("revision_not_found", {
    detail: `Instance '${instanceId}' has no revision ${revision}; its newest is ${newest}.`,
    hint: `GET /api/configuration/instances/${instanceId}/revisions lists those that there are.`,
    extra: { newestRevision: newest },
  });
}

function revisionsTruncated(state: InstanceState, firstKnown: number | null): Problem {
  const { instanceId } = state.context;
  return new Problem("log_truncated", {
    detail: firstKnown === null
      ? `The log was cut, and no revision of instance '${instanceId}' is known any more.`
      : `The log was cut: the revisions of instance '${instanceId}' are known from ${firstKnown} on.`,
    hint: `GET /api/configuration/instances/${instanceId}/revisions lists those that there are.`,
    extra: { firstRevision: firstKnown },
  });
}
