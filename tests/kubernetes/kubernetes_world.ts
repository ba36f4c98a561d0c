/** A fleet of its own in a test cluster for each test. */
import type { JsonObject } from "../../events/json.ts";
import { accessByText } from "../../workers/kubernetes/cluster_access.ts";
import {
  type KubernetesPlatform,
  type KubernetesPlatformOptions,
  openKubernetesPlatform,
} from "../../workers/kubernetes/kubernetes_platform.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { SecretStore } from "../../workers/secret_store.ts";
import { realClock } from "../workers/process_world.ts";
import {
  SHELL_IMAGE,
  type TestCluster,
  type TestClusterOptions,
  withTestCluster,
} from "./cluster/test_cluster.ts";

/** What a test can do. */
export interface KubernetesWorld {
  cluster: TestCluster;
  platform: KubernetesPlatform;
  fleet: string;
  /** Where the host's secrets are: a file each. */
  secretsFolder: string;
  /** Another worker's view of the same fleet; closed with the world. */
  reopen(options?: Partial<KubernetesPlatformOptions>): Promise<KubernetesPlatform>;
}

export async function withKubernetesWorld(
  test: (world: KubernetesWorld) => Promise<void>,
  options: Partial<KubernetesPlatformOptions> = {},
  clusterOptions: TestClusterOptions = {},
): Promise<void> {
  await withTestCluster(async (cluster) => {
    const secretsFolder = await Deno.makeTempDir({ prefix: "draas-secrets-" });
    const fleet = "tests";
    const opened: KubernetesPlatform[] = [];
    const open = async (more: Partial<KubernetesPlatformOptions> = {}) => {
      const choice = { context: null, namespace: cluster.namespace };
      const platform = await openKubernetesPlatform({
        access: accessByText(cluster.kubeconfig, choice),
        fleet,
        clock: realClock,
        policy: openPolicy("worker.yaml", ["drasi-server", "image"]),
        drasiServerImage: "drasi-server:1",
        secrets: new SecretStore({ folder: secretsFolder, variables: {} }),
        volumeSize: "1Gi",
        ...options,
        ...more,
      });
      opened.push(platform);
      return platform;
    };
    try {
      const platform = await open();
      await test({ cluster, platform, fleet, secretsFolder, reopen: open });
    } finally {
      for (const each of opened) await each.close();
      await Deno.remove(secretsFolder, { recursive: true });
    }
  }, { ...clusterOptions, images: { [SHELL_IMAGE]: SHELL, ...clusterOptions.images } });
}

/** Its entry point is a shell: the `command` of a configuration is what that is given. */
const SHELL = { entrypoint: ["sh", "-c"] };

/** A configuration that runs a line of shell. */
export function shellImage(script: string, more: JsonObject = {}): JsonObject {
  return { image: SHELL_IMAGE, command: [script], ...more };
}
