/** StatefulSets of tests: one pod that runs a line of shell. */
import type { Container, KubeObject, Pod, PodSpec } from "./kube_objects.ts";
import { SHELL_IMAGE, type TestCluster } from "./test_cluster.ts";
import { pause } from "./pause.ts";

/** The name of the set. */
export const SET = "web";

/** The name of its pod. */
export const POD = "web-0";

const WITHIN_MS = 15_000;

/** A set with one replica; `pod` and `container` add to what it has. */
export function shellSet(
  namespace: string,
  script: string,
  container: Partial<Container> = {},
  pod: Partial<PodSpec> = {},
): KubeObject {
  const own = { name: "app", image: SHELL_IMAGE, command: ["sh", "-c", script], ...container };
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: SET, namespace },
    spec: {
      replicas: 1,
      serviceName: SET,
      selector: { matchLabels: { app: SET } },
      template: {
        metadata: { labels: { app: SET } },
        spec: { terminationGracePeriodSeconds: 2, containers: [own], ...pod },
      },
    },
  };
}

/** The pod when it is as wanted; fails when it is not in time. */
export async function untilPod(
  { api, namespace }: TestCluster,
  what: string,
  isWanted: (pod: Pod) => boolean,
): Promise<Pod> {
  const end = performance.now() + WITHIN_MS;
  let pod: Pod | null = null;
  while (performance.now() < end) {
    pod = await api.find<Pod>("pods", namespace, POD);
    if (pod && isWanted(pod)) return pod;
    await pause(15, new AbortController().signal);
  }
  throw new Error(`not in time: ${what}; the pod is ${JSON.stringify(pod?.status)}`);
}

/** The pod when its container waits for a reason. */
export function untilWaiting(cluster: TestCluster, reason: string): Promise<Pod> {
  return untilPod(
    cluster,
    `it waits: ${reason}`,
    ({ status }) => status?.containerStatuses?.[0]?.state.waiting?.reason === reason,
  );
}

/** The pod when it runs and has printed a line. */
export async function untilPrinted(cluster: TestCluster, line: string): Promise<Pod> {
  const pod = await untilPod(
    cluster,
    "it runs",
    ({ status }) => status?.containerStatuses?.[0]?.state.running !== undefined,
  );
  const end = performance.now() + WITHIN_MS;
  while (performance.now() < end) {
    const text = await cluster.api.log(cluster.namespace, POD).catch(() => "");
    if (text.split("\n").includes(line)) return pod;
    await pause(15, new AbortController().signal);
  }
  throw new Error(`it has not printed ${line}`);
}

/** The last state of the pod that a watch saw before it was gone. */
export async function lastSeenPod(
  { api, namespace }: TestCluster,
  end: () => Promise<unknown>,
): Promise<Pod> {
  const { metadata } = await api.call<KubeObject>("GET", api.path("pods", namespace));
  const { resourceVersion = "" } = metadata;
  await end();
  const signal = AbortSignal.timeout(WITHIN_MS);
  for await (const event of api.watch<Pod>("pods", namespace, { resourceVersion }, signal)) {
    if (event.type === "DELETED" && event.object.metadata.name === POD) return event.object;
  }
  throw new Error("the watch ended before the pod was gone");
}

/** The messages of the Events of a reason, oldest first. */
export async function eventsOf(
  { api, namespace }: TestCluster,
  reason: string,
): Promise<string[]> {
  const events = await api.list("events", namespace, { fieldSelector: `reason=${reason}` });
  return events.map(({ message }) => String(message));
}

/** The messages of the Events of a reason, as soon as one of them is as wanted. */
export async function untilTold(
  cluster: TestCluster,
  reason: string,
  isWanted: (message: string) => boolean = () => true,
): Promise<string[]> {
  const end = performance.now() + WITHIN_MS;
  let messages: string[] = [];
  while (performance.now() < end) {
    messages = await eventsOf(cluster, reason);
    if (messages.some(isWanted)) return messages;
    await pause(15, new AbortController().signal);
  }
  throw new Error(`not told in time: ${reason}; but ${JSON.stringify(messages)}`);
}

/** Applies a set that runs a line of shell. */
export async function runShell(
  { api, namespace }: TestCluster,
  script: string,
  container: Partial<Container> = {},
  pod: Partial<PodSpec> = {},
): Promise<void> {
  await api.apply("statefulsets", shellSet(namespace, script, container, pod));
}

/** Scales the set to none; gives back how its pod was last seen. */
export function stopSet(cluster: TestCluster): Promise<Pod> {
  const { api, namespace } = cluster;
  const none = { spec: { replicas: 0 } };
  return lastSeenPod(cluster, () => api.merge("statefulsets", namespace, SET, none));
}

/** The exit code and the reason of a pod's end. */
export function endOf({ status }: Pod): [number | undefined, string | undefined] {
  const ended = status?.containerStatuses?.[0]?.state.terminated;
  return [ended?.exitCode, ended?.reason];
}
