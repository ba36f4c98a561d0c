/**
 * An empty namespace that takes a copy. It is written beside the namespace, under keys of this import alone, and
 * becomes the namespace in one step; a mark tells everybody that an import is under way or was not finished.
 */
import { type Position, START } from "../../../events/envelope.ts";
import { isUrgent } from "../../../events/commands.ts";
import { OperationalError } from "../../../events/errors.ts";
import type { Ids } from "../../../events/ids.ts";
import {
  type CopiedCommand,
  type CopiedEvent,
  type CopiedInstance,
  type CopiedKey,
  type CopiedWorker,
  type LogCopyTarget,
  targetNotEmpty,
} from "../../../events/log_copy.ts";
import type { StoredCommand } from "../command_records.ts";
import type { Argument, RedisLink } from "../redis_link.ts";
import { type StreamEntry, timeOf } from "../stored_entries.ts";
import { type CopyPlace, type ImportMark, MARK, openCopyLink } from "./copy_link.ts";
import {
  copiedEntry,
  metaWithTime,
  type StoredRun,
  type StoredWorkerRecord,
} from "./redis_copy_source.ts";

/** Longer than a worker is ever silent while it lives. */
const SILENT_MS = 10_000;
/** Records written at once. */
const PAGE = 500;
/** What is imported, by the last part of its key. */
const PARTS = [
  "log",
  "versions",
  "runs",
  "placed",
  "commands",
  "payloads",
  "workers",
  "origins",
] as const;
type Part = typeof PARTS[number];

/** Opens a namespace for an import. Throws as `openCopyLink`. */
export async function openRedisCopyTarget(
  place: CopyPlace & { ids: Ids },
): Promise<LogCopyTarget> {
  return new RedisCopyTarget(await openCopyLink(place), place);
}

class RedisCopyTarget implements LogCopyTarget {
  readonly #mark: ImportMark;
  /** As it stands in Redis; null while nothing of this import is there. */
  #markText: string | null = null;
  #begins: Position = START;
  /** The command streams that are imported, in the order of their numbers. */
  readonly #streams: string[] = [];

  constructor(
    private readonly link: RedisLink,
    private readonly place: CopyPlace & { ids: Ids },
  ) {
    this.#mark = { id: place.ids.next("request"), begunAt: place.clock.now() };
  }

