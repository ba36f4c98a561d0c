/** The answer to a watch: one line of JSON for each change that concerns it. */
import type { KubeObject } from "./kube_objects.ts";
import type { ObjectStore, StoredChange } from "./object_store.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import type { Matches } from "./selectors.ts";
import { expired } from "./status_errors.ts";

/** What a watch asks for. */
export interface WatchRequest {
  resource: Resource;
  namespace: string;
  matches: Matches;
  /** Changes after this one; null: all objects there are, then all changes. */
  after: number | null;
  /** Whether a bookmark is to tell the end of the objects that there are. */
  marksInitialEnd: boolean;
  /** How a place that is no longer known is told: real servers answer 200 and then an `ERROR` event. */
  goneAs: "event" | "status";
  bookmarkEveryMs: number | null;
  timeoutMs: number;
}

const INITIAL_END = { annotations: { "k8s.io/initial-events-end": "true" } };

/** A watch that is being answered. */
export class WatchStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #request: WatchRequest;
  readonly #store: ObjectStore;
  readonly #ended: () => void;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #held: string[] = [];
  #isHeld = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #unsubscribe = () => {};

  /** @throws {ApiError} 410 when it is to begin before what is still known */
  constructor(store: ObjectStore, request: WatchRequest, ended: (stream: WatchStream) => void) {
    this.#store = store;
    this.#request = request;
    this.#ended = () => ended(this);
    const missed = request.after === null ? [] : store.changesAfter(request.after);
    if (missed === null && request.goneAs === "status") {
      throw expired(request.after ?? 0, store.compactedTo);
    }
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        if (missed === null) this.expire();
        else this.#begin(missed);
      },
      cancel: () => this.end(),
    });
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#controller === null;
  }

  /** Whether its objects are of this kind. */
  isOf(plural: string): boolean {
    return this.#request.resource.plural === plural;
  }

  /** Keeps back what there is to tell, as a connection that is half dead, or tells it after all. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (!isHeld) { for (const line of this.#held.splice(0)) this.#write(line); }
  }

  /** Ends it with an `ERROR` event that says that its place is no longer known. */
  expire(): void {
    const asked = this.#request.after ?? this.#store.revision;
    this.#send("ERROR", expired(asked, this.#store.compactedTo).status());
    this.end();
  }

  /** Ends the answer, properly. */
  end(): void {
    if (!this.#controller) return;
    try {
      this.#controller.close();
    } catch {
      // The client has gone: there is nobody to tell.
    }
    this.#finish();
  }

  /** Breaks the connection off, as a dying server does. */
  break(): void {
    this.#controller?.error(new Deno.errors.Interrupted("the connection is broken off"));
    this.#finish();
  }

  #begin(missed: readonly StoredChange[]): void {
    const { resource, namespace, matches, after, bookmarkEveryMs, timeoutMs } = this.#request;
    if (after === null) {
      for (const object of this.#store.list(resource, namespace)) {
        if (matches(object)) this.#send("ADDED", object);
      }
      if (this.#request.marksInitialEnd) this.#bookmark(INITIAL_END);
    }
    for (const change of missed) this.#tell(change);
    this.#unsubscribe = this.#store.subscribe((change) => this.#tell(change));
    this.#timers.push(setTimeout(() => this.end(), timeoutMs));
    if (bookmarkEveryMs !== null) {
      this.#timers.push(setInterval(() => this.#bookmark(), bookmarkEveryMs));
    }
  }

  /** An object that begins or stops to match is told as added or deleted. */
  #tell({ type, resource, object, before }: StoredChange): void {
    const { resource: own, namespace, matches } = this.#request;
    if (resource !== own) return;
    if (namespace !== "" && object.metadata.namespace !== namespace) return;
    const did = before !== null && matches(before);
    const does = type !== "DELETED" && matches(object);
    if (did && does) this.#send("MODIFIED", object);
    else if (does) this.#send("ADDED", object);
    else if (did) {
      const { resourceVersion = "" } = object.metadata;
      this.#send("DELETED", withVersion(type === "DELETED" ? object : before, resourceVersion));
    }
  }

  #bookmark(more: object = {}): void {
    const { resource } = this.#request;
    this.#send("BOOKMARK", {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(this.#store.revision), ...more },
    });
  }

  #send(type: string, object: unknown): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    if (this.#isHeld) this.#held.push(line);
    else this.#write(line);
  }

  #write(line: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(line));
  }

  #finish(): void {
    this.#controller = null;
    this.#unsubscribe();
    for (const timer of this.#timers) clearInterval(timer);
    this.#ended();
  }
}

function withVersion(object: KubeObject, resourceVersion: string): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}
