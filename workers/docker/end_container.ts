/** Ends a live container: gently, then by force. */
import { sleep } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Fence } from "../platform.ts";
import type { ContainerWatch, WatchedContainer } from "./container_watch.ts";
import type { DockerSite } from "./docker_site.ts";

/** A container that SIGKILL does not end within this hangs in the kernel, or in its daemon. */
const KILLED_WITHIN_MS = 10_000;
/** Events tell of an end at once; this is for one whose event is lost. */
const LOOK_EVERY_MS = 250;

/** What became of it; null where it did not end. */
export async function endContainer(
  site: DockerSite,
  watch: ContainerWatch,
  watched: WatchedContainer,
  fence: Fence,
): Promise<RuntimeInfo | null> {
  let ended: RuntimeInfo | null = null;
  watched.isAsked = true;
  try {
    return ended = await endGentlyOrByForce(site, watch, watched, fence);
  } finally {
    // It lives on, to its own end.
    if (ended === null) watched.isAsked = false;
  }
}

async function endGentlyOrByForce(
  site: DockerSite,
  watch: ContainerWatch,
  watched: WatchedContainer,
  fence: Fence,
): Promise<RuntimeInfo | null> {
  const { labels, state } = watched.run;
  const { stopSignal, stopGraceMs } = labels.plan;
  // Before the signal, so that whoever sees its end knows why.
  await site.marks.askEnd(labels.instanceId, labels.runId, fence);
  await site.engine.signal(state.id, stopSignal);
  const gently = await endedWithin(site, watch, watched, stopGraceMs);
  if (gently) return gently;
  await site.engine.signal(state.id, "SIGKILL");
  return await endedWithin(site, watch, watched, KILLED_WITHIN_MS);
}

async function endedWithin(
  { clock }: DockerSite,
  watch: ContainerWatch,
  { run, ended }: WatchedContainer,
  limitMs: number,
): Promise<RuntimeInfo | null> {
  const until = clock.monotonic() + limitMs;
  for (;;) {
    const leftMs = until - clock.monotonic();
    const pause = new AbortController();
    const waited = sleep(clock, Math.max(0, Math.min(LOOK_EVERY_MS, leftMs)), pause.signal);
    const info = await Promise.race([ended, waited.then(() => null)]);
    pause.abort();
    if (info !== null) return info;
    await watch.look(run.state.id);
    if (leftMs <= 0) return await Promise.race([ended, Promise.resolve(null)]);
  }
}
