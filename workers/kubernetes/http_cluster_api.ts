/** The port to a cluster over its HTTP API (kubernetes.io/docs/reference/using-api). */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { durationText } from "../exit_description.ts";
import type { PrintedReading } from "../printed_output.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import {
  type ClusterApi,
  ClusterRefusal,
  type ObjectChange,
  type PodUsage,
  type Selection,
  type WatchListeners,
} from "./cluster_api.ts";
import { type ClusterObject, type Kind, PODS } from "./cluster_objects.ts";
import { refusalOf } from "./cluster_refusal.ts";
import { quantityOf } from "./quantity.ts";

/** Of what instances are. */
const APPLY_MANAGER = "draas";
/** Of what they do: replicas and our record. Another one, since what is applied and what is changed are kept apart. */
const CHANGE_MANAGER = "draas-run";
const ANSWER_WITHIN_MS = 30_000;
/** The server ends a watch after this; then it is begun anew from where it was. */
const WATCH_SECONDS = 240;
const STREAM_WITHIN_MS = (WATCH_SECONDS + 30) * 1_000;
const PAGE_ITEMS = 500;
/** An object is at most 1.5 MiB where etcd keeps it. */
const NEWS_CHARACTERS_MAX = 8 * 1_024 * 1_024;
/** Of what a server prints. */
const LINE_CHARACTERS_MAX = 65_536;
/** Of reads, where the server is busy. */
const TRIES = 4;
const PAUSE_MS = 250;
const METRICS = "/apis/metrics.k8s.io/v1beta1";

interface Asked {
  method?: string;
  body?: unknown;
  contentType?: string;
}

interface WatchNews<Item> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: Item & { code?: number; message?: string };
}

export class HttpClusterApi implements ClusterApi {
  constructor(private readonly access: ClusterAccess, private readonly clock: Clock) {}

  async namespaceUid(): Promise<string> {
    const { namespace } = this.access;
    const found = await this.#read<ClusterObject>(`/api/v1/namespaces/${namespace}`);
    return found.metadata.uid;
  }

