/** The parts of a cluster's objects that we read, as its API writes them (`kubectl explain`, apps/v1 and v1). */

/** A kind of object, by the path of its list below the API's root. */
export interface Kind {
  /** `apps/v1` or `v1`. */
  apiVersion: string;
  kind: string;
  plural: string;
}

export const SETS: Kind = { apiVersion: "apps/v1", kind: "StatefulSet", plural: "statefulsets" };
export const PODS: Kind = { apiVersion: "v1", kind: "Pod", plural: "pods" };
export const SERVICES: Kind = { apiVersion: "v1", kind: "Service", plural: "services" };
export const CONFIG_MAPS: Kind = { apiVersion: "v1", kind: "ConfigMap", plural: "configmaps" };
export const SECRETS: Kind = { apiVersion: "v1", kind: "Secret", plural: "secrets" };
export const CLAIMS: Kind = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
};
export const EVENTS: Kind = { apiVersion: "v1", kind: "Event", plural: "events" };

export interface ObjectMeta {
  name: string;
  uid: string;
  resourceVersion: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

export interface ClusterObject {
  metadata: ObjectMeta;
}

export interface SetObject extends ClusterObject {
  spec: { replicas?: number };
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

export interface Terminated {
  exitCode: number;
  signal?: number;
  reason?: string;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
}

export interface ContainerPhase {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt: string };
  terminated?: Terminated;
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  started?: boolean;
  restartCount: number;
  containerID?: string;
  state?: ContainerPhase;
  lastState?: ContainerPhase;
}

export interface PodObject extends ClusterObject {
  spec?: { nodeName?: string; containers?: { name: string; image?: string }[] };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
  };
}

export interface EventObject extends ClusterObject {
  reason?: string;
  message?: string;
  type?: string;
  lastTimestamp?: string | null;
}
