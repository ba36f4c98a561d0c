/** A worker over any bus and platform, put together with what it says of itself. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Registration, WorkerChannel } from "../events/worker_channel.ts";
import type { Platform } from "../workers/platform.ts";
import { Worker } from "../workers/worker_loop.ts";
import { type Telemetry, watchedCommands } from "./telemetry.ts";
import { tellBug } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Who a worker is, and how it reaches the bus. */
export interface WorkerSeat {
  identity: Pick<Registration, "workerId" | "machineId" | "slots" | "labels">;
  platform: Platform;
  telemetry: Telemetry;
  openChannel(registration: Registration): WorkerChannel;
  /** Another incarnation has taken over, and this one has left. */
  onSuperseded(): void;
}

/** A worker that is yet to be started. */
export function seatWorker(
  { identity, platform, telemetry, openChannel, onSuperseded }: WorkerSeat,
): Worker {
  const { voice } = telemetry;
  const aroundCommand = watchedCommands(telemetry);
  return new Worker({
    openChannel: () =>
      openChannel({
        ...identity,
        platform: platform.name,
        site: platform.site,
        incarnation: hostIds.next("incarnation"),
        version: VERSION,
      }),
    platform,
    clock: hostClock,
    ids: hostIds,
    slots: identity.slots,
    onBug: (error) => tellBug(voice, error),
    onStranger: ({ instanceId, processId, containerId }) =>
      voice.tell(
        "warn",
        `The server of instance ${instanceId} (${
          processId === undefined
            ? `container ${containerId?.slice(0, 12)}`
            : `process ${processId}`
        }) runs here, and the log does not know it.`,
        {
          instanceId,
          hint:
            "The log was lost, or an older copy was put back. The server is left alone: put the newer log back, or end it.",
        },
      ),
    onSuperseded,
    ...(aroundCommand ? { aroundCommand } : {}),
  });
}
