/** The API as typed calls: what the command line, and every other client of ours, knows of a control plane. Design §6. */
import type { JsonObject } from "../../events/json.ts";
import type {
  HistoryPage,
  InstanceAnswer,
  InstanceList,
  LogLineAnswer,
  MutationAnswer,
  RunAnswer,
  WaitAnswer,
  WorkerAnswer,
} from "./answers.ts";
import { FleetCalls } from "./fleet_calls.ts";
import { followStream } from "./followed_stream.ts";
import { instancePath, INSTANCES } from "./paths.ts";
import {
  hasId,
  hasItems,
  type IsOurs,
  READ_LIMIT_MS,
  readRemote,
  readReply,
} from "./remote_answer.ts";
import {
  callRemote,
  objectOf,
  type RemoteCall,
  type RemoteOptions,
  WAY_MS,
} from "./remote_call.ts";
import type { SseMessage } from "./sse_messages.ts";
import type {
  ChangeWish,
  InstanceFilter,
  InstanceVerb,
  LogWish,
  MutationWish,
  WorkerVerb,
} from "./wishes.ts";

const PAGE = "500";
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
    return (await this.list(filter, limitMs)).items;
  }

  /** As `instances`, with the position that the list is true for, and whether it may be old. */
  list(filter: InstanceFilter = {}, limitMs?: number): Promise<InstanceList> {
    return this.readAll(INSTANCES, { ...filter }, limitMs);
  }

  /**
   * One instance, with more than a list tells.
   * @param atLeast a position in the log: what it says up to there is in the answer
   */
  async instance(id: string, atLeast?: string): Promise<InstanceAnswer> {
    return await this.read(instancePath(id), { atLeast }, hasId);
  }

  create(specification: JsonObject, key: string): Promise<InstanceAnswer> {
    return this.changed({ method: "POST", path: INSTANCES, body: specification, key });
  }

  /**
   * Changes what its user has decided: name, description, labels, policies, `serverConfiguration`.
   * @param ifMatch the `specificationVersion` that the change is meant for; another one is refused (412)
   */
  change(
    id: string,
    changes: JsonObject,
    { key, ifMatch }: ChangeWish,
  ): Promise<InstanceAnswer> {
    const headers = ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` };
    return this.changed({ method: "PATCH", path: instancePath(id), body: changes, key, headers });
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

  /**
   * Waits until it is in one of `statuses`, or cannot come there any more, or the time is over. Connections do not live
   * for ever: who waits for longer than a minute asks again and again.
   */
  async wait(id: string, statuses: readonly string[], timeoutMs: number): Promise<WaitAnswer> {
    return await readRemote(this.options, {
      path: `${instancePath(id)}/wait`,
      query: { status: statuses.join(",") },
      waitMs: timeoutMs,
      limitMs: timeoutMs + WAY_MS,
    }, hasVerdict);
  }

  /** Every worker; `limitMs` as for `instances`. */
  async workers(limitMs?: number): Promise<WorkerAnswer[]> {
    return (await this.readAll<WorkerAnswer>("/api/workers", {}, limitMs)).items;
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

  /**
   * The last `limit` events of an instance, oldest first, and the position that they are true for.
   * @param cursor of the page that they come before
   */
  async history(id: string, limit: number, cursor?: string): Promise<HistoryPage> {
    const query = { limit: String(limit), cursor };
    return await this.read(`${instancePath(id)}/events`, query, hasItems);
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

  private async changed(
    call: Pick<RemoteCall, "method" | "path" | "body" | "key" | "headers">,
  ): Promise<InstanceAnswer> {
    const reply = await callRemote(this.options, {
      ...call,
      repetition: "keyed",
      limitMs: READ_LIMIT_MS,
    });
    return objectOf(reply, this.url, hasId) as unknown as InstanceAnswer;
  }

  /** Every item of a list, over all of its pages. */
  private async readAll<T>(
    path: string,
    query: Record<string, string | undefined>,
    limitMs?: number,
  ): Promise<{ items: T[]; position: string; isStale: boolean }> {
    const list = { items: [] as T[], position: "", isStale: false };
    const { clock } = this.options;
    const deadline = limitMs === undefined ? null : clock.monotonic() + limitMs;
    let cursor: string | undefined;
    do {
      const { answer: page, isStale } = await readReply<
        { items: T[]; nextCursor?: string; position: string }
      >(this.options, {
        path,
        query: { ...query, limit: PAGE, cursor },
        limitMs: deadline === null ? READ_LIMIT_MS : Math.max(0, deadline - clock.monotonic()),
      }, hasItems);
      list.items.push(...page.items);
      // What comes after the first page may be newer than it; nothing of the list is older.
      if (cursor === undefined) list.position = page.position;
      list.isStale ||= isStale;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return list;
  }

  private async read<T>(
    path: string,
    query: NonNullable<RemoteCall["query"]>,
    isOurs: IsOurs,
    limitMs = READ_LIMIT_MS,
  ): Promise<T> {
    return await readRemote(this.options, { path, query, limitMs }, isOurs);
  }
}

const hasVersion: IsOurs = ({ version }) => typeof version === "string";
const hasVerdict: IsOurs = ({ outcome }) => typeof outcome === "string";
/** A move answers with the instance itself, all others with where it is in the log. */
const hasOutcome: IsOurs = (answer) => hasId(answer) || typeof answer.position === "string";

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
