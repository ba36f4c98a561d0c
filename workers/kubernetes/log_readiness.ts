/** Waits for the line of a server's output that says that it is ready. */
import type { ContainerReadiness } from "../templates/image.ts";
import { lineTest } from "../templates/image.ts";
import { type ClusterSite, isPodOf, look, printed } from "./cluster_site.ts";

type LineAsked = Extract<ContainerReadiness, { kind: "log" }>;

/** Whether the line was there, and what is told until it is. */
export interface AwaitedLine {
  isThere(): boolean;
  readonly words: string;
}

/** Reads on until the line is there, or it is aborted; whoever waits is woken then. */
export function untilLine(
  site: ClusterSite,
  instanceId: string,
  asked: LineAsked,
  signal: AbortSignal,
): AwaitedLine {
  let isThere = false;
  const isIt = lineTest(asked);
  const read = async () => {
    while (!signal.aborted && !isThere) {
      const { record: { run }, pod } = await look(site, instanceId);
      if (run === null || pod === null || !isPodOf(run, pod)) {
        await site.pods.change(instanceId, signal);
        continue;
      }
      for await (const { text } of printed(site, pod, { follows: true, signal })) {
        if (!isIt(text)) continue;
        isThere = true;
        return site.pods.wake(instanceId);
      }
      await site.pods.change(instanceId, signal);
    }
  };
  // A cluster that is away shows as a line that does not come; when it is back it is read again.
  const readOn = async () => {
    while (!signal.aborted && !isThere) {
      await read().catch(() => site.pods.change(instanceId, signal));
    }
  };
  void readOn();
  const wanted = JSON.stringify(asked.contains ?? asked.matches);
  return { isThere: () => isThere, words: `no line of its output has ${wanted} yet` };
}
