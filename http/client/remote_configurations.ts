/** The configurations of instances as typed calls: show, replace, patch, compare, and go back. Design §6. */
import type { JsonObject } from "../../events/json.ts";
import type {
  ConfigurationAnswer,
  DifferenceAnswer,
  RevisionAnswer,
  RevisionList,
} from "./answers.ts";
import { configurationPath } from "./paths.ts";
import { hasId, hasItems, READ_LIMIT_MS, readRemote } from "./remote_answer.ts";
import { callRemote, objectOf, type RemoteCall, type RemoteOptions } from "./remote_call.ts";
import type { ChangeWish } from "./wishes.ts";

/** As many as the API gives at once. */
const REVISIONS_MAX = 200;

/** Every method throws `RemoteProblem` when it is refused, and `NoAnswer` when no answer came. */
export class RemoteConfigurations {
  constructor(private readonly options: RemoteOptions) {}

  async get(id: string): Promise<ConfigurationAnswer> {
    return await readRemote(this.options, { path: configurationPath(id) }, hasId);
  }

  /** Puts `configuration` in the place of what is configured. */
  replace(id: string, configuration: JsonObject, wish: ChangeWish): Promise<ConfigurationAnswer> {
    return this.change({ method: "PUT", path: configurationPath(id), body: configuration }, wish);
  }

  /** Does the operations of a JSON Patch (RFC 6902), all of them or none. */
  patch(
    id: string,
    operations: readonly JsonObject[],
    wish: ChangeWish,
  ): Promise<ConfigurationAnswer> {
    const headers = { "content-type": "application/json-patch+json" };
    const body = [...operations];
    return this.change({ method: "PATCH", path: configurationPath(id), body, headers }, wish);
  }

  /** The last `limit` of its configurations, newest first; below the number `before`. */
  async revisions(id: string, limit = REVISIONS_MAX, before?: number): Promise<RevisionList> {
    const query = {
      limit: String(Math.min(limit, REVISIONS_MAX)),
      cursor: before === undefined ? undefined : String(before),
    };
    const path = `${configurationPath(id)}/revisions`;
    return await readRemote(this.options, { path, query }, hasItems);
  }

  async revision(id: string, number: number): Promise<RevisionAnswer> {
    const path = `${configurationPath(id)}/revisions/${number}`;
    return await readRemote(this.options, { path }, hasId);
  }

  /** From what runs to what is configured; or between two revisions. */
  async difference(id: string, from?: number, to?: number): Promise<DifferenceAnswer> {
    const query = { from: from?.toString(), to: to?.toString() };
    const path = `${configurationPath(id)}/diff`;
    return await readRemote(this.options, { path, query }, hasId);
  }

  /** Configures again what it had; that is a new revision. */
  rollBack(id: string, revision: number, wish: ChangeWish): Promise<ConfigurationAnswer> {
    const path = `${configurationPath(id)}/rollback`;
    return this.change({ method: "POST", path, body: { revision } }, wish);
  }

  private async change(
    call: Pick<RemoteCall, "method" | "path" | "body" | "headers">,
    { key, ifMatch }: ChangeWish,
  ): Promise<ConfigurationAnswer> {
    const reply = await callRemote(this.options, {
      ...call,
      headers: {
        ...call.headers,
        ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
      },
      repetition: "keyed",
      key,
      limitMs: READ_LIMIT_MS,
    });
    return objectOf(reply, this.options.url, hasId) as unknown as ConfigurationAnswer;
  }
}
