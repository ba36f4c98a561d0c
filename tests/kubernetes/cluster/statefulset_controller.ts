/** A model of the StatefulSet controller of kube-controller-manager, for clusters without a real one. */
import { EventRecorder } from "./event_recorder.ts";
import { isSame, type KubeObject, type Pod, type StatefulSet } from "./kube_objects.ts";
import { removeObject } from "./object_removal.ts";
import type { StoredChange } from "./object_store.ts";
import type { ObjectWrites } from "./object_writes.ts";
import { resourceNamed } from "./resources.ts";
import { claimsOf, podFor, retainedClaim, revisionOf } from "./statefulset_pods.ts";
import { isHealthy, statefulSetStatus } from "./statefulset_status.ts";
import { ApiError } from "./status_errors.ts";

const SETS = resourceNamed("statefulsets");
const PODS = resourceNamed("pods");
const CLAIMS = resourceNamed("persistentvolumeclaims");
const EVENTS = resourceNamed("events");
const MANAGER = "kube-controller-manager";
const WRITER = { manager: MANAGER, operation: "Update", subresource: "" } as const;

/** How fast it is. */
export interface ControllerOptions {
  /** From a change to what follows from it. */
  reactionMs: number;
  /** Before a failed step is tried again; doubles up to the maximum. */
  retryBaseMs: number;
  retryMaxMs: number;
}

/** The controller's loop over all sets. */
export class StatefulSetController {
  readonly #writes: ObjectWrites;
  readonly #options: ControllerOptions;
  readonly #unsubscribe: () => void;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #failures = new Map<string, number>();
  readonly #events: EventRecorder;
  #isPaused = false;

