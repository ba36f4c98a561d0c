/**
 * A Kubernetes cluster for a test: an API server, the StatefulSet controller, and a node that runs
 * pods as processes of this host. With `DRAAS_TEST_KUBECONFIG` the API server and the controllers
 * are those of that cluster, and with `DRAAS_TEST_KUBECONFIG_HAS_NODES=1` the nodes too.
 *
 * What the server answers is held to the tape of a real one (`conformance_tape.json`); the node's
 * words are those of the kubelet's sources. Not modelled: init and ephemeral containers, root
 * folders and networks of containers (mounted paths are replaced in commands and variables), limits
 * of resources, strategic merge patches, evictions by request, and the binding of claims.
 */
import { type ApiAddress, ApiClient } from "./api_client.ts";
import { type ApiFaults, WORKER } from "./api_faults.ts";
import { ApiDouble } from "./api_double.ts";
import type { KnownImage } from "./container_plan.ts";
import { kubeconfigText, readKubeconfig } from "./kubeconfig.ts";
import { KubeletModel } from "./kubelet_model.ts";
import { type HostCertificate, hostCertificate } from "./host_certificate.ts";
import { pause } from "./pause.ts";
import { type ControllerOptions, StatefulSetController } from "./statefulset_controller.ts";

/** The image that tests run: whatever `command` says. Real nodes need one that they can get, such as busybox. */
export const SHELL_IMAGE: string = Deno.env.get("DRAAS_TEST_IMAGE") || "draas-test/shell:1";

const WORKER_TOKEN = "worker-token";
const ADMIN_TOKEN = "admin-token";
const SETTLED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** How a cluster begins. */
export interface TestClusterOptions {
  /** Besides `SHELL_IMAGE`. */
  images?: Record<string, KnownImage>;
  /** Before the second restart of a container (10 s), and at most (5 min). */
  backOffBaseMs?: number;
  backOffMaxMs?: number;
  /** Whether the double speaks TLS, with an authority of its own in the kubeconfig. */
  hasTls?: boolean;
  /** Of the double's watches. */
  bookmarkEveryMs?: number;
  controller?: Partial<ControllerOptions>;
}

/** Whether tests run against a cluster that `DRAAS_TEST_KUBECONFIG` names. */
export function isRealCluster(): boolean {
  return realKubeconfig() !== null;
}

/** Runs a test with a cluster of its own, or a namespace of the real one; nothing of it is left afterwards. */
export async function withTestCluster(
  test: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): Promise<void> {
  const cluster = await TestCluster.start(options);
  try {
    await test(cluster);
  } finally {
    await cluster.close();
  }
}

/** Registers a test that needs the double: its faults, its controller. Against a real cluster it is passed over. */
export function testOnDouble(
  name: string,
  test: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): void {
  Deno.test({ name, ignore: isRealCluster(), fn: () => withTestCluster(test, options) });
}

/** Registers a test that holds on the double and on a real cluster. */
export function testOnCluster(
  name: string,
  test: (cluster: TestCluster) => Promise<void>,
  options: TestClusterOptions = {},
): void {
  Deno.test(name, () => withTestCluster(test, options));
}

interface Parts {
  double: ApiDouble | null;
  controller: StatefulSetController | null;
  kubelet: KubeletModel | null;
}

