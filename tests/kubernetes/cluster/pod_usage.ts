/** What a pod's processes use of the host, in the form of `metrics.k8s.io`. */
import { type KubeObject, kubeTime } from "./kube_objects.ts";
import type { PodWorker } from "./pod_worker.ts";

const PAGE_BYTES = 4_096;
const TICKS_PER_SECOND = 100;

/** Of the first process of each container; null when nothing of it runs. */
export function podUsage(worker: PodWorker | undefined): KubeObject | null {
  const pids = worker?.pids() ?? new Map<string, number>();
  if (!worker || pids.size === 0) return null;
  const { name, namespace = "", labels = {}, creationTimestamp = "" } = worker.pod.metadata;
  return {
    kind: "PodMetrics",
    apiVersion: "metrics.k8s.io/v1beta1",
    metadata: { name, namespace, labels, creationTimestamp },
    timestamp: kubeTime(),
    window: "15s",
    containers: [...pids].flatMap(([container, pid]) => {
      const usage = usageOf(pid);
      return usage ? [{ name: container, usage }] : [];
    }),
  };
}

function usageOf(pid: number): { cpu: string; memory: string } | null {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const uptime = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
    const usedSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    const livedSeconds = Math.max(0.1, uptime - Number(fields[19]) / TICKS_PER_SECOND);
    const nanocores = Math.round(usedSeconds / livedSeconds * 1e9);
    const kibibytes = Number(fields[21]) * PAGE_BYTES / 1_024;
    return { cpu: `${nanocores}n`, memory: `${kibibytes}Ki` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
