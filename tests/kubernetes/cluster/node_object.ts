/** The node as its kubelet registers it. */
import { type Fields, type KubeObject, kubeTime } from "./kube_objects.ts";

const CAPACITY = { cpu: "4", memory: "8Gi", "ephemeral-storage": "50Gi", pods: "110" };

/** Without its status. */
export function nodeObject(name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
      },
    },
    spec: {},
  };
}

/** Ready, at this host, with the kubelet's own port. */
export function nodeStatus(port: number): Fields {
  const now = kubeTime();
  return {
    capacity: CAPACITY,
    allocatable: CAPACITY,
    conditions: [{
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "kubelet is posting ready status",
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    }],
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    nodeInfo: {
      machineID: "draas-test",
      systemUUID: "draas-test",
      bootID: "draas-test",
      kernelVersion: "0",
      osImage: "test",
      containerRuntimeVersion: "containerd://2.0.0",
      kubeletVersion: "v1.34.4",
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: "amd64",
    },
  };
}
