/** The worker of a benchmark: the real loop over any platform; whatever goes wrong ends the benchmark. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Registration, WorkerChannel } from "../events/worker_channel.ts";
import { Worker, type WorkerParts } from "../workers/worker_loop.ts";
import type { Platform } from "../workers/platform.ts";

const SLOTS = 64;

/** Joins, and takes commands. */
export async function startBenchWorker(
  broker: { workerChannel(registration: Registration): WorkerChannel },
  platform: Platform,
  aroundCommand?: WorkerParts["aroundCommand"],
): Promise<Worker> {
  const worker = new Worker({
    openChannel: () =>
      broker.workerChannel({
        workerId: "bench",
        platform: platform.name,
        site: platform.site,
        incarnation: hostIds.next("incarnation"),
        machineId: platform.site,
        slots: SLOTS,
        version: "bench",
        labels: {},
      }),
    platform,
    clock: hostClock,
    ids: hostIds,
    slots: SLOTS,
    onBug: fail,
    onSuperseded: () => fail("superseded"),
    onStranger: ({ runId }) => fail(`a stranger runs: ${runId}`),
    ...(aroundCommand ? { aroundCommand } : {}),
  });
  await worker.start();
  return worker;
}

/** What must not happen in a benchmark. */
export function fail(error: unknown): never {
  throw error instanceof Error ? error : new Error(String(error));
}
