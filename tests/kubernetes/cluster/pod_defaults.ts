/** The fields of pods and pod templates that an API server fills in. */
import type { Container, Fields, KubeObject, PodSpec, PodVolume, Probe } from "./kube_objects.ts";

/** A pod's fields, filled in. */
export function defaultedPod(pod: KubeObject): KubeObject {
  const spec = defaultedPodSpec(pod.spec as PodSpec);
  return { ...pod, spec: { enableServiceLinks: true, ...spec } };
}

/** With what the admission plugins of every cluster add to a new pod, which nobody owns. */
export function completedPod(pod: KubeObject): KubeObject {
  const spec = pod.spec as PodSpec;
  return {
    ...pod,
    spec: {
      serviceAccountName: "default",
      serviceAccount: "default",
      preemptionPolicy: "PreemptLowerPriority",
      priority: 0,
      tolerations: ["not-ready", "unreachable"].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 300,
      })),
      ...spec,
    },
    status: pod.status ?? { phase: "Pending", qosClass: qosClassOf(spec) },
  };
}

/** The same for the spec within a template, which has fewer defaults. */
export function defaultedPodSpec(spec: PodSpec): PodSpec {
  const { containers = [], initContainers, volumes } = spec ?? {};
  return {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    ...spec,
    containers: each(containers, defaultedContainer),
    ...(initContainers
      ? { initContainers: each(initContainers as Container[], defaultedContainer) }
      : {}),
    ...(volumes ? { volumes: each(volumes, defaultedVolume) } : {}),
  };
}

/** Leaves what isn't a list to validation. */
function each<T>(list: readonly T[], defaulted: (item: T) => T): T[] {
  return Array.isArray(list) ? list.map(defaulted) : list as T[];
}

function defaultedContainer(container: Container): Container {
  const { ports, env } = container;
  const probes = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
  return {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicyOf(container.image),
    ...container,
    ...(ports ? { ports: each(ports, (port) => ({ protocol: "TCP", ...port })) } : {}),
    ...(env ? { env: each(env, defaultedVariable) } : {}),
    ...Object.fromEntries(
      probes.filter((name) => container[name])
        .map((name) => [name, defaultedProbe(container[name] as Probe)]),
    ),
  };
}

function defaultedVariable(variable: NonNullable<Container["env"]>[number]) {
  const { fieldRef } = variable.valueFrom ?? {};
  if (!fieldRef) return variable;
  return { ...variable, valueFrom: { fieldRef: { apiVersion: "v1", ...fieldRef } } };
}

function defaultedProbe(probe: Probe): Probe {
  // 0 is none.
  const filled = {
    ...probe,
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
  if (!probe.httpGet) return filled;
  return { ...filled, httpGet: { path: "/", scheme: "HTTP", ...probe.httpGet } };
}

function defaultedVolume(volume: PodVolume): PodVolume {
  if (Object.keys(volume).length === 1) return { ...volume, emptyDir: {} };
  const withMode = Object.fromEntries(
    ["secret", "configMap", "projected", "downwardAPI"].filter((source) => volume[source])
      .map((source) => [source, { defaultMode: 420, ...(volume[source] as Fields) }]),
  );
  return { ...volume, ...withMode };
}

/** A tag that moves is pulled always. */
function pullPolicyOf(image: unknown): string {
  const name = String(image ?? "").split("/").at(-1) ?? "";
  if (name.includes("@")) return "IfNotPresent";
  const [, tag = "latest"] = name.split(":");
  return tag === "latest" ? "Always" : "IfNotPresent";
}

function qosClassOf({ containers }: PodSpec): string {
  const resources = containers.map((container) =>
    (container.resources ?? {}) as { requests?: Fields; limits?: Fields }
  );
  if (resources.every(({ requests, limits }) => !requests && !limits)) return "BestEffort";
  const isGuaranteed = resources.every(({ requests, limits }) =>
    ["cpu", "memory"].every((name) =>
      limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name]
    )
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
