/** An API server for tests: the protocol of a real one over objects in memory, and switches for its faults. */
import { ApiFaults } from "./api_faults.ts";
import {
  type Answer,
  deleteObject,
  getObject,
  listObjects,
  patchObject,
  postObject,
  putObject,
} from "./api_requests.ts";
import type { HostCertificate } from "./host_certificate.ts";
import { DryStore } from "./dry_store.ts";
import { GarbageCollector } from "./garbage_collector.ts";
import { readPodLog } from "./log_proxy.ts";
import { ObjectStore } from "./object_store.ts";
import { ObjectWrites } from "./object_writes.ts";
import { isServed, type Target, targetOf } from "./request_path.ts";
import { resourceNamed } from "./resources.ts";
import { selectorOf } from "./selectors.ts";
import { ApiError, tooLarge, unauthorized, unknownPath } from "./status_errors.ts";
import { answerSpecial } from "./special_paths.ts";
import { WatchStream } from "./watch_stream.ts";

const SYSTEM_NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];
const WATCH_SECONDS = 1_800;

/** How the double begins. */
export interface ApiDoubleOptions {
  /** Users by their bearer tokens. */
  users: Record<string, string>;
  /** Between two bookmarks of a watch that wants them; a real server sends one a minute. */
  bookmarkEveryMs: number;
  /** Whether what has lost its owner is removed, as long as no real controller does it. */
  hasGarbageCollector: boolean;
  /** Null for a server without TLS. */
  certificate: HostCertificate | null;
}

/** A server that runs. */
export class ApiDouble {
  readonly store: ObjectStore = new ObjectStore();
  readonly faults: ApiFaults = new ApiFaults();
  readonly writes: ObjectWrites = new ObjectWrites(this.store, this.faults.admission);
  readonly url: string;
  readonly #options: ApiDoubleOptions;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #watches = new Set<WatchStream>();
  readonly #garbage: GarbageCollector | null;

