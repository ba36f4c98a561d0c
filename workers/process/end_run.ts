/** Ends a live run: gently, then by force. */
import { type Clock, sleep } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Failure } from "../platform.ts";
import { endConfined, joinsOf } from "./confine_run.ts";
import type { StopRecord } from "./instance_folder.ts";
import type { WatchedRun } from "./exit_watch.ts";
import type { ProcessHost } from "./process_host.ts";
import { identityOf } from "./run_state.ts";

/** A process that SIGKILL does not end within this is stuck in the kernel. */
const KILLED_WITHIN_MS = 5_000;

/** How to ask it to end. */
export interface EndRequest {
  signal: string;
  graceMs: number;
}

/**
 * Signals the run's whole group, waits for its grace period, then kills it.
 * @returns what became of it, or the failure `still_running`
 */
export async function endRun(
  host: ProcessHost,
  watched: WatchedRun,
  request: EndRequest,
): Promise<{ ended: RuntimeInfo } | { failure: Failure }> {
  const asked = { signal: request.signal, graceMs: request.graceMs };
  await say(watched, { reason: "Stopped", ...asked });
  host.watch.hurry();
  await host.table.signalGroup(identityOf(watched.run), request.signal);
  const gently = await within(host.clock, request.graceMs, watched.ended);
  if (gently) return { ended: gently };
  await say(watched, { reason: "Killed", ...asked });
  await host.table.signalGroup(identityOf(watched.run), "SIGKILL");
  await endConfined(host, await joinsOf(watched.folder, watched.run.runId));
  const killed = await within(host.clock, KILLED_WITHIN_MS, watched.ended);
  if (killed) return { ended: killed };
  return {
    failure: {
      code: "still_running",
      message: `Process ${watched.run.pid} did not end on SIGKILL within ` +
        `${KILLED_WITHIN_MS / 1_000} s. It hangs in the kernel (a dead disk or network mount?).`,
      retryable: true,
    },
  };
}

/** Says why the run ends before it does, so that whoever sees its end knows. */
async function say(watched: WatchedRun, record: StopRecord): Promise<void> {
  watched.stop = record;
  // A full disk must not keep a server from being stopped; this worker remembers.
  await watched.folder.writeStop(watched.run.runId, record).catch(() => undefined);
}

async function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T | null> {
  const limit = new AbortController();
  const first = await Promise.race([promise, sleep(clock, limitMs, limit.signal).then(() => null)]);
  limit.abort();
  return first;
}
