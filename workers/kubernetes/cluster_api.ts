/** The port to a cluster's API, within one namespace of it: what the kubernetes platform asks. */
import { OperationalError } from "../../events/errors.ts";
import type { PrintedReading } from "../printed_output.ts";
import type { ClusterObject, Kind } from "./cluster_objects.ts";

/** What is looked for: selectors as `kubectl get` takes them. */
export interface Selection {
  labels?: string;
  fields?: string;
}

/** What a watch tells. */
export interface WatchListeners<Item> {
  /** `gone`: it does not exist any more; the item is what it was last. */
  onChange(item: Item, kind: "there" | "gone"): void;
  /** So far has everything been told. */
  onProgress(resourceVersion: string): void;
}

/** A change of an object that was read: it is refused where somebody else has changed it since. */
export interface ObjectChange {
  metadata: { uid: string; resourceVersion: string; annotations?: Record<string, string | null> };
  spec?: { replicas: number };
}

/**
 * Every call may throw an `OperationalError`: `kubernetes_unreachable` (retryable), or what `refusalOf` makes of the
 * server's answer.
 */
export interface ClusterApi {
  /** Of the namespace: of two clusters, or of two namespaces, it differs. */
  namespaceUid(): Promise<string>;
  get<Item extends ClusterObject>(kind: Kind, name: string): Promise<Item | null>;
  list<Item extends ClusterObject>(
    kind: Kind,
    selection: Selection,
  ): Promise<{ items: Item[]; resourceVersion: string }>;
  /**
   * Makes an object what is said, by server-side apply as our own field manager, or changes it into that. Fields that
   * somebody else has set otherwise are never taken: `field_conflict`.
   * @returns null: it was changed since it was read
   */
  apply<Item extends ClusterObject>(kind: Kind, object: object): Promise<Item | null>;
  /** Makes an object; one that is there already is a success, and stays as it is. */
  make(kind: Kind, object: object): Promise<void>;
  /** @returns null: it was changed since it was read, or is gone */
  change<Item extends ClusterObject>(
    kind: Kind,
    name: string,
    change: ObjectChange,
  ): Promise<Item | null>;
  /** Removes it with all that belongs to it. One that is gone, or of another uid, is a success. */
  remove(kind: Kind, name: string, uid: string | null): Promise<void>;
  /** Until it is aborted, or the server ends it. `expired`: from there on not everything is known any more. */
  watch<Item extends ClusterObject>(
    kind: Kind,
    selection: Selection,
    resourceVersion: string,
    listeners: WatchListeners<Item>,
    signal: AbortSignal,
  ): Promise<"ended" | "expired">;
  /** Lines of a container's output as its node keeps them: a time, a space, the text. */
  printed(
    pod: string,
    container: string,
    reading: PrintedReading & { isPrevious: boolean },
  ): AsyncIterable<string>;
  /** What the metrics API tells of the namespace's pods; null where the cluster has none. */
  usage(labels: string): Promise<PodUsage[] | null>;
}

/** What a pod uses at one moment. */
export interface PodUsage {
  pod: string;
  cpuShare: number;
  memoryBytes: number;
}

/** An answer of the server that is no success. */
export class ClusterRefusal extends OperationalError {
  override name = "ClusterRefusal";

  constructor(
    readonly status: number,
    /** The server's word for it: `Conflict`, `NotFound`, `Invalid`, `Forbidden`, … */
    readonly reason: string,
    code: string,
    message: string,
    retryable: boolean,
    hint: string,
  ) {
    super(code, message, retryable, hint);
  }
}
