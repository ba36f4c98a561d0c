/** A fleet's log in Redis as the source of a copy: what it held at one moment, read beside everything that uses it. */
import { comparePositions, type Position, START } from "../../../events/envelope.ts";
import { OperationalError } from "../../../events/errors.ts";
import type {
  CopiedCommand,
  CopiedEvent,
  CopiedInstance,
  CopiedWorker,
  CopyFrame,
  LogCopySource,
} from "../../../events/log_copy.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import { compareOrders, type StoredCommand } from "../command_records.ts";
import type { RedisLink } from "../redis_link.ts";
import { type StreamEntry, timeOf } from "../stored_entries.ts";
import { type CopyPlace, openCopyLink } from "./copy_link.ts";

/** What the function `frame` gives. */
type Frame = [
  head: string,
  events: string,
  cut: string,
  versions: string[],
  runs: string[],
  commands: string[],
  payloads: string[],
  workers: string[],
];

/** A record in the hash `runs`; see `functions/runs.lua`. */
export interface StoredRun {
  runId?: string;
  site?: string;
  info?: RuntimeInfo;
  ended?: string;
  completed?: { commandId: string; attempt: number; position: Position };
}

/** A record in the hash `workers`; see `functions/workers.lua`. */
export interface StoredWorkerRecord extends Omit<CopiedWorker, "workerId" | "labels" | "retired"> {
  /** JSON. */
  labels: string;
  /** By spaces. */
  retired: string;
}

/** Opens the log as it is now. Throws as `openCopyLink`. */
export async function openRedisCopySource(place: CopyPlace): Promise<LogCopySource> {
  const link = await openCopyLink(place);
  try {
    return new RedisCopySource(link, place.namespace, await link.read("frame", []) as Frame);
  } catch (error) {
    await link.close();
    throw error;
  }
}

class RedisCopySource implements LogCopySource {
  readonly frame: CopyFrame;
  readonly #instances: CopiedInstance[];

  constructor(
    private readonly link: RedisLink,
    namespace: string,
    [head, events, cut, versions, runs, commands, payloads, workers]: Frame,
  ) {
    const runOf = new Map(pairs(runs));
    this.#instances = pairs(versions)
      .map(([id, text]) => instanceFrom(id, text, runOf.get(id)))
      .sort((a, b) => a.instanceId < b.instanceId ? -1 : 1);
    const payloadOf = new Map(pairs(payloads));
    this.frame = {
      kind: "redis",
      namespace,
      begins: cut || START,
      head: head || START,
      events: Number(events),
      instances: this.#instances.length,
      commands: pairs(commands)
        .map(([id, text]) => commandFrom(JSON.parse(text), payloadOf.get(id) ?? ""))
        .sort((a, b) => compareOrders(a.order, b.order)),
      workers: pairs(workers)
        .map(([id, text]) => workerFrom(id, JSON.parse(text)))
        .sort((a, b) => a.workerId < b.workerId ? -1 : 1),
    };
  }

  async events(after: Position, limit: number): Promise<CopiedEvent[]> {
    const { link, frame } = this;
    const [entries, cut] = await Promise.all([
      link.ask("XRANGE", link.keys.log, `(${after}`, frame.head, "COUNT", limit),
      // After the page on the same connection: a cut that comes between them is seen.
      link.ask("HGET", link.keys.meta, "cut"),
    ]) as [StreamEntry[], string | null];
    if (cut !== null && comparePositions(after, cut) < 0) {
      throw new OperationalError(
        "log_truncated",
        `The events after ${after} were cut.`,
        false,
        `Read from ${cut}.`,
      );
    }
    return entries.map(copiedEntry);
  }

  instances(): Iterable<CopiedInstance> {
    return this.#instances;
  }

  close(): Promise<void> {
    return this.link.close();
  }
}

/** An entry of the log as a copy has it. */
export function copiedEntry([position, fields]: StreamEntry): CopiedEvent {
  const by: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) by[fields[index]!] = fields[index + 1]!;
  const { at, meta } = timeIn(position, by.m ?? "");
  return {
    position,
    previous: by.p === START ? null : by.p ?? null,
    instanceId: by.i ?? "",
    version: Number(by.v),
    type: by.t ?? "",
    schema: Number(by.s),
    at,
    ignorable: by.x === "1",
    meta,
    data: by.d ?? "",
  };
}

/** The metadata of an event whose time its position does not tell. */
export function metaWithTime(meta: string, at: number): string {
  const rest = meta.slice(1);
  return rest.trim() === "}" ? `{"at":${at}}` : `{"at":${at},${rest}`;
}

/** What `metaWithTime` was given. */
function timeIn(position: Position, meta: string): { at: number; meta: string } {
  const [begin, at, end] = /^\{"at":(\d+)([,}])/.exec(meta) ?? [];
  if (begin === undefined) return { at: timeOf(position), meta };
  return { at: Number(at), meta: `{${end === "}" ? "}" : ""}${meta.slice(begin.length)}` };
}

function instanceFrom(instanceId: string, text: string, runText?: string): CopiedInstance {
  // As `shared.lua` writes it: version, generation, last position, origin, live commands.
  const [version = "", generation = "", last = "", origin = ""] = text.split(" ");
  const run: StoredRun = runText === undefined ? {} : JSON.parse(runText);
  return {
    instanceId,
    version: Number(version),
    generation: Number(generation),
    last,
    origin,
    run: run.info ?? null,
    endedRunId: run.ended ?? null,
    completed: run.completed ?? null,
  };
}

function commandFrom(stored: Omit<StoredCommand, "commandId">, payload: string): CopiedCommand {
  const { accepted } = stored;
  return {
    command: JSON.parse(payload),
    site: stored.site ?? null,
    order: stored.order,
    enqueuedAt: stored.enqueuedAt,
    acceptBy: stored.acceptBy,
    deliveries: stored.moved ?? 0,
    accepted: accepted
      ? {
        workerId: accepted.workerId,
        incarnation: accepted.incarnation,
        site: accepted.site,
        attempt: accepted.attempt,
        settle: accepted.settle,
      }
      : null,
  };
}

function workerFrom(workerId: string, stored: StoredWorkerRecord): CopiedWorker {
  return {
    workerId,
    platform: stored.platform,
    site: stored.site,
    incarnation: stored.incarnation,
    machineId: stored.machineId,
    slots: stored.slots,
    version: stored.version,
    labels: JSON.parse(stored.labels),
    registeredAt: stored.registeredAt,
    draining: stored.draining,
    left: stored.left,
    forgotten: stored.forgotten,
    lost: stored.lost,
    retired: stored.retired.split(" ").filter((one) => one !== ""),
  };
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, n) => [flat[2 * n]!, flat[2 * n + 1]!]);
}