  constructor(writes: ObjectWrites, options: Partial<ControllerOptions> = {}) {
    this.#writes = writes;
    this.#options = { reactionMs: 5, retryBaseMs: 50, retryMaxMs: 5_000, ...options };
    this.#events = new EventRecorder("statefulset-controller", "", (event, isNew) => {
      this.#writeEvent(event, isNew);
    });
    this.#unsubscribe = writes.store.subscribe((change) => this.#note(change));
  }

  /** Does nothing, or again what it should have done meanwhile. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) return;
    for (const set of this.#writes.store.list(SETS, "")) this.#wake(keyOf(set), 0);
  }

  /** Works no more. */
  close(): void {
    this.#unsubscribe();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #note({ resource, object }: StoredChange): void {
    if (resource === SETS) this.#wake(keyOf(object), this.#options.reactionMs);
    if (resource !== PODS) return;
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner?.kind !== "StatefulSet") return;
    this.#wake(`${object.metadata.namespace}/${owner.name}`, this.#options.reactionMs);
  }

  #wake(key: string, afterMs: number): void {
    if (this.#timers.has(key)) return;
    this.#timers.set(
      key,
      setTimeout(() => {
        this.#timers.delete(key);
        if (!this.#isPaused) this.#sync(key);
      }, afterMs),
    );
  }

  #sync(key: string): void {
    const [namespace = "", name = ""] = key.split("/");
    const set = this.#writes.store.get(SETS, namespace, name) as StatefulSet | null;
    if (!set || set.metadata.deletionTimestamp) return;
    try {
      this.#step(set);
      this.#failures.delete(key);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const { retryBaseMs, retryMaxMs } = this.#options;
      this.#wake(key, Math.min(retryBaseMs * 2 ** (failures - 1), retryMaxMs));
    } finally {
      this.#writeStatus(set);
    }
  }

  /** As far as it can go now: what must wait for a pod is done when that pod has changed. */
  #step(set: StatefulSet): void {
    const isOrdered = (set.spec as Record<string, unknown>).podManagementPolicy !== "Parallel";
    const pods = this.#podsOf(set);
    this.#ownClaims(set, pods);
    for (let ordinal = 0; ordinal < set.spec.replicas; ordinal++) {
      const pod = pods.get(ordinal);
      if (!pod) this.#create(set, ordinal);
      else if (["Succeeded", "Failed"].includes(pod.status?.phase ?? "")) {
        if (!pod.metadata.deletionTimestamp) this.#delete(set, pod);
      }
      const isDone = pod !== undefined && isHealthy(pod) && !pod.metadata.deletionTimestamp;
      if (isOrdered && !isDone) return;
    }
    const condemned = [...pods].filter(([ordinal]) => ordinal >= set.spec.replicas)
      .sort(([a], [b]) => b - a).map(([, pod]) => pod);
    for (const pod of condemned) {
      if (!pod.metadata.deletionTimestamp) this.#delete(set, pod);
      if (isOrdered) return;
    }
    if (set.spec.updateStrategy?.type !== "OnDelete") this.#roll(set, pods);
  }

  /** Replaces pods of an old template, the last one first, one at a time. */
  #roll(set: StatefulSet, pods: Map<number, Pod>): void {
    const revision = revisionOf(set);
    for (const [, pod] of [...pods].sort(([a], [b]) => b - a)) {
      const isOld = pod.metadata.labels?.["controller-revision-hash"] !== revision;
      if (isOld && !pod.metadata.deletionTimestamp) {
        this.#delete(set, pod);
        return;
      }
      if (!isHealthy(pod) || pod.metadata.deletionTimestamp) return;
    }
  }

  #create(set: StatefulSet, ordinal: number): void {
    const pod = podFor(set, ordinal);
    const { namespace = "", name } = pod.metadata;
    for (const claim of claimsOf(set, ordinal)) this.#claim(set, claim, name);
    try {
      this.#writes.create(PODS, namespace, pod, WRITER);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason === "AlreadyExists") throw error;
      this.#say(set, "FailedCreate", `create Pod ${name} in`, `failed error: ${error.message}`);
      throw error;
    }
    this.#say(set, "SuccessfulCreate", `create Pod ${name} in`, "successful");
  }

  #claim(set: StatefulSet, claim: KubeObject, podName: string): void {
    const { name, namespace = "" } = claim.metadata;
    if (this.#writes.store.get(CLAIMS, namespace, name)) return;
    const deed = `create Claim ${name} Pod ${podName} in`;
    try {
      this.#writes.create(CLAIMS, namespace, claim, WRITER);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#say(set, "FailedCreate", deed, `failed error: ${error.message}`);
      throw error;
    }
    this.#say(set, "SuccessfulCreate", deed, "success");
  }

  #delete(set: StatefulSet, pod: Pod): void {
    removeObject(this.#writes.store, PODS, pod, null);
    this.#say(set, "SuccessfulDelete", `delete Pod ${pod.metadata.name} in`, "successful");
  }

  /** `Delete` retention makes claims go with their set, or with a pod that is scaled away. */
  #ownClaims(set: StatefulSet, pods: ReadonlyMap<number, Pod>): void {
    const ordinals = new Set([...Array(set.spec.replicas).keys(), ...pods.keys()]);
    for (const ordinal of ordinals) {
      const condemned = ordinal >= set.spec.replicas ? pods.get(ordinal) ?? null : null;
      for (const { metadata: { name, namespace = "" } } of claimsOf(set, ordinal)) {
        const claim = this.#writes.store.get(CLAIMS, namespace, name);
        if (!claim) continue;
        const owned = retainedClaim(set, claim, condemned);
        if (!isSame(owned, claim)) this.#writes.update(CLAIMS, claim, owned, WRITER);
      }
    }
  }

  #podsOf({ metadata: { uid, name, namespace = "" } }: StatefulSet): Map<number, Pod> {
    const own = this.#writes.store.list(PODS, namespace).filter(({ metadata }) =>
      metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid)
    );
    return new Map(
      own.map((pod) => [Number(pod.metadata.name.slice(name.length + 1)), pod as Pod]),
    );
  }

  #writeStatus(seen: StatefulSet): void {
    const { name, namespace = "" } = seen.metadata;
    const live = this.#writes.store.get(SETS, namespace, name) as StatefulSet | null;
    if (!live || live.metadata.uid !== seen.metadata.uid) return;
    const pods = [...this.#podsOf(live).values()];
    const status = statefulSetStatus(live, pods, revisionOf(live));
    if (isSame(status, live.status)) return;
    const writer = { ...WRITER, subresource: "status" };
    this.#writes.update(SETS, live, { ...live, status }, writer);
  }

  #say(set: StatefulSet, reason: string, deed: string, outcome: string): void {
    const type = reason.startsWith("Failed") ? "Warning" : "Normal";
    const message = `${deed} StatefulSet ${set.metadata.name} ${outcome}`;
    void this.#events.record(set, { type, reason, message });
  }

  #writeEvent(event: KubeObject, isNew: boolean): void {
    const { namespace = "", name } = event.metadata;
    try {
      const live = this.#writes.store.get(EVENTS, namespace, name);
      if (isNew || !live) this.#writes.create(EVENTS, namespace, event, WRITER);
      else this.#writes.update(EVENTS, live, event, WRITER);
    } catch (error) {
      // An event of a namespace that goes is lost, as on a real cluster.
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace}/${name}`;
}