/** What a test can do with its cluster. */
export class TestCluster {
  /** YAML, as a file for `--kubeconfig`. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly token: string;

  private constructor(
    address: ApiAddress,
    /** A new one. */
    readonly namespace: string,
    /** Acts behind the worker's back, as `kubectl-edit`; `api.as(name)` acts as another. No fault befalls it. */
    readonly api: ApiClient,
    /** Acts with the token of the kubeconfig, which the double's faults befall. */
    readonly worker: ApiClient,
    private readonly parts: Parts,
  ) {
    this.kubeconfig = kubeconfigText(address);
    this.url = address.url;
    this.token = address.token;
  }

  /** A cluster that runs; to be closed. */
  static async start(options: TestClusterOptions): Promise<TestCluster> {
    const real = realKubeconfig();
    const certificate = options.hasTls ? await hostCertificate() : null;
    const double = real === null ? newDouble(options, certificate) : null;
    const authority = certificate ? { authority: certificate.authority } : {};
    const admin = double
      ? { url: double.url, token: ADMIN_TOKEN, ...authority }
      : await readKubeconfig(real ?? "");
    const address = double ? { ...admin, token: WORKER_TOKEN } : admin;
    const controller = double && new StatefulSetController(double.writes, options.controller);
    const api = new ApiClient(admin, "kubectl-edit");
    const worker = new ApiClient(address, "worker");
    const namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
    await api.create("namespaces", "", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace },
    });
    const hasNodes = real !== null && Deno.env.get("DRAAS_TEST_KUBECONFIG_HAS_NODES") === "1";
    const kubelet = hasNodes ? null : await startKubelet(admin, namespace, options);
    const cluster = new TestCluster(address, namespace, api, worker, {
      double,
      controller,
      kubelet,
    });
    if (real !== null) await cluster.#untilAccountIsThere();
    return cluster;
  }

  /** The node, with its switches. */
  get kubelet(): KubeletModel {
    return present(this.parts.kubelet, "this cluster has nodes of its own");
  }

  /** The server, with its switches. */
  get double(): ApiDouble {
    return present(this.parts.double, "this test needs the double: register it by testOnDouble");
  }

  /** What the server is to do wrong to the worker. */
  get faults(): ApiFaults {
    return this.double.faults;
  }

  /** The StatefulSet controller. */
  get controller(): StatefulSetController {
    return present(this.parts.controller, "a real cluster has a controller of its own");
  }

  /** Lets at most so many pods be in the namespace, or as many as there are wishes. */
  async limitPods(pods: number | null): Promise<void> {
    if (this.parts.double) {
      this.parts.double.faults.limitPods(this.namespace, pods);
      return;
    }
    const path = `/api/v1/namespaces/${this.namespace}/resourcequotas`;
    if (pods === null) {
      await this.api.call("DELETE", `${path}/pods`);
      return;
    }
    const metadata = { name: "pods" };
    const body = { apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard: { pods } } };
    await this.api.call("POST", path, { body });
    await this.#until(async () => {
      const { status } = await this.api.call<{ status: { hard?: unknown } }>("GET", `${path}/pods`);
      return status.hard !== undefined;
    });
  }

  /** Lets in only pods that the restricted level of pod security allows. */
  async restrictPods(): Promise<void> {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await this.api.merge("namespaces", "", this.namespace, { metadata: { labels } });
  }

  /** Ends all of it. */
  async close(): Promise<void> {
    const { double, controller, kubelet } = this.parts;
    controller?.close();
    if (!double) {
      await this.api.delete("namespaces", "", this.namespace);
      kubelet?.freeze(false);
      await this.#until(() => this.#hasNoPods());
    }
    await kubelet?.close();
    if (!double && kubelet) await this.api.delete("nodes", "", kubelet.nodeName);
    this.api.close();
    this.worker.close();
    await double?.close();
  }

  /** Nothing of a namespace that goes needs its grace. */
  async #hasNoPods(): Promise<boolean> {
    const pods = await this.api.list("pods", this.namespace);
    for (const { metadata: { name } } of pods) {
      await this.api.delete("pods", this.namespace, name, { gracePeriodSeconds: 0 })
        .catch(() => null);
    }
    return pods.length === 0;
  }

  /** Before it no pod is let in. */
  async #untilAccountIsThere(): Promise<void> {
    const path = `/api/v1/namespaces/${this.namespace}/serviceaccounts`;
    await this.#until(async () => {
      const { items } = await this.api.call<{ items: unknown[] }>("GET", path);
      return items.length > 0;
    });
  }

  async #until(condition: () => Promise<boolean>): Promise<void> {
    const limit = AbortSignal.timeout(SETTLED_WITHIN_MS);
    while (!limit.aborted) {
      if (await condition()) return;
      await pause(LOOK_EVERY_MS, new AbortController().signal);
    }
    throw new Error(`the cluster is not settled within ${SETTLED_WITHIN_MS} ms`);
  }
}

function realKubeconfig(): string | null {
  return Deno.env.get("DRAAS_TEST_KUBECONFIG") || null;
}

function newDouble(
  { bookmarkEveryMs = 1_000 }: TestClusterOptions,
  certificate: HostCertificate | null,
): ApiDouble {
  return new ApiDouble({
    users: { [WORKER_TOKEN]: WORKER, [ADMIN_TOKEN]: "admin" },
    bookmarkEveryMs,
    hasGarbageCollector: true,
    certificate,
  });
}

async function startKubelet(
  address: ApiAddress,
  namespace: string,
  { images, backOffBaseMs = 10_000, backOffMaxMs = 300_000 }: TestClusterOptions,
): Promise<KubeletModel> {
  const isReal = isRealCluster();
  return await KubeletModel.start(address, {
    nodeName: isReal ? `node-${namespace}` : "node-1",
    namespace: isReal ? namespace : "",
    images: { [SHELL_IMAGE]: {}, ...images },
    backOffBaseMs,
    backOffMaxMs,
    certificate: isReal ? await hostCertificate() : null,
  });
}

function present<T>(part: T | null, why: string): T {
  if (part === null) throw new Error(why);
  return part;
}
