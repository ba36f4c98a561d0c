/** Snapshots and cuts, in pieces, so that a large fleet's snapshot does not hold up everybody else. Design §3. */
import { createHash, type Hash } from "node:crypto";
import type { Position } from "../../events/envelope.ts";
import type { LogRetention, Snapshot } from "../../events/event_log.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { EmbeddedLeadership } from "./embedded_leadership.ts";
import type { Step } from "./step.ts";
import { positionOf, sequenceOf } from "./stored_events.ts";
import type { SnapshotRow, Tables } from "./tables.ts";

/** Characters in one chunk, about. */
const CHUNK_LENGTH = 256 * 1024;
/** Events cut in one transaction. */
const CUT_MAX = 2_000;

export class EmbeddedRetention implements LogRetention {
  /** One save at a time: each removes the other's chunks. */
  #saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly tables: Tables,
    private readonly writes: GroupCommit,
    private readonly leadership: EmbeddedLeadership,
  ) {}

  saveSnapshot(snapshot: Snapshot, fence: number): Promise<void> {
    const saved = this.#saving.then(() => this.#save(snapshot, fence));
    // The next save does not depend on how this one ended; its caller hears of that.
    this.#saving = saved.catch(() => {});
    return saved;
  }

  loadSnapshot(): Promise<Snapshot | null> {
    return this.writes.read(() => this.#load());
  }

  async dropSnapshot(): Promise<void> {
    await this.writes.submit(({ tables }) => tables.snapshots.drop());
  }

  async trim(before: Position, fence: number): Promise<number> {
    this.leadership.assertLeads(fence);
    const sequence = sequenceOf(before);
    let cut = 0;
    for (;;) {
      const some = await this.writes.submit(cutSome(sequence));
      cut += some;
      if (some < CUT_MAX) return cut;
    }
  }

  #load(): Snapshot | null {
    const row = this.tables.snapshots.get();
    // One from beyond the log's end is of another log: a copy of the data was restored.
    if (!row || row.sequence > this.writes.head.sequence) return null;
    const chunks = Array.from(
      { length: row.chunks },
      (_, index) => this.tables.snapshots.chunk(row.id, index) ?? "",
    );
    const hash = checksumOf(row.sequence, row.schema, chunks.length);
    for (const chunk of chunks) hash.update(chunk);
    if (hash.digest("hex") !== row.checksum) return null;
    const states = chunks.flatMap((chunk) => JSON.parse(chunk) as string[]);
    return { position: positionOf(row.sequence), schema: row.schema, states };
  }

  async #save({ position, schema, states }: Snapshot, fence: number): Promise<void> {
    this.leadership.assertLeads(fence);
    const sequence = sequenceOf(position);
    const present = this.tables.snapshots.get();
    if (present && present.sequence > sequence) return;
    const id = (present?.id ?? 0) + 1;
    const bounds = chunkBounds(states);
    const hash = checksumOf(sequence, schema, bounds.length);
    // A chunk is made when its turn comes: all of them at once would hold everybody else up for the whole of it.
    for (const [index, [from, to]] of bounds.entries()) {
      const chunk = JSON.stringify(states.slice(from, to));
      hash.update(chunk);
      await this.writes.submit(({ tables }) => tables.snapshots.putChunk(id, index, chunk));
    }
    const checksum = hash.digest("hex");
    const row: SnapshotRow = { id, sequence, schema, chunks: bounds.length, checksum };
    this.leadership.assertLeads(fence);
    await this.writes.submit(({ tables }) => tables.snapshots.put(row));
  }
}

/**
 * Cut: forgets old events. Reads: every instance's origin. Writes: the removal of the oldest events. Atomic for each
 * piece; the log's first position moves with it, so it is honest at every moment.
 */
function cutSome(before: number): Step<number> {
  return ({ tables }) => {
    const needed = tables.instances.originBefore(before);
    if (needed) {
      throw new Error(
        `${needed.instanceId} has no baseline at or after ${positionOf(before)}; nothing was cut`,
      );
    }
    return tables.events.cut(before, CUT_MAX);
  };
}

/** From which state to which each chunk goes; the last one is not in it. */
function chunkBounds(states: string[]): [number, number][] {
  const bounds: [number, number][] = [];
  let from = 0;
  let length = 0;
  states.forEach((state, index) => {
    length += state.length;
    if (length < CHUNK_LENGTH) return;
    bounds.push([from, index + 1]);
    from = index + 1;
    length = 0;
  });
  if (from < states.length) bounds.push([from, states.length]);
  return bounds;
}

/** The checksum's beginning; the chunks are to be added in their order. */
function checksumOf(sequence: number, schema: number, chunks: number): Hash {
  return createHash("sha256").update(`${sequence} ${schema} ${chunks}\n`);
}