  get<Item extends ClusterObject>(kind: Kind, name: string): Promise<Item | null> {
    return unlessStatus([404], () => this.#read<Item>(this.#path(kind, name)));
  }

  async list<Item extends ClusterObject>(
    kind: Kind,
    selection: Selection,
  ): Promise<{ items: Item[]; resourceVersion: string }> {
    const items: Item[] = [];
    let resourceVersion = "";
    let next: string | undefined;
    do {
      const query = queryOf({
        ...selectors(selection),
        limit: String(PAGE_ITEMS),
        ...(next ? { continue: next } : {}),
      });
      const page = await this.#read<
        { items: Item[]; metadata: { resourceVersion: string; continue?: string } }
      >(`${this.#path(kind)}?${query}`);
      items.push(...page.items);
      resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue;
    } while (next);
    return { items, resourceVersion };
  }

  async apply<Item extends ClusterObject>(kind: Kind, object: object): Promise<Item | null> {
    const { apiVersion, kind: named } = kind;
    const { name } = (object as ClusterObject).metadata;
    const query = queryOf({ fieldManager: APPLY_MANAGER, fieldValidation: "Strict" });
    return await unlessChanged(() =>
      this.#json<Item>(`${this.#path(kind, name)}?${query}`, {
        method: "PATCH",
        contentType: "application/apply-patch+yaml",
        body: { apiVersion, kind: named, ...object },
      })
    );
  }

  async make({ apiVersion, kind, plural }: Kind, object: object): Promise<void> {
    const query = queryOf({ fieldManager: APPLY_MANAGER, fieldValidation: "Strict" });
    await unlessStatus(
      [409],
      () =>
        this.#json(`${this.#path({ apiVersion, kind, plural })}?${query}`, {
          method: "POST",
          body: { apiVersion, kind, ...object },
        }),
    );
  }

  async change<Item extends ClusterObject>(
    kind: Kind,
    name: string,
    body: ObjectChange,
  ): Promise<Item | null> {
    const query = queryOf({ fieldManager: CHANGE_MANAGER, fieldValidation: "Strict" });
    return await unlessChanged(() =>
      this.#json<Item>(`${this.#path(kind, name)}?${query}`, {
        method: "PATCH",
        contentType: "application/merge-patch+json",
        body,
      })
    );
  }

  async remove(kind: Kind, name: string, uid: string | null): Promise<void> {
    await unlessStatus([404, 409], () =>
      this.#json(this.#path(kind, name), {
        method: "DELETE",
        body: {
          apiVersion: "v1",
          kind: "DeleteOptions",
          propagationPolicy: "Background",
          ...(uid === null ? {} : { preconditions: { uid } }),
        },
      }));
  }

  async watch<Item extends ClusterObject>(
    kind: Kind,
    selection: Selection,
    resourceVersion: string,
    { onChange, onProgress }: WatchListeners<Item>,
    signal: AbortSignal,
  ): Promise<"ended" | "expired"> {
    const query = queryOf({
      ...selectors(selection),
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(WATCH_SECONDS),
      resourceVersion,
    });
    try {
      for await (
        const line of this.#lines(`${this.#path(kind)}?${query}`, NEWS_CHARACTERS_MAX, signal)
      ) {
        const { type, object } = this.#news<Item>(line);
        if (type === "ERROR") throw refusalOf(object.code ?? 500, JSON.stringify(object));
        if (type !== "BOOKMARK") onChange(object, type === "DELETED" ? "gone" : "there");
        onProgress(object.metadata.resourceVersion);
      }
      return "ended";
    } catch (error) {
      if (error instanceof ClusterRefusal && error.status === 410) return "expired";
      throw error;
    }
  }

  async *printed(
    pod: string,
    container: string,
    { tail, since, follows, signal, isPrevious }: PrintedReading & { isPrevious: boolean },
  ): AsyncIterable<string> {
    const query = queryOf({
      container,
      timestamps: "true",
      ...(follows ? { follow: "true" } : {}),
      ...(isPrevious ? { previous: "true" } : {}),
      ...(tail === undefined ? {} : { tailLines: String(tail) }),
      // Whole seconds are all that it takes; what comes too early is for the reader to leave out.
      ...(since === undefined
        ? {}
        : { sinceTime: new Date(Math.floor(Number(since)) * 1_000).toISOString() }),
    });
    try {
      yield* this.#lines(`${this.#path(PODS, pod)}/log?${query}`, LINE_CHARACTERS_MAX, signal);
    } catch (error) {
      // There is none yet, or none any more.
      if (!(error instanceof ClusterRefusal) || ![400, 404].includes(error.status)) throw error;
    }
  }

  async usage(labels: string): Promise<PodUsage[] | null> {
    const path = `${METRICS}/namespaces/${this.access.namespace}/pods?${
      queryOf({ labelSelector: labels })
    }`;
    const found = await unlessStatus([403, 404, 503], () => this.#json<MetricsList>(path));
    return found?.items.map(({ metadata, containers }) => ({
      pod: metadata.name,
      cpuShare: sum(containers.map(({ usage }) => quantityOf(usage.cpu))),
      memoryBytes: Math.round(sum(containers.map(({ usage }) => quantityOf(usage.memory)))),
    })) ?? null;
  }

  #path({ apiVersion, plural }: Kind, name?: string): string {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const path = `${root}/namespaces/${this.access.namespace}/${plural}`;
    return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
  }

  /** What only reads may be asked again. */
  async #read<T>(path: string): Promise<T> {
    for (let tries = 1;; tries++) {
      try {
        return await this.#json<T>(path);
      } catch (error) {
        const isBusy = error instanceof ClusterRefusal && error.retryable && error.status !== 401;
        if (!isBusy || tries === TRIES) throw error;
        await sleep(this.clock, PAUSE_MS * 2 ** (tries - 1));
      }
    }
  }

  async #json<T>(path: string, asked: Asked = {}): Promise<T> {
    const limit = this.#limit(ANSWER_WITHIN_MS);
    try {
      const response = await this.#ask(path, asked, limit.signal);
      return await response.json() as T;
    } catch (error) {
      throw this.#failure(error);
    } finally {
      limit.end();
    }
  }

  /** The lines of an answer that goes on, until it is aborted or ends. */
  async *#lines(
    path: string,
    charactersMax: number,
    signal: AbortSignal,
  ): AsyncIterable<string> {
    const limit = this.#limit(STREAM_WITHIN_MS, signal);
    try {
      const { body } = await this.#ask(path, {}, limit.signal);
      if (body) yield* linesIn(body, charactersMax);
    } catch (error) {
      if (!signal.aborted) throw this.#failure(error);
    } finally {
      limit.end();
    }
  }

  async #ask(path: string, asked: Asked, signal: AbortSignal): Promise<Response> {
    const { method = "GET", body, contentType = "application/json" } = asked;
    const headers = { accept: "application/json" };
    const response = await this.access.fetch(path, {
      method,
      signal,
      ...(body === undefined
        ? { headers }
        : { headers: { ...headers, "content-type": contentType }, body: JSON.stringify(body) }),
    });
    if (!response.ok) throw refusalOf(response.status, await response.text());
    return response;
  }

  /** Aborts after a time, or with another signal; `end` breaks off what has not ended. */
  #limit(withinMs: number, signal?: AbortSignal): { signal: AbortSignal; end(): void } {
    const limit = new AbortController();
    const end = () => {
      cancel();
      signal?.removeEventListener("abort", end);
      limit.abort();
    };
    const tooSlow = () => limit.abort(new Error(`no answer within ${durationText(withinMs)}`));
    const cancel = this.clock.after(withinMs, tooSlow);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    return { signal: limit.signal, end };
  }

  /** A connection that breaks off leaves a part of a line. */
  #news<Item>(line: string): WatchNews<Item> {
    try {
      return JSON.parse(line) as WatchNews<Item>;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): OperationalError {
    if (error instanceof OperationalError) return error;
    return new OperationalError(
      "kubernetes_unreachable",
      `The cluster at ${this.access.server} does not answer (${reasonOf(error)}).`,
      true,
      "Is it up, and is this the right context? Try `kubectl get pods` on this host.",
      { cause: error },
    );
  }
}