  async begin(begins: Position): Promise<void> {
    this.#begins = begins;
    const text = JSON.stringify(this.#mark);
    const answer = await this.link.write("begin_import", [], [text, SILENT_MS]);
    const [kind, before = ""] = answer as string[];
    if (kind !== "begun") throw this.#obstacle(answer as string[]);
    this.#markText = text;
    // What an import that was not finished has left: it is begun anew.
    if (before !== "") await this.#unlink((JSON.parse(before) as ImportMark).id);
  }

  async addEvents(events: readonly CopiedEvent[]): Promise<void> {
    const log = this.#staged("log");
    await this.#sending(events.map((event) => {
      const { position, previous, at, instanceId, version, type, schema, data } = event;
      const meta = at === timeOf(position) ? event.meta : metaWithTime(event.meta, at);
      const mark = event.ignorable ? ["x", "1"] : [];
      const fields = ["i", instanceId, "v", version, "t", type, "s", schema, "d", data, "m", meta];
      return ["XADD", log, position, ...fields, "p", previous ?? START, ...mark];
    }));
  }

  async addInstances(
    instances: readonly CopiedInstance[],
    commandsOf: (instanceId: string) => readonly CopiedCommand[],
  ): Promise<void> {
    for (const page of pagesOf(instances)) {
      await this.#sending(page.flatMap((one) => this.#instance(one, commandsOf(one.instanceId))));
    }
  }

  async addCommands(commands: readonly CopiedCommand[]): Promise<void> {
    for (const page of pagesOf(commands)) {
      const waiting = page.filter(({ accepted }) => accepted === null);
      const streams = waiting.map((one) => this.#streamOf(one));
      const entries = await this.#sending(waiting.map((one, index) => {
        const { command, order, deliveries } = one;
        const text = JSON.stringify(command);
        const moved = deliveries > 0 ? ["n", deliveries] : [];
        const fields = ["id", command.messageId, "c", text, "o", order, ...moved];
        return ["XADD", streams[index]!.staged, "*", ...fields];
      })) as string[];
      const placeOf = new Map(waiting.map((one, index) => [
        one,
        { stream: streams[index]!.name, entry: entries[index]! },
      ]));
      await this.#sending(page.flatMap((one) => this.#command(one, placeOf.get(one))));
    }
  }

  async addWorkers(workers: readonly CopiedWorker[]): Promise<void> {
    const key = this.#staged("workers");
    await this.#sending(workers.map(({ workerId, labels, retired, ...worker }) => {
      const stored: StoredWorkerRecord = {
        ...worker,
        labels: JSON.stringify(labels),
        retired: retired.join(" "),
      };
      return ["HSET", key, workerId, JSON.stringify(stored)];
    }));
  }

  async readBack(after: Position, limit: number): Promise<CopiedEvent[]> {
    const args = [this.#staged("log"), `(${after}`, "+", "COUNT", limit];
    const [entries] = await this.#sending([["XRANGE", ...args]]);
    return (entries as StreamEntry[]).map(copiedEntry);
  }

  async publish(kept: readonly CopiedKey[]): Promise<void> {
    const { keys } = this.link;
    // They expire by themselves, and mean nothing without the log: so they need not come with it.
    for (const page of pagesOf(kept)) {
      await this.#sending(page.map(({ key, digest, instanceId, version, expiresAt }) => {
        const text = JSON.stringify({ digest, instanceId, version });
        return ["SET", keys.idempotencyKey(key), text, "PXAT", expiresAt];
      }));
    }
    const pairs = [
      ...PARTS.flatMap((part) => [keys[part], this.#staged(part)]),
      ...this.#streams.flatMap((name, index) => [name, this.#stagedStream(index)]),
    ];
    const cut = this.#begins === START ? "" : this.#begins;
    const args = [this.#markText ?? "", SILENT_MS, cut];
    const answer = await this.link.write("publish", [keys.snapshot, ...pairs], args) as string[];
    if (answer[0] !== "published") throw this.#obstacle(answer);
    this.#markText = null;
  }

  async discard(): Promise<void> {
    if (this.#markText === null) return;
    await this.#unlink(this.#mark.id);
    const { keys } = this.link;
    if (await this.link.ask("HGET", keys.meta, MARK) === this.#markText) {
      await this.link.ask("HDEL", keys.meta, MARK);
    }
    this.#markText = null;
  }

  close(): Promise<void> {
    return this.link.close();
  }

  #instance(one: CopiedInstance, commands: readonly CopiedCommand[]): Argument[][] {
    const { instanceId, version, generation, last, origin, run, endedRunId, completed } = one;
    const live = commands.map(({ command }) => command.messageId).join(",");
    const stored: StoredRun = {
      ...(run ? { runId: run.runId, site: run.site, info: run } : {}),
      ...(endedRunId === null ? {} : { ended: endedRunId }),
      ...(completed ? { completed } : {}),
    };
    const record = [version, generation, last, origin, live].join(" ");
    return [
      ["HSET", this.#staged("versions"), instanceId, record],
      ["ZADD", this.#staged("origins"), timeOf(origin), instanceId],
      ...(Object.keys(stored).length === 0
        ? []
        : [["HSET", this.#staged("runs"), instanceId, JSON.stringify(stored)]]),
      ...(run ? [["ZADD", this.#staged("placed"), 0, `${run.site}|${instanceId}`]] : []),
    ];
  }

  /** Without its reply channel: whoever listened there was of another process. */
  #command(one: CopiedCommand, place?: { stream: string; entry: string }): Argument[][] {
    const { command, site, order, enqueuedAt, acceptBy, deliveries, accepted } = one;
    const { messageId, type, platform, instanceId, generation, correlationId } = command;
    const stored: Omit<StoredCommand, "commandId" | "accepted"> & Record<string, unknown> = {
      ...place,
      order,
      instance: instanceId,
      type,
      platform,
      ...(site === null ? {} : { site }),
      generation,
      enqueuedAt,
      acceptBy,
      correlationId,
      ...(deliveries > 0 ? { moved: deliveries } : {}),
      ...(accepted ? { accepted } : {}),
    };
    return [
      ["HSET", this.#staged("commands"), messageId, JSON.stringify(stored)],
      ["HSET", this.#staged("payloads"), messageId, JSON.stringify(command)],
    ];
  }

  #streamOf({ command, site }: CopiedCommand): { name: string; staged: string } {
    const name = this.link.keys.commandStream(command.platform, site, isUrgent(command));
    const known = this.#streams.indexOf(name);
    const index = known < 0 ? this.#streams.push(name) - 1 : known;
    return { name, staged: this.#stagedStream(index) };
  }

  /** Sends commands one after the other without waiting in between, and sees that the import is still this one. */
  async #sending(commands: readonly Argument[][]): Promise<unknown[]> {
    if (commands.length === 0) return [];
    const { link } = this;
    const [mark, ...answers] = await Promise.all([
      link.ask("HGET", link.keys.meta, MARK),
      ...commands.map(([command, ...args]) => link.ask(String(command), ...args)),
    ]);
    if (mark !== this.#markText) throw this.#obstacle(["overtaken"]);
    return answers;
  }

  async #unlink(id: string): Promise<void> {
    const { link } = this;
    await link.ask("UNLINK", ...PARTS.map((part) => this.#staged(part, id)));
    // Their numbers have no gap.
    for (let index = 0; await link.ask("UNLINK", this.#stagedStream(index, id)) === 1;) index++;
  }

  #staged(part: Part, id: string = this.#mark.id): string {
    return `${this.link.keys.meta}:${MARK}:${id}:${part}`;
  }

  #stagedStream(index: number, id: string = this.#mark.id): string {
    return `${this.link.keys.meta}:${MARK}:${id}:stream:${index}`;
  }

  #obstacle([kind, what = ""]: string[]): OperationalError {
    const { namespace } = this.place;
    const where = `The namespace ${namespace} of the Redis at ${this.link.name}`;
    switch (kind) {
      case "full":
        return targetNotEmpty(
          where,
          "Import into another namespace (--namespace); a log that is there is never written over.",
        );
      case "led":
        return inUse(`${where} has a control plane that leads it (${what}).`);
      case "worked":
        return inUse(`${where} has a worker that lives: ${what}.`);
      case "overtaken":
        return new OperationalError(
          "import_overtaken",
          `${where} was taken over by another import, which began later. Nothing of this one is left.`,
          false,
          "Import one copy at a time.",
        );
      default:
        throw new Error(`an import was answered ${kind}`);
    }
  }
}

function inUse(message: string): OperationalError {
  return new OperationalError(
    "target_in_use",
    `${message} Nothing was imported.`,
    true,
    "End control planes and workers of this namespace, wait 10 s, and import again.",
  );
}

function* pagesOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += PAGE) yield all.slice(at, at + PAGE);
}