  /** Listens on a free port of this host. */
  constructor(options: ApiDoubleOptions) {
    this.#options = options;
    this.#garbage = options.hasGarbageCollector ? new GarbageCollector(this.store) : null;
    const writer = { manager: "kube-apiserver", operation: "Update", subresource: "" } as const;
    for (const name of SYSTEM_NAMESPACES) {
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
      this.writes.create(resourceNamed("namespaces"), "", namespace, writer);
    }
    const { certificate } = options;
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
        ...(certificate && { cert: certificate.cert, key: certificate.key }),
        // Also of answers that are broken off, where nobody hears it.
        onError: (error) => new Response(`the double failed: ${error}`, { status: 500 }),
      },
      (request) => this.#answer(request),
    );
    this.url = `${certificate ? "https" : "http"}://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Forgets all changes: watches that ask for one get a 410, those that run an `ERROR` event. */
  compact(): void {
    this.store.compact();
    for (const watch of [...this.#watches]) watch.expire();
  }

  /** Ends the watches that run, of one kind of object or all: properly, or in the middle. */
  endWatches(how: "ended" | "broken" = "ended", plural?: string): void {
    for (const watch of [...this.#watches]) {
      if (plural !== undefined && !watch.isOf(plural)) continue;
      if (how === "ended") watch.end();
      else watch.break();
    }
  }

  /** Lets the watches of one kind of object, or all, fall silent without an end; or speak again. */
  holdWatches(isHeld: boolean, plural?: string): void {
    for (const watch of this.#watches) {
      if (plural === undefined || watch.isOf(plural)) watch.hold(isHeld);
    }
  }

  /** Watches that run. */
  get watchCount(): number {
    return this.#watches.size;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.#garbage?.close();
    this.endWatches("ended");
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    try {
      const user = this.#userOf(request);
      const asked = { user, method: request.method, path: pathname };
      await this.faults.interfere(asked);
      const lost = this.faults.befalls(asked);
      const response = await this.#respond(request, pathname, searchParams, user);
      return lost ? brokenOff(response) : response;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await request.body?.cancel().catch(() => {});
      return jsonResponse({ code: error.code, body: error.status() }, error.headers);
    }
  }

  #userOf(request: Request): string {
    const [scheme, token = ""] = (request.headers.get("authorization") ?? "").split(" ");
    const user = scheme === "Bearer" ? this.#options.users[token] : undefined;
    if (user === undefined) throw unauthorized();
    return user;
  }

  async #respond(
    request: Request,
    path: string,
    query: URLSearchParams,
    user: string,
  ): Promise<Response> {
    const special = await answerSpecial(this, path, request, user);
    if (special) return jsonResponse(special);
    const target = targetOf(path);
    if (!target) {
      if (isServed(path)) throw unknownPath();
      return new Response("404 page not found\n", { status: 404 });
    }
    const verb = verbOf(request.method, target, query);
    if (this.faults.isForbidden(user, verb, target)) {
      throw this.faults.refusal(user, verb, target);
    }
    if (target.subresource === "log") return readPodLog(this.store, target, query);
    if (verb === "watch") return this.#watch(target, query);
    return jsonResponse(await this.#act(verb, target, request, query));
  }

  #act(
    verb: string,
    target: Target,
    request: Request,
    query: URLSearchParams,
  ): Answer | Promise<Answer> {
    const writes = query.get("dryRun") === "All"
      ? new ObjectWrites(new DryStore(this.store), this.faults.admission)
      : this.writes;
    switch (verb) {
      case "get":
        return getObject(writes, target);
      case "list":
        return listObjects(writes, target, query);
      case "create":
        return postObject(writes, target, request, query);
      case "update":
        return putObject(writes, target, request, query);
      case "patch":
        return patchObject(writes, target, request, query);
      case "delete":
        return deleteObject(writes, target, request, query);
      default:
        throw new ApiError(
          405,
          "MethodNotAllowed",
          "the server does not allow this method on the requested resource",
          {},
        );
    }
  }

  #watch(target: Target, query: URLSearchParams): Response {
    const { resource, namespace, name } = target;
    const fields = [
      query.get("fieldSelector") ?? "",
      ...(name === "" ? [] : [`metadata.name=${name}`]),
    ].filter((part) => part !== "").join(",");
    const version = query.get("resourceVersion") ?? "";
    if (!/^\d*$/.test(version)) {
      const why = `strconv.ParseUint: parsing "${version}": invalid syntax`;
      throw new ApiError(500, "", `resourceVersion: Invalid value: "${version}": ${why}`);
    }
    const after = version === "" || version === "0" ? null : Number(version);
    if (after !== null && after > this.store.revision) throw tooLarge(after, this.store.revision);
    const wantsBookmarks = query.get("allowWatchBookmarks") === "true";
    const stream = new WatchStream(this.store, {
      resource,
      namespace,
      matches: selectorOf(resource, query.get("labelSelector") ?? "", fields),
      after,
      marksInitialEnd: query.get("sendInitialEvents") === "true",
      goneAs: this.faults.goneAs,
      bookmarkEveryMs: wantsBookmarks ? this.#options.bookmarkEveryMs : null,
      timeoutMs: Number(query.get("timeoutSeconds") ?? WATCH_SECONDS) * 1_000,
    }, (ended) => this.#watches.delete(ended));
    if (!stream.isOver) this.#watches.add(stream);
    return new Response(stream.body, { headers: { "content-type": "application/json" } });
  }
}

function verbOf(method: string, { name }: Target, query: URLSearchParams): string {
  switch (method) {
    case "GET":
      if (["true", "1"].includes(query.get("watch") ?? "")) return "watch";
      return name === "" ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return "delete";
    default:
      return method.toLowerCase();
  }
}

function jsonResponse({ code, body }: Answer, headers: Record<string, string> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status: code,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** What was done was done; the client only sees that its connection ends. */
async function brokenOff(response: Response): Promise<Response> {
  await response.body?.cancel();
  const body = new ReadableStream({
    start: (controller) =>
      controller.error(new Deno.errors.Interrupted("the connection is broken off")),
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