interface MetricsList {
  items: {
    metadata: { name: string };
    containers: { usage: { cpu: string; memory: string } }[];
  }[];
}

function queryOf(parts: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parts).toString();
}

function selectors({ labels, fields }: Selection): Record<string, string> {
  return {
    ...(labels === undefined ? {} : { labelSelector: labels }),
    ...(fields === undefined ? {} : { fieldSelector: fields }),
  };
}

/** Null for these statuses. */
async function unlessStatus<T>(
  statuses: readonly number[],
  call: () => Promise<T>,
): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ClusterRefusal && statuses.includes(error.status)) return null;
    throw error;
  }
}

/** Null where the object was changed since it was read; a conflict over fields is another thing, and is told. */
async function unlessChanged<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    const isChanged = error instanceof ClusterRefusal && error.code !== "field_conflict" &&
      (error.status === 404 || error.status === 409);
    if (isChanged) return null;
    throw error;
  }
}

/** The lines of a stream; the last one may have no end. Of a line that is too long only the beginning is given. */
async function* linesIn(
  body: ReadableStream<Uint8Array>,
  charactersMax: number,
): AsyncIterable<string> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const [first, ...others] = text.split("\n");
    rest += first!.slice(0, charactersMax - rest.length);
    for (const line of others) {
      yield rest;
      rest = line.slice(0, charactersMax);
    }
  }
  if (rest !== "") yield rest;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
