/** The API as typed calls: what the command line, and every other client of ours, knows of a control plane. Design §6. */
import type { JsonObject } from "../../events/json.ts";
import type {
  EventAnswer,
  InstanceAnswer,
  LogLineAnswer,
  MutationAnswer,
  RunAnswer,
  WorkerAnswer,
} from "./answers.ts";
import { FleetCalls } from "./fleet_calls.ts";
import { followStream } from "./followed_stream.ts";
import {
  callRemote,
  objectOf,
  type RemoteCall,
  type RemoteOptions,
  WAY_MS,
} from "./remote_call.ts";
import type { SseMessage } from "./sse_messages.ts";

/** Which instances a list is to have. */
export interface InstanceFilter {
  status?: string;
  platform?: string;
  worker?: string;
  /** `key` or `key=value`. */
  label?: string;
  /** Part of the name or the id, any case. */
  q?: string;
}

/** How a mutation is sent. */
export interface MutationWish {
  /** The same for every sending of one request. */
  key: string;
  /** Whether the answer is to tell the outcome; else only that it is in the log. */
  wait: boolean;
  /** How long the server is to wait for it; undefined: as long as it does by itself. */
  timeoutMs?: number | undefined;
}

/** Which lines of an output. `since` is a time or how long ago, as the API takes it. */
export interface LogWish {
  tail?: number | undefined;
  since?: string | undefined;
  stream?: string | undefined;
}

/** What a request to an instance asks for. */
export type InstanceVerb = "start" | "stop" | "restart" | "move" | "delete";
/** What can be done with a worker. */
export type WorkerVerb = "drain" | "resume" | "forget";

const INSTANCES = "/api/server/instances";
const PAGE = "500";
const READ_LIMIT_MS = 30_000;
/** Of a server that waits as long as it was set up to: 30 s, where nobody has set another time. */
const UNTOLD_LIMIT_MS = 300_000;
const AT_ONCE = 204;
const ACCEPTED = 202;

/** Every method throws `RemoteProblem` when it is refused, and `NoAnswer` when no answer came. */
export class RemoteClient {
  /** Fleet files. */
  readonly fleet: FleetCalls;

  constructor(private readonly options: RemoteOptions) {
    this.fleet = new FleetCalls(options);
  }

  /** Where the control plane is. */
  get url(): string {
    return this.options.url;
  }

  /** The control plane's release. */
  async serverVersion(limitMs = READ_LIMIT_MS): Promise<string> {
    return (await this.read<{ version: string }>("/", {}, hasVersion, limitMs)).version;
  }

