/** Two workers of one namespace, or people beside one, between any two of its steps: nothing runs twice, or unseen. */
import { assert, assertEquals } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { eventually } from "../workers/process_world.ts";
import { shellImage } from "./kubernetes_world.ts";
import { exitsOf, inWorld, onDouble, POD, refused, SET, start, started } from "./started.ts";

const STEADY = shellImage("exec sleep 1000");
/** It takes its time to end. */
const SLOW = shellImage("trap 'sleep 1; exit 0' TERM; while :; do sleep 0.05; done");
const fence = (generation: number) => ({ generation, attempt: 1 });

interface Asked {
  method: string;
  path: string;
}

/** The n-th patch of the instance's set from now on. */
function patch(number: number): (asked: Asked) => boolean {
  let patches = 0;
  return ({ method, path }) =>
    method === "PATCH" && path.includes("/statefulsets/") && ++patches === number;
}

inWorld(
  "a set that is deleted has its end told once its pod is gone, and is started again",
  async (world) => {
    const { platform, cluster: { api, namespace, kubelet } } = world;
    const exits = exitsOf(platform);
    await started(platform, SLOW);
    await api.delete("statefulsets", namespace, SET);
    await eventually("its end is told", () => exits.length > 0);
    assertEquals(kubelet.pids(namespace, POD).size, 0, "not before");
    await started(platform, STEADY, { fence: fence(2) });
  },
);

inWorld("a start and a stop wait for a pod whose set is gone", async (world) => {
  const { platform, cluster: { api, namespace, kubelet } } = world;
  await started(platform, SLOW);
  await api.delete("statefulsets", namespace, SET);
  assertEquals((await platform.stop("i-1", fence(2))).kind, "stopped");
  assertEquals(kubelet.pids(namespace, POD).size, 0);
  await started(platform, SLOW, { fence: fence(3) });
  await api.delete("statefulsets", namespace, SET);
  await started(platform, STEADY, { fence: fence(4) });
});

inWorld("what somebody scales up that was stopped is ended by the next stop", async (world) => {
  const { platform, cluster: { api, namespace, kubelet } } = world;
  await started(platform, STEADY);
  const stopped = await platform.stop("i-1", fence(2));
  await api.merge("statefulsets", namespace, SET, { spec: { replicas: 1 } });
  await eventually("it runs", () => kubelet.pids(namespace, POD).size > 0);
  assertEquals(await platform.stop("i-1", fence(3)), stopped);
  await eventually("it does not", async () => await api.find("pods", namespace, POD) === null);
});

onDouble("what is removed between the two steps of a start does not come back", async (world) => {
  const { platform, reopen, cluster: { api, namespace, double } } = world;
  const other = await reopen();
  double.faults.beforeNext(patch(2), async () => {
    assertEquals((await other.remove("i-1", fence(2))).kind, "stopped");
  });
  assertEquals((await refused(platform, STEADY)).code, "stale_generation");
  for (const plural of ["statefulsets", "pods"]) {
    assertEquals(await api.list(plural, namespace), []);
  }
});

onDouble(
  "a start that stood still comes to nothing once a newer one was begun and stopped",
  async (world) => {
    const { platform, reopen, cluster: { double, kubelet, namespace } } = world;
    const other = await reopen();
    double.faults.beforeNext(patch(1), async () => {
      await started(other, STEADY, { fence: fence(3) });
      await other.stop("i-1", fence(4));
    });
    assertEquals((await refused(platform, STEADY)).code, "stale_generation");
    assertEquals(kubelet.pids(namespace, POD).size, 0);
  },
);

onDouble("an inventory leaves alone what was begun while it looked", async (world) => {
  const { platform, reopen, cluster: { double, kubelet, namespace } } = world;
  await started(platform, STEADY);
  // The other worker lists pods, and watches them; the third time it is asked for its inventory, and has the sets.
  let asked = 0;
  const isPodList = ({ method, path }: Asked) =>
    method === "GET" && path.endsWith("/pods") && ++asked === 3;
  let runId = "";
  double.faults.beforeNext(isPodList, async () => {
    await platform.stop("i-1", fence(2));
    runId = (await started(platform, STEADY, { fence: fence(3) })).runId;
  });
  const other = await reopen();
  const exits = exitsOf(other);
  await eventually("it watches", () => asked === 2);
  assertEquals((await other.inventory()).map((info) => info.runId), [runId]);
  assertEquals([exits, kubelet.pids(namespace, POD).size], [[], 1]);
});

inWorld("an older stop leaves a newer start alone that waits for a node", async (world) => {
  const { platform, reopen, cluster: { kubelet } } = world;
  const other = await reopen();
  kubelet.refusePods("1 Insufficient memory");
  const starting = start(platform, STEADY, { fence: fence(5) });
  await eventually("its pod is asked for", async () => {
    const { api, namespace } = world.cluster;
    return await api.find("pods", namespace, POD) !== null;
  });
  assertEquals((await other.stop("i-1", fence(4))).kind, "failed");
  kubelet.refusePods(null);
  assertEquals((await starting).kind, "running");
});

inWorld("another size of volumes concerns new ones only", async ({ platform, reopen }) => {
  const volumes = [{ name: "data", path: "/data" }];
  await started(platform, shellImage("exec sleep 1000", { volumes }));
  await platform.stop("i-1", NO_FENCE);
  const other = await reopen({ volumeSize: "2Gi" });
  await started(other, shellImage("exec sleep 1000", { volumes }), { fence: fence(2) });
});

onDouble(
  "a line that makes a server ready is found although its output could not be read at first",
  async (world) => {
    const { platform, cluster: { double } } = world;
    let failures = 0;
    const isLog = ({ path }: Asked) => path.includes("/log") && ++failures <= 2;
    double.faults.fail({ status: 500, count: 2, matches: isLog });
    const readiness = { logLine: { contains: "ready now" }, withinMs: 20_000 };
    await started(platform, shellImage("echo ready now; exec sleep 1000", { readiness }));
    assert(failures >= 2);
  },
);

inWorld("a line without an end is cut, and what comes after it is read", async ({ platform }) => {
  const script = "head -c 300000 /dev/zero | tr '\\0' x; echo; echo after; exec sleep 1000";
  await started(platform, shellImage(script));
  const lines = await eventually("it has spoken", async () => {
    const found = await platform.logs("i-1", 10);
    return found.at(-1) === "after" && found;
  });
  assert(lines.every((line) => line.length <= 65_536), String(lines.map(({ length }) => length)));
});
