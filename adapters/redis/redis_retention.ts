/** Snapshots in compressed chunks under one checksum, and cuts in pieces that hold nobody up. Design §3. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip, type ZlibOptions } from "node:zlib";
import { comparePositions, type Position } from "../../events/envelope.ts";
import type { LogRetention, Snapshot } from "../../events/event_log.ts";
import type { Ids } from "../../events/ids.ts";
import { asLeader } from "./redis_leadership.ts";
import type { RedisLink } from "./redis_link.ts";
import type { StreamEntry } from "./stored_entries.ts";

/** Characters of states in one chunk, about. */
const CHUNK_LENGTH = 1024 * 1024;
/** Chunks of a save that was never finished are gone after this. */
const UNKEPT_SECONDS = 3_600;
/** Events cut in one piece. */
const CUT_MAX = 2_000;
/** How often a save that another one overtook is tried again, and a load. */
const TRIES = 5;

/** What is kept of a snapshot besides its chunks. */
interface SnapshotRecord {
  id: string;
  position: Position;
  schema: number;
  chunks: number;
  checksum: string;
}

/** How the chunks of snapshots are packed. What one process packs every other must unpack: all of a fleet use one form. */
export interface Compression {
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  /** Fails when `bytes` are not what `pack` gave. */
  unpack(bytes: Uint8Array): Promise<Uint8Array>;
}

const gzipped = promisify<Uint8Array, ZlibOptions, Uint8Array>(gzip);

/** The stored form of every release: gzip, beside the event loop. */
export const GZIP: Compression = {
  pack: (bytes) => gzipped(bytes, { level: 1 }),
  unpack: promisify<Uint8Array, Uint8Array>(gunzip),
};

export class RedisRetention implements LogRetention {
  constructor(
    private readonly link: RedisLink,
    private readonly ids: Ids,
    private readonly compression: Compression,
  ) {}

  async saveSnapshot({ position, schema, states }: Snapshot, fence: number): Promise<void> {
    const { keys } = this.link;
    const id = this.ids.next("request");
    const hash = createHash("sha256");
    let chunks = 0;
    for (const text of chunked(states)) {
      const bytes = await this.compression.pack(new TextEncoder().encode(text));
      hash.update(bytes);
      const key = keys.snapshotChunk(id, chunks++);
      await this.link.ask("SET", key, bytes, "EX", UNKEPT_SECONDS);
    }
    const checksum = hash.digest("hex");
    const record = JSON.stringify({ id, position, schema, chunks, checksum });
    for (let tries = 0; tries < TRIES; tries++) {
      const before = await this.link.ask("GET", keys.snapshot) as string | null;
      const more = [keys.snapshot, ...this.chunkKeys(id, chunks)];
      if (before !== null) {
        const old: SnapshotRecord = JSON.parse(before);
        more.push(...this.chunkKeys(old.id, old.chunks));
      }
      const args = [fence, position, record, before ?? "", chunks];
      const kept = await asLeader(() => this.link.write("keep_snapshot", more, args));
      if (kept !== "changed") return;
    }
  }

  async loadSnapshot(): Promise<Snapshot | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      const text = await this.link.ask("GET", this.link.keys.snapshot) as string | null;
      if (text === null) return null;
      const snapshot = await this.load(JSON.parse(text));
      if (snapshot) return snapshot;
      // Another one may have taken its place while it was read.
      if (text === await this.link.ask("GET", this.link.keys.snapshot)) return null;
    }
    return null;
  }

  async dropSnapshot(): Promise<void> {
    const { keys } = this.link;
    for (let tries = 0; tries < TRIES; tries++) {
      const text = await this.link.ask("GET", keys.snapshot) as string | null;
      if (text === null) return;
      const { id, chunks }: SnapshotRecord = JSON.parse(text);
      const more = [keys.snapshot, ...this.chunkKeys(id, chunks)];
      if (await this.link.write("drop_snapshot", more, [text]) === "dropped") return;
    }
  }

  async trim(before: Position, fence: number): Promise<number> {
    const { link } = this;
    let cut = 0;
    for (;;) {
      const next = await link.ask("XRANGE", link.keys.log, "-", "+", "COUNT", CUT_MAX + 1);
      const stays = (next as StreamEntry[])[CUT_MAX]?.[0] ?? before;
      const piece = comparePositions(stays, before) < 0 ? stays : before;
      const answer = await asLeader(() => link.write("trim", [], [fence, piece, before]));
      const [kind, told] = answer as [string, string];
      if (kind === "needed") {
        throw new Error(`${told} has no baseline at or after ${before}; nothing was cut`);
      }
      cut += Number(told);
      if (piece === before) return cut;
    }
  }

  private async load(record: SnapshotRecord): Promise<Snapshot | null> {
    const { position, schema, checksum } = record;
    const hash = createHash("sha256");
    const states: string[] = [];
    for (const key of this.chunkKeys(record.id, record.chunks)) {
      const bytes = await this.link.askBytes("GET", key) as Uint8Array | null;
      if (bytes === null) return null;
      hash.update(bytes);
      const unpacked = await this.compression.unpack(bytes).catch(() => null);
      if (unpacked === null) return null;
      for (const state of new TextDecoder().decode(unpacked).split("\n")) states.push(state);
    }
    return hash.digest("hex") === checksum ? { position, schema, states } : null;
  }

  private chunkKeys(id: string, chunks: number): string[] {
    return Array.from({ length: chunks }, (_, index) => this.link.keys.snapshotChunk(id, index));
  }
}

/** The states in texts of about one chunk, one a line: JSON has no line breaks of its own. */
function* chunked(states: readonly string[]): Generator<string> {
  let from = 0;
  let length = 0;
  for (const [index, state] of states.entries()) {
    length += state.length;
    if (length < CHUNK_LENGTH && index < states.length - 1) continue;
    yield states.slice(from, index + 1).join("\n");
    from = index + 1;
    length = 0;
  }
}
