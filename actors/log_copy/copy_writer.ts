/** Writes a copy of a log, line by line, in a memory that is bounded by the fleet and not by its history. */
import { createHash } from "node:crypto";
import type { Position } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { CopiedEvent, LogCopySource } from "../../events/log_copy.ts";
import { STATE_SCHEMA } from "../../machines/evolve.ts";
import type { LogDifference } from "../log_verification.ts";
import { isTruncated } from "../log_beginning.ts";
import { COPY_FORMAT, type CopyHeader, eventLine, headerLine, recordLine } from "./copy_lines.ts";
import { CopyProof } from "./copy_proof.ts";

const PAGE = 1_000;
/** Characters that are handed over at once, about. */
const CHUNK_LENGTH = 256 * 1024;

/** What was copied. */
export interface CopyWritten {
  header: CopyHeader;
  /** Of all lines between the first and the last one. */
  digest: string;
  /** What in the log itself does not fit: whoever reads the copy is told the same. */
  differenceCount: number;
  differences: readonly LogDifference[];
}

/** Who writes, and when. */
export interface CopyOrigin {
  release: string;
  /** Epoch milliseconds. */
  now: number;
}

/**
 * Copies everything that the source held at its moment.
 * @param write takes the next text; the next one comes when it is done
 * @param progress told after each page, with how many events were written
 * @throws {OperationalError} `log_missing` for a log without events; `log_truncated`, `log_damaged`,
 *   `log_from_newer_version`
 */
export async function writeCopy(
  source: LogCopySource,
  { release, now }: CopyOrigin,
  write: (text: string) => Promise<void>,
  progress: (events: number) => void,
): Promise<CopyWritten> {
  const { kind, namespace, begins, head, events, instances, commands, workers } = source.frame;
  if (events === 0) throw nothingThere();
  const header: CopyHeader = {
    draasLog: COPY_FORMAT,
    release,
    source: kind,
    namespace,
    writtenAt: now,
    begins,
    head,
    events,
    instances,
    commands: commands.length,
    workers: workers.length,
    stateSchema: STATE_SCHEMA,
  };
  await write(`${headerLine(header)}\n`);
  const proof = new CopyProof(begins);
  const out = new DigestedLines(write);
  let written = 0;
  for (let after = begins; written < events;) {
    const page = await pageAfter(source, after, Math.min(PAGE, events - written));
    for (const event of page) {
      proof.take(event);
      await out.add(eventLine(event));
    }
    written += page.length;
    after = page.at(-1)!.position;
    progress(written);
  }
  await writeRecords(source, proof, out);
  const { lines, digest } = await out.end();
  await write(`${recordLine({ end: { lines, digest } })}\n`);
  const { differenceCount, differences } = proof;
  return { header, digest, differenceCount, differences };
}

async function writeRecords(
  source: LogCopySource,
  proof: CopyProof,
  out: DigestedLines,
): Promise<void> {
  for (const instance of source.instances()) {
    const { instanceId, last } = instance;
    const state = proof.digestOf(instanceId);
    if (state === null) {
      throw new OperationalError(
        "log_damaged",
        `The instance ${instanceId} cannot be folded: the log holds neither its beginning nor a baseline.`,
        false,
        "Run deno task log:verify, and put back a copy of the log from before the damage.",
      );
    }
    if (proof.newest(instanceId)?.position !== last) {
      proof.differ(instanceId, last, "its record names another newest event than the log");
    }
    await out.add(recordLine({ instance: { ...instance, state } }));
  }
  for (const command of source.frame.commands) await out.add(recordLine({ command }));
  for (const worker of source.frame.workers) await out.add(recordLine({ worker }));
}

async function pageAfter(
  source: LogCopySource,
  after: Position,
  limit: number,
): Promise<CopiedEvent[]> {
  try {
    const page = await source.events(after, limit);
    if (page.length > 0) return page;
  } catch (error) {
    if (!isTruncated(error)) throw error;
  }
  throw new OperationalError(
    "log_truncated",
    `The log was cut while it was copied: the events after ${after} are gone.`,
    true,
    "Copy it again; the copy begins where the log does now.",
  );
}

function nothingThere(): OperationalError {
  return new OperationalError(
    "log_missing",
    "The log has no events: there is nothing to copy.",
    false,
    "Name the log that has some: --data-dir; or REDIS_URL and --namespace.",
  );
}

/** Lines on their way out, counted and digested, many at a time. */
class DigestedLines {
  readonly #hash = createHash("sha256");
  #lines = 0;
  #held: string[] = [];
  #length = 0;

  constructor(private readonly write: (text: string) => Promise<void>) {}

  async add(line: string): Promise<void> {
    this.#lines++;
    this.#held.push(line);
    this.#length += line.length + 1;
    if (this.#length >= CHUNK_LENGTH) await this.#flush();
  }

  async end(): Promise<{ lines: number; digest: string }> {
    await this.#flush();
    return { lines: this.#lines, digest: this.#hash.digest("hex") };
  }

  async #flush(): Promise<void> {
    if (this.#held.length === 0) return;
    const text = `${this.#held.join("\n")}\n`;
    this.#hash.update(text);
    this.#held = [];
    this.#length = 0;
    await this.write(text);
  }
}
