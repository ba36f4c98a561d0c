/** Puts a copy of a log into an empty one: proved while it is written, read back and proved again, then shown at once. */
import { OperationalError } from "../../events/errors.ts";
import type { Position } from "../../events/envelope.ts";
import type {
  CopiedCommand,
  CopiedEvent,
  CopiedInstance,
  CopiedKey,
  LogCopyTarget,
} from "../../events/log_copy.ts";
import { KEYS_KEPT_MS } from "../system_parts.ts";
import { CopyProof } from "./copy_proof.ts";
import { type CopyRead, CopyReader } from "./copy_reader.ts";

const PAGE = 500;

/** What an import tells while it goes on. */
export interface ImportProgress {
  /** So many events are written, or read back. */
  (done: { events: number; of: number; isReadBack: boolean }): void;
}

/**
 * Imports the copy that `lines` are. Nothing is seen of it before all of it is there.
 * @param open gives the log that takes it, once the first line was read; it is closed at the end
 * @param now epoch milliseconds: what idempotency keys are still kept at
 * @throws {OperationalError} `copy_damaged`, `copy_differs`, `import_differs`; what the target throws. Nothing is shown
 *   then, and what was written is taken away again, if the target can be reached
 */
export async function importCopy(
  lines: AsyncIterable<string>,
  open: () => Promise<LogCopyTarget>,
  now: number,
  progress: ImportProgress,
): Promise<CopyRead> {
  const work = new Import(open, now, progress);
  try {
    const read = await work.write(lines);
    if (read.differenceCount > 0) throw notWhatItSays(read);
    await work.prove(read);
    await work.publish();
    return read;
  } catch (error) {
    await work.discard();
    throw error;
  } finally {
    await work.close();
  }
}

class Import {
  readonly #reader = new CopyReader();
  readonly #keys: KeptKeys;
  #opened: LogCopyTarget | null = null;

  constructor(
    private readonly open: () => Promise<LogCopyTarget>,
    now: number,
    private readonly progress: ImportProgress,
  ) {
    this.#keys = new KeptKeys(now);
  }

  async write(lines: AsyncIterable<string>): Promise<CopyRead> {
    const events: CopiedEvent[] = [];
    const instances: CopiedInstance[] = [];
    for await (const line of lines) {
      const item = this.#reader.take(line);
      if (item === null) await this.#begin();
      else if (item.kind === "event") {
        if (events.push(item.event) >= PAGE) await this.#add(events.splice(0));
      } else if (item.kind === "instance") {
        const { state: _, ...instance } = item.instance;
        instances.push(instance);
      }
    }
    const read = this.#reader.done();
    if (events.length > 0) await this.#add(events);
    await this.#target.addInstances(instances, commandsByInstance(read.commands));
    await this.#target.addCommands(read.commands);
    await this.#target.addWorkers(read.workers);
    return read;
  }

  /** What the target holds now must make of each instance what the copy does. */
  async prove({ header, states }: CopyRead): Promise<void> {
    const proof = new CopyProof(header.begins);
    let events = 0;
    for (let after: Position = header.begins;;) {
      const page = await this.#target.readBack(after, PAGE);
      for (const event of page) proof.take(event);
      events += page.length;
      this.progress({ events, of: header.events, isReadBack: true });
      if (page.length < PAGE) break;
      after = page.at(-1)!.position;
    }
    const other = [...states].find(([id, state]) => proof.digestOf(id) !== state);
    if (events === header.events && proof.instances === states.size && !other) return;
    throw new OperationalError(
      "import_differs",
      other
        ? `What was written is not what the copy says: the state of ${other[0]} is another one.`
        : `What was written is not what the copy says: ${events} of ${header.events} events are there.`,
      false,
      "Look into the health of the Redis or the disk, then import again. Nothing of it is seen by anybody.",
    );
  }

  publish(): Promise<void> {
    return this.#target.publish(this.#keys.list());
  }

  /** The failure is what is told; what cannot be taken away is recognised by the next import. */
  async discard(): Promise<void> {
    await this.#opened?.discard().catch(() => {});
  }

  async close(): Promise<void> {
    await this.#opened?.close();
  }

  get #target(): LogCopyTarget {
    if (this.#opened === null) throw new Error("a copy has lines before its first one");
    return this.#opened;
  }

  async #begin(): Promise<void> {
    this.#opened = await this.open();
    await this.#opened.begin(this.#reader.header!.begins);
  }

  async #add(events: readonly CopiedEvent[]): Promise<void> {
    for (const event of events) this.#keys.take(event);
    await this.#target.addEvents(events);
    const { events: done, header } = this.#reader;
    this.progress({ events: done, of: header!.events, isReadBack: false });
  }
}

function commandsByInstance(
  commands: readonly CopiedCommand[],
): (instanceId: string) => readonly CopiedCommand[] {
  const by = Map.groupBy(commands, ({ command }) => command.instanceId);
  return (instanceId) => by.get(instanceId) ?? [];
}

/** The answers that idempotency keys still stand for: each is in the last event of the append that gave it. */
class KeptKeys {
  readonly #byKey = new Map<string, CopiedKey>();

  constructor(private readonly now: number) {}

  take({ meta, instanceId, version, at }: CopiedEvent): void {
    const expiresAt = at + KEYS_KEPT_MS;
    if (expiresAt <= this.now || !meta.includes('"idempotency"')) return;
    const { idempotency } = JSON.parse(meta);
    if (typeof idempotency?.key !== "string") return;
    const { key, digest } = idempotency;
    this.#byKey.set(key, { key, digest, instanceId, version, expiresAt });
  }

  list(): CopiedKey[] {
    return [...this.#byKey.values()];
  }
}

function notWhatItSays({ differenceCount, differences }: CopyRead): OperationalError {
  const [first] = differences;
  return new OperationalError(
    "copy_differs",
    `The log in this copy is not what it says: ${differenceCount} differences, the first at ${first?.position}, instance ${first?.instanceId}: ${first?.message}. Nothing was imported.`,
    false,
    "deno task backup:verify lists them. Import another copy.",
  );
}