  /**
   * Every instance that the filter lets through, over all pages.
   * @param limitMs for all pages together; else each has the time of a read
   */
  async instances(filter: InstanceFilter = {}, limitMs?: number): Promise<InstanceAnswer[]> {
    const found: InstanceAnswer[] = [];
    const { clock } = this.options;
    const deadline = limitMs === undefined ? null : clock.monotonic() + limitMs;
    let cursor: string | undefined;
    do {
      const query = { ...filter, limit: PAGE, cursor };
      const leftMs = deadline === null ? READ_LIMIT_MS : Math.max(0, deadline - clock.monotonic());
      const page: { items: InstanceAnswer[]; nextCursor?: string } = await this.read(
        INSTANCES,
        query,
        hasItems,
        leftMs,
      );
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  }

  /** One instance, with more than a list tells. */
  async instance(id: string): Promise<InstanceAnswer> {
    return await this.read(instancePath(id), {}, hasId);
  }

  async create(specification: JsonObject, key: string): Promise<InstanceAnswer> {
    const reply = await callRemote(this.options, {
      method: "POST",
      path: INSTANCES,
      body: specification,
      repetition: "keyed",
      key,
      limitMs: READ_LIMIT_MS,
    });
    return objectOf(reply, this.url, hasId) as unknown as InstanceAnswer;
  }

  /**
   * Asks one thing of an instance.
   * @param body of a start: what overrides its configuration; of a move: where to
   */
  async ask(
    id: string,
    verb: InstanceVerb,
    wish: MutationWish,
    { body, force = false }: { body?: JsonObject | undefined; force?: boolean } = {},
  ): Promise<MutationAnswer> {
    const { key, wait, timeoutMs } = wish;
    const waitLimitMs = timeoutMs === undefined ? UNTOLD_LIMIT_MS : timeoutMs + WAY_MS;
    const call: RemoteCall = {
      method: verb === "delete" ? "DELETE" : "POST",
      path: verb === "delete" ? instancePath(id) : `${instancePath(id)}/${verb}`,
      query: { ...(wait ? {} : { wait: "false" }), ...(force ? { force: "true" } : {}) },
      ...(body === undefined ? {} : { body }),
      repetition: "keyed",
      key,
      ...(wait && timeoutMs !== undefined ? { waitMs: timeoutMs } : {}),
      limitMs: wait ? waitLimitMs : READ_LIMIT_MS,
    };
    const reply = await callRemote(this.options, call);
    if (reply.status === AT_ONCE) return { outcome: "done" };
    return mutationAnswer(reply.status, objectOf(reply, this.url, hasOutcome));
  }

  async workers(limitMs = READ_LIMIT_MS): Promise<WorkerAnswer[]> {
    return (await this.read<{ items: WorkerAnswer[] }>("/api/workers", {}, hasItems, limitMs))
      .items;
  }

  /** A second `forget` would be refused: there is no such worker then. The others can be repeated. */
  async askWorker(id: string, verb: WorkerVerb, key: string): Promise<JsonObject> {
    const reply = await callRemote(this.options, {
      method: "POST",
      path: `/api/workers/${encodeURIComponent(id)}/${verb}`,
      repetition: verb === "forget" ? "once" : "idempotent",
      key,
      limitMs: READ_LIMIT_MS,
    });
    return objectOf(reply, this.url, hasId);
  }

  /** The last `limit` events of an instance, oldest first, and the position that they are true for. */
  async history(id: string, limit: number): Promise<{ items: EventAnswer[]; position: string }> {
    return await this.read(`${instancePath(id)}/events`, { limit: String(limit) }, hasItems);
  }

  async logs(id: string, wish: LogWish): Promise<LogLineAnswer[]> {
    const query = { ...logQuery(wish), timestamps: "true" };
    const path = `${instancePath(id)}/logs`;
    return (await this.read<{ items: LogLineAnswer[] }>(path, query, hasItems)).items;
  }

  /** Messages `lines`, `end` and `error` of an instance's output, over broken connections. */
  followLogs(id: string, wish: LogWish, signal: AbortSignal): AsyncGenerator<SseMessage> {
    const query = { ...logQuery(wish), follow: "true" };
    return followStream(this.options, { path: `${instancePath(id)}/logs`, query, signal });
  }

  /** The fleet's log after a position (`now`: from now on), over broken connections; first a message `connected`. */
  followEvents(after: string, signal: AbortSignal): AsyncGenerator<SseMessage> {
    return followStream(this.options, { path: "/api/events", query: { after }, signal });
  }

  private async read<T>(
    path: string,
    query: NonNullable<RemoteCall["query"]>,
    isOurs: (answer: JsonObject) => boolean,
    limitMs = READ_LIMIT_MS,
  ): Promise<T> {
    const call: RemoteCall = { method: "GET", path, query, repetition: "idempotent", limitMs };
    return objectOf(await callRemote(this.options, call), this.url, isOurs) as T;
  }
}

const hasId = ({ id }: JsonObject) => typeof id === "string";
const hasItems = ({ items }: JsonObject) => Array.isArray(items);
const hasVersion = ({ version }: JsonObject) => typeof version === "string";
/** A move answers with the instance itself, all others with where it is in the log. */
const hasOutcome = (answer: JsonObject) => hasId(answer) || typeof answer.position === "string";

function instancePath(id: string): string {
  return `${INSTANCES}/${encodeURIComponent(id)}`;
}

function logQuery({ tail, since, stream }: LogWish): Record<string, string | undefined> {
  return { tail: tail === undefined ? undefined : String(tail), since, stream };
}

function mutationAnswer(status: number, answer: JsonObject): MutationAnswer {
  const { position, runtimeInfo, instance, changed, id } = answer;
  return {
    outcome: status === ACCEPTED ? "accepted" : changed === false ? "unchanged" : "done",
    ...(typeof position === "string" ? { position } : {}),
    ...(runtimeInfo ? { runtimeInfo: runtimeInfo as unknown as RunAnswer } : {}),
    // A move answers with the instance itself.
    ...(typeof id === "string" ? { instance: answer as unknown as InstanceAnswer } : {}),
    ...(instance ? { instance: instance as unknown as InstanceAnswer } : {}),
  };
}
