/** The objects that make up an instance in a cluster, as they are applied. Pure. Design §4 rule 10. */
import type { Limits } from "../../events/limits.ts";
import { withSecrets } from "../../events/secret_reference.ts";
import type { Failure } from "../platform.ts";
import { final } from "../start_outcomes.ts";
import type { CheckedImage } from "../templates/checked_image.ts";
import { type ContainerPlan, type ContainerQuestion, keptText } from "../templates/image.ts";
import type { SetObject } from "./cluster_objects.ts";
import {
  claimName,
  CONTAINER,
  INSTANCE,
  labelsOf,
  nameLabel,
  objectName,
  PLAN,
  RUN,
} from "./object_names.ts";
import { coresText } from "./quantity.ts";

/** What a run is made from. */
export interface ServerWanted {
  fleet: string;
  instanceId: string;
  runId: string;
  plan: ContainerPlan;
  limits: Limits | undefined;
}

/** Of a startup probe: the kubelet is never to end a server that we wait for. */
const STARTUP_FAILURES_MORE = 600;
/** The API knows whole seconds only. */
const seconds = (ms: number) => Math.max(1, Math.ceil(ms / 1_000));
const NUMERIC_USER = /^(\d+)(?::(\d+))?$/;
const SECRET_VARIABLE = "DRAAS_SECRET_";

/** What of a valid configuration has no counterpart in a cluster; null where all of it has. */
export function unsupported({ user, ports }: ContainerPlan): Failure | null {
  if (user !== null && !NUMERIC_USER.test(user)) {
    return final(
      "user_unsupported",
      `user must be a number on Kubernetes (1000 or 1000:1000), not ${user}: a cluster does not ` +
        "look into the image. Or leave it out.",
    );
  }
  if (ports.some(({ published }) => published !== null)) {
    return final(
      "port_unsupported",
      "ports cannot be published on Kubernetes: each instance has a service of its own, " +
        "at which its ports have their own numbers. Leave `published` out.",
    );
  }
  return null;
}

/** Limits that a cluster has no word for, and why. */
export function limitsNotSet(limits: Limits | undefined): Record<string, string> {
  const why = "a cluster sets it for all pods of a node, if at all";
  const named = (["openFiles", "processes"] as const).filter((name) =>
    limits?.[name] !== undefined
  );
  return Object.fromEntries(named.map((name) => [name, why]));
}

/**
 * The set, without a replica: what it is to run, and not yet that it runs. Each run has a template of its own, which
 * comes to life only with the replica (`OnDelete`).
 * @param before the set that it is to take the place of, as it was read
 */
export function setFor(wanted: ServerWanted, before: SetObject | null): object {
  const { fleet, instanceId, runId, plan } = wanted;
  const labels = labelsOf(fleet, instanceId);
  return {
    metadata: {
      name: objectName(instanceId),
      ...(before === null ? {} : readMark(before)),
      labels,
      annotations: { [INSTANCE]: instanceId, [PLAN]: keptText(plan) },
    },
    spec: {
      replicas: 0,
      serviceName: objectName(instanceId),
      selector: { matchLabels: nameLabel(instanceId) },
      // Else a pod that never became ready would stand in the way of another one.
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
      revisionHistoryLimit: 1,
      template: {
        metadata: { labels, annotations: { [INSTANCE]: instanceId, [RUN]: runId } },
        spec: podSpec(wanted),
      },
    },
  };
}

/** What an object that belongs to a set is applied with, so that it goes with it. */
function owned(
  { fleet, instanceId }: ServerWanted,
  { metadata: { name: setName, uid } }: SetObject,
  name = objectName(instanceId),
): object {
  return {
    name,
    labels: labelsOf(fleet, instanceId),
    ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: setName, uid }],
  };
}

/** A name within the cluster for the instance's ports; null for one that has none. */
export function serviceFor(wanted: ServerWanted, set: SetObject): object | null {
  const { instanceId, plan } = wanted;
  if (plan.ports.length === 0) return null;
  return {
    metadata: owned(wanted, set),
    spec: {
      selector: nameLabel(instanceId),
      ports: plan.ports.map(({ port }) => ({
        name: `port-${port}`,
        port,
        targetPort: port,
        protocol: "TCP",
      })),
    },
  };
}

/** The values of the secrets that its environment refers to; null for one that has none. */
export function secretFor(
  wanted: ServerWanted,
  { values }: CheckedImage,
  set: SetObject,
): object | null {
  if (values.size === 0) return null;
  return {
    metadata: owned(wanted, set),
    type: "Opaque",
    stringData: Object.fromEntries(values),
  };
}

/** Its files; null for one that has none. They are as the run's, since a run begins only after they were applied. */
export function filesFor(wanted: ServerWanted, set: SetObject): object | null {
  const { plan } = wanted;
  if (plan.files.length === 0) return null;
  return {
    metadata: owned(wanted, set),
    data: Object.fromEntries(plan.files.map(({ path, content }) => [placeOf(path).name, content])),
  };
}

/** Its volumes: they outlive its pods, and go with the set. */
export function claimsFor(
  wanted: ServerWanted,
  set: SetObject,
  sizeText: string,
): object[] {
  return wanted.plan.volumes.map(({ name }) => ({
    metadata: owned(wanted, set, claimName(wanted.instanceId, name)),
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: sizeText } } },
  }));
}

/** That an object is still the one that was read. */
export function readMark({ metadata }: SetObject): { uid: string; resourceVersion: string } {
  const { uid, resourceVersion } = metadata;
  return { uid, resourceVersion };
}

