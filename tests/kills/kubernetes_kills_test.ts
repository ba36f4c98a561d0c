/** `kill -9` of a kubernetes worker around each call that changes something, and each time that it talks to the log. */
import type { RedisFleet } from "../e2e/support/redis_fleet.ts";
import {
  SHELL_IMAGE,
  type TestCluster,
  withTestCluster,
} from "../kubernetes/cluster/test_cluster.ts";
import { shellImage } from "../kubernetes/kubernetes_world.ts";
import { spyOn } from "../support/spied_way.ts";
import { testWith } from "../support/tools.ts";
import { eventually } from "../workers/process_world.ts";
import { callMoment, type KillMoment, type KillWorld, workerKills } from "./worker_kills.ts";

const APPLY = {
  is: "its set is applied",
  method: "PATCH",
  path: /\/statefulsets\/.*fieldManager=draas&/,
};
const CHANGE = {
  is: "its set is changed",
  method: "PATCH",
  path: /\/statefulsets\/.*fieldManager=draas-run/,
};

const OWN: readonly KillMoment[] = [
  callMoment("start", "before", APPLY),
  callMoment("start", "after", APPLY),
  callMoment("start", "before", CHANGE),
  callMoment("start", "after", CHANGE),
  callMoment("stop", "before", CHANGE),
  callMoment("stop", "after", CHANGE),
  callMoment("restart", "after", CHANGE),
  callMoment("restart", "after", APPLY),
];

const IMAGES = { [SHELL_IMAGE]: { entrypoint: ["sh", "-c"] } };

function worldOf(cluster: TestCluster) {
  return async (fleet: RedisFleet): Promise<KillWorld> => {
    const { api, kubelet, namespace } = cluster;
    const { folder } = fleet;
    await Deno.writeTextFile(`${folder}/cluster.yaml`, "templates: [image]\n");
    const kubeconfig = async (name: string, url: string) => {
      const path = `${folder}/${name}.kubeconfig`;
      await Deno.writeTextFile(path, cluster.kubeconfig.replace(cluster.url, url));
      return { KUBECONFIG: path };
    };
    const own = await kubeconfig("own", cluster.url);
    let spies = 0;
    return {
      async begin(environment) {
        const args = [
          ...["--data-dir", `${folder}/kubernetes`, "--policy", `${folder}/cluster.yaml`],
          ...["--cluster-namespace", namespace],
        ];
        const life = fleet.begin("worker:kubernetes", args, { ...own, ...environment });
        await life.hears(/^ {2}Found +\d+/m);
        return life;
      },
      async spyRuntime(spy) {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { hostname, port } = new URL(cluster.url);
        const connect = () => Deno.connect({ hostname, port: Number(port) });
        const way = spyOn({ listener, connect, ...spy });
        const { port: at } = listener.addr as Deno.NetAddr;
        return { way, environment: await kubeconfig(`spied-${spies++}`, `http://127.0.0.1:${at}`) };
      },
      instance: (name) => ({
        name,
        platform: "AKS",
        template: "image",
        restartPolicy: { mode: "never" },
        serverConfiguration: shellImage("exec sleep 1000"),
      }),
      async running() {
        const pods = await api.list("pods", namespace);
        const names = pods.map(({ metadata }) => metadata.name);
        return names.filter((name) => kubelet.pids(namespace, name).size > 0);
      },
      nameOf: ({ podName = "" }) => podName,
      async remains() {
        const left = async () =>
          (await Promise.all(
            ["statefulsets", "pods"].map((plural) => api.list(plural, namespace)),
          )).flat().map(({ metadata }) => metadata.name);
        await eventually("all is gone", async () => (await left()).length === 0);
        return await left();
      },
    };
  };
}

workerKills(
  "kubernetes",
  OWN,
  (sentence, run) =>
    testWith(
      ["redis-server", "redis-cli"],
      sentence,
      () => withTestCluster((cluster) => run(worldOf(cluster)), { images: IMAGES }),
    ),
);
