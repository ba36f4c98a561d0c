/** Records Events (core/v1) the way Kubernetes' own parts do: the same event again is counted, not told anew. */
import { type KubeObject, kubeTime } from "./kube_objects.ts";

/** What happened to what. */
export interface EventNote {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** Of a container: `spec.containers{app}`. */
  fieldPath?: string;
}

/** How an Event reaches the server; given whether it is a new one. */
export type EventWriter = (event: KubeObject, isNew: boolean) => Promise<void> | void;

/** One part's recorder. */
export class EventRecorder {
  readonly #known = new Map<string, KubeObject>();

  /** `component` such as `kubelet`; `host` is the node's name where there is one. */
  constructor(
    readonly component: string,
    readonly host: string,
    readonly write: EventWriter,
  ) {}

  /** Records it. */
  record(about: KubeObject, note: EventNote): Promise<void> | void {
    const { kind, apiVersion, metadata } = about;
    const { name, namespace = "default", uid, resourceVersion } = metadata;
    const key = JSON.stringify([uid, note]);
    const known = this.#known.get(key);
    const now = kubeTime();
    if (known) {
      const again = { ...known, count: Number(known.count) + 1, lastTimestamp: now };
      this.#known.set(key, again);
      return this.write(again, false);
    }
    const { fieldPath, ...said } = note;
    const event: KubeObject = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.${eventSuffix()}`, namespace },
      involvedObject: {
        kind,
        namespace,
        name,
        uid,
        apiVersion,
        resourceVersion,
        ...(fieldPath ? { fieldPath } : {}),
      },
      ...said,
      source: { component: this.component, ...(this.host === "" ? {} : { host: this.host }) },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      eventTime: null,
      reportingComponent: this.component,
      reportingInstance: this.host,
    };
    this.#known.set(key, event);
    return this.write(event, true);
  }
}

/** Hexadecimal, as the real ones, which are made of the time. */
function eventSuffix(): string {
  return crypto.getRandomValues(new Uint8Array(8)).toHex();
}
