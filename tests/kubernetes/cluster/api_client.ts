/** A small client of the Kubernetes API, for the parts of the test cluster and for tests that act behind a worker's back. */
import type { Fields, KubeObject } from "./kube_objects.ts";
import { apiVersionOf, resourceNamed } from "./resources.ts";

/** Where a server is and who asks. */
export interface ApiAddress {
  url: string;
  token: string;
  /** Of a server that speaks TLS with an authority of its own, as PEM. */
  authority?: string;
}

/** A refusal, as the server told it. */
export class ApiRefusal extends Error {
  constructor(readonly code: number, readonly reason: string, readonly status: Fields) {
    super(`${code} ${reason}: ${status.message}`);
  }
}

/** One event of a watch. */
export interface WatchEvent<T extends KubeObject = KubeObject> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

/** Parameters of a request. */
export type Query = Record<string, string | number | boolean>;

/** A client with a field manager of its own. */
export class ApiClient {
  readonly #address: ApiAddress;
  readonly #manager: string;
  #http: Deno.HttpClient | null;

  constructor(address: ApiAddress, manager: string) {
    this.#address = address;
    this.#manager = manager;
    const { authority } = address;
    this.#http = Deno.createHttpClient(authority ? { caCerts: [authority] } : {});
  }

  /** The same server as another manager; closed by its own `close`. */
  as(manager: string): ApiClient {
    return new ApiClient(this.#address, manager);
  }

  /** Closes its connections. */
  close(): void {
    this.#http?.close();
    this.#http = null;
  }

  /** The path of a collection, an object or one of its subresources. */
  path(plural: string, namespace: string, name = "", subresource = ""): string {
    const resource = resourceNamed(plural);
    const root = resource.group === "" ? "/api/v1" : `/apis/${apiVersionOf(resource)}`;
    const place = resource.isNamespaced && namespace !== "" ? ["namespaces", namespace] : [];
    return [root, ...place, plural, name, subresource].filter((step) => step !== "").join("/");
  }

  /** Reads an object. */
  get<T extends KubeObject>(plural: string, namespace: string, name: string): Promise<T> {
    return this.call("GET", this.path(plural, namespace, name));
  }

  /** Reads an object, or null when there is none. */
  async find<T extends KubeObject>(
    plural: string,
    namespace: string,
    name: string,
  ): Promise<T | null> {
    try {
      return await this.get<T>(plural, namespace, name);
    } catch (error) {
      if (error instanceof ApiRefusal && error.code === 404) return null;
      throw error;
    }
  }

  /** All objects of a kind in a namespace. */
  async list<T extends KubeObject>(
    plural: string,
    namespace: string,
    query: Query = {},
  ): Promise<T[]> {
    const { items } = await this.call<KubeObject & { items: T[] }>(
      "GET",
      this.path(plural, namespace),
      { query },
    );
    return items;
  }

  /** Makes an object. */
  create<T extends KubeObject>(plural: string, namespace: string, object: unknown): Promise<T> {
    return this.call("POST", this.path(plural, namespace), { body: object });
  }

  /** Replaces an object, or one of its subresources. */
  replace<T extends KubeObject>(plural: string, object: KubeObject, subresource = ""): Promise<T> {
    const { namespace = "", name } = object.metadata;
    return this.call("PUT", this.path(plural, namespace, name, subresource), { body: object });
  }

  /** A merge patch. */
  merge<T extends KubeObject>(
    plural: string,
    namespace: string,
    name: string,
    patch: unknown,
    subresource = "",
  ): Promise<T> {
    const path = this.path(plural, namespace, name, subresource);
    return this.call("PATCH", path, { body: patch, type: "application/merge-patch+json" });
  }

  /** A server-side apply. */
  apply<T extends KubeObject>(plural: string, object: KubeObject, query: Query = {}): Promise<T> {
    const { namespace = "", name } = object.metadata;
    const path = this.path(plural, namespace, name);
    return this.call("PATCH", path, { body: object, type: "application/apply-patch+yaml", query });
  }

  /** Deletes an object with the options of a DELETE. */
  delete(plural: string, namespace: string, name: string, options: Fields = {}): Promise<unknown> {
    const body = { apiVersion: "v1", kind: "DeleteOptions", ...options };
    return this.call("DELETE", this.path(plural, namespace, name), { body });
  }

  /** The text of a pod's log. */
  async log(namespace: string, name: string, query: Query = {}): Promise<string> {
    const response = await this.request("GET", this.path("pods", namespace, name, "log"), {
      query,
    });
    return response.text();
  }

  /** The events of a watch, until the server ends it or the signal does. */
  async *watch<T extends KubeObject>(
    plural: string,
    namespace: string,
    query: Query,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>> {
    const path = this.path(plural, namespace);
    const response = await this.request("GET", path, { query: { watch: true, ...query }, signal });
    const lines = response.body!.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const text of lines) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) yield JSON.parse(line) as WatchEvent<T>;
    }
  }

  /** The object of an answer. */
  async call<T>(
    method: string,
    path: string,
    more: { query?: Query; body?: unknown; type?: string; signal?: AbortSignal } = {},
  ): Promise<T> {
    return await (await this.request(method, path, more)).json() as T;
  }

  /**
   * An answer.
   * @throws {ApiRefusal} when it is none of success
   */
  async request(
    method: string,
    path: string,
    { query = {}, body, type = "application/json", signal }: {
      query?: Query;
      body?: unknown;
      type?: string;
      signal?: AbortSignal;
    } = {},
  ): Promise<Response> {
    const url = new URL(this.#address.url + path);
    const writes = method === "GET" || method === "DELETE" ? {} : { fieldManager: this.#manager };
    for (const [name, value] of Object.entries({ ...writes, ...query })) {
      url.searchParams.set(name, String(value));
    }
    if (!this.#http) throw new Error("this client is closed");
    const response = await fetch(url, {
      method,
      client: this.#http,
      headers: {
        authorization: `Bearer ${this.#address.token}`,
        ...(body === undefined ? {} : { "content-type": type }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    if (response.ok) return response;
    const text = await response.text();
    const status = text.startsWith("{") ? JSON.parse(text) as Fields : { message: text };
    throw new ApiRefusal(response.status, String(status.reason ?? ""), status);
  }
}