/** Within the "restricted" standard (kubernetes.io/docs/concepts/security/pod-security-standards). */
function podSpec({ instanceId, plan, limits }: ServerWanted): object {
  const mounts = mountsOf(instanceId, plan);
  const [, uid, gid] = NUMERIC_USER.exec(plan.user ?? "") ?? [];
  return {
    terminationGracePeriodSeconds: seconds(plan.stopGraceMs),
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    // A first process without a handler for SIGTERM never gets it: so the pod's own pause is the first, and reaps.
    ...(plan.stopSignal === "SIGTERM" ? { shareProcessNamespace: true } : {}),
    securityContext: {
      runAsNonRoot: true,
      ...(uid === undefined ? {} : { runAsUser: Number(uid) }),
      ...(gid === undefined ? {} : { runAsGroup: Number(gid), fsGroup: Number(gid) }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    containers: [{
      name: CONTAINER,
      image: plan.image,
      ...(plan.command === null ? {} : { args: plan.command.map(literal) }),
      env: environmentOf(instanceId, plan),
      ...(plan.workingDirectory === null ? {} : { workingDir: plan.workingDirectory }),
      ...(plan.ports.length === 0
        ? {}
        : { ports: plan.ports.map(({ port }) => ({ containerPort: port, protocol: "TCP" })) }),
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        ...(plan.isReadOnly ? { readOnlyRootFilesystem: true } : {}),
      },
      ...resourcesOf(limits),
      ...probesOf(plan),
      ...stopHook(plan.stopSignal),
      ...(mounts.length === 0
        ? {}
        : { volumeMounts: mounts.map(({ name, path }) => ({ name, mountPath: path })) }),
    }],
    ...(mounts.length === 0
      ? {}
      : { volumes: mounts.map(({ name, source }) => ({ name, ...source })) }),
  };
}

interface Mount {
  name: string;
  path: string;
  source: object;
}

/** Volumes of its own, its files, and what else it has to be able to write to: that is empty at each start. */
function mountsOf(instanceId: string, { volumes, files, writable }: ContainerPlan): Mount[] {
  const folders = new Set(files.map(({ path }) => placeOf(path).folder));
  if (folders.size > 1) throw new Error("files of a plan in more than one folder");
  const empty = writable.filter((folder) => volumes.every(({ path }) => path !== folder));
  return [
    ...volumes.map(({ name, path }) => ({
      name,
      path,
      source: { persistentVolumeClaim: { claimName: claimName(instanceId, name) } },
    })),
    ...[...folders].map((path) => ({
      name: "draas-files",
      path,
      source: { configMap: { name: objectName(instanceId) } },
    })),
    ...empty.map((path, index) => ({
      name: `draas-empty-${index}`,
      path,
      source: { emptyDir: {} },
    })),
  ];
}

function placeOf(path: string): { folder: string; name: string } {
  const cut = path.lastIndexOf("/");
  return { folder: path.slice(0, cut), name: path.slice(cut + 1) };
}

/** A text in which nothing is expanded: a cluster takes `$(NAME)` for a variable, and `$$` for a dollar. */
function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** Secrets come by reference: each as a variable of its own, before those that are made from it. */
function environmentOf(instanceId: string, { env, given }: ContainerPlan): object[] {
  const variable = (secret: string) =>
    `${SECRET_VARIABLE}${given.findIndex(({ name }) => name === secret)}`;
  return [
    ...given.map(({ name }) => ({
      name: variable(name),
      valueFrom: { secretKeyRef: { name: objectName(instanceId), key: name } },
    })),
    ...Object.entries(env).map(([name, text]) => {
      // No text of a configuration has a NUL.
      const marked = withSecrets(text, (secret) => `\0${variable(secret)}\0`);
      const parts = marked.split("\0");
      const value = parts.map((part, index) => index % 2 === 0 ? literal(part) : `$(${part})`);
      return { name, value: value.join("") };
    }),
  ];
}

function resourcesOf(limits: Limits | undefined): object {
  const { memoryBytes, cpus } = limits ?? {};
  const most = {
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
    ...(cpus === undefined ? {} : { cpu: coresText(cpus) }),
  };
  return Object.keys(most).length === 0 ? {} : { resources: { limits: most, requests: most } };
}

/** The kubelet asks; what follows from its answers is for us, so there is no liveness probe of its own. */
function probesOf({ readiness, liveness }: ContainerPlan): object {
  const isAsked = readiness !== null && readiness.kind !== "log";
  return {
    ...(isAsked
      ? {
        startupProbe: {
          ...asked(readiness),
          periodSeconds: 1,
          timeoutSeconds: 2,
          failureThreshold: seconds(readiness.withinMs) + STARTUP_FAILURES_MORE,
        },
      }
      : {}),
    ...(liveness === null ? {} : {
      readinessProbe: {
        ...asked(liveness.question),
        periodSeconds: seconds(liveness.intervalMs),
        timeoutSeconds: seconds(liveness.timeoutMs),
        failureThreshold: liveness.failures,
        successThreshold: liveness.successes,
      },
    }),
  };
}

function asked(question: ContainerQuestion): object {
  switch (question.kind) {
    case "http":
      return { httpGet: { path: question.path, port: question.port } };
    case "tcp":
      return { tcpSocket: { port: question.port } };
    case "command":
      return { exec: { command: question.argv } };
  }
}

/**
 * A kubelet sends SIGTERM; for another signal the image's own shell sends it to the server, which is the first process
 * then, and waits until it has ended.
 */
function stopHook(signal: string): object {
  if (signal === "SIGTERM") return {};
  const script = `kill -${signal.replace(/^SIG/, "")} 1; while kill -0 1; do sleep 0.1; done`;
  return { lifecycle: { preStop: { exec: { command: ["sh", "-c", script] } } } };
}
