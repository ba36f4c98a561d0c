/**
 * A Kubernetes cluster for a test: an API server, the StatefulSet controller, and a node that runs
 * pods as processes of this host. With `DRAAS_TEST_KUBECONFIG` the API server and the controllers
 * are the real ones of that cluster.
 */
import { type ApiAddress, ApiClient } from "./api_client.ts";
import { ApiDouble } from "./api_double.ts";
import type { KnownImage } from "./container_plan.ts";
import { KubeletModel } from "./kubelet_model.ts";
import { type ControllerOptions, StatefulSetController } from "./statefulset_controller.ts";

/** What a test can do with its cluster. */
export interface TestCluster {
  /** YAML, as a file for `--kubeconfig`. */
  kubeconfig: string;
  url: string;
  token: string;
  /** A new namespace. */
  namespace: string;
  /** Acts behind a worker's back, as `kubectl-edit`; `api.as(name)` acts as another. */
  api: ApiClient;
  kubelet: KubeletModel;
  /** The server with its switches. */
  double: ApiDouble;
  controller: StatefulSetController;
}

/** How a cluster begins. */
export interface TestClusterOptions {
  images?: Record<string, KnownImage>;
  backOffBaseMs?: number;
  backOffMaxMs?: number;
  bookmarkEveryMs?: number;
  controller?: Partial<ControllerOptions>;
}

/** The image that tests run: whatever `command` says. */
export const SHELL_IMAGE = "draas-test/shell:1";
const TOKEN = "test-token";
/** Another user, for `faults.forbid`. */
export const LIMITED_TOKEN = "limited-token";

/** Runs a test with a cluster of its own; nothing of it is left afterwards. */
export async function withTestCluster(
  test: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): Promise<void> {
  const double = new ApiDouble({
    users: { [TOKEN]: "admin", [LIMITED_TOKEN]: "limited" },
    bookmarkEveryMs: options.bookmarkEveryMs ?? 1_000,
    hasGarbageCollector: true,
  });
  const controller = new StatefulSetController(double.writes, options.controller);
  const address: ApiAddress = { url: double.url, token: TOKEN };
  const api = new ApiClient(address, "kubectl-edit");
  const kubelet = await KubeletModel.start(address, {
    nodeName: "node-1",
    images: { [SHELL_IMAGE]: {}, ...options.images },
    backOffBaseMs: options.backOffBaseMs ?? 10_000,
    backOffMaxMs: options.backOffMaxMs ?? 300_000,
    certificate: null,
  });
  const namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
  await api.create("namespaces", "", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace },
  });
  try {
    const kubeconfig = kubeconfigText(address);
    const { url, token } = address;
    await test({ kubeconfig, url, token, namespace, api, kubelet, double, controller });
  } finally {
    controller.close();
    await kubelet.close();
    api.close();
    await double.close();
  }
}

function kubeconfigText({ url, token, authority }: ApiAddress): string {
  const lines = [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: test",
    "  cluster:",
    `    server: ${url}`,
    ...(authority ? [`    certificate-authority-data: ${btoa(authority)}`] : []),
    "users:",
    "- name: test",
    "  user:",
    `    token: ${token}`,
    "contexts:",
    "- name: test",
    "  context:",
    "    cluster: test",
    "    user: test",
    "current-context: test",
  ];
  return `${lines.join("\n")}\n`;
}
