/**
 * A worker over Redis that is to be killed: the production parts, with kill points around its channel and its platform.
 * `redis_worker_victim.ts <url> <folder> <point, or nothing>`; it says its site once it works, and ends with its input.
 */
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { reasonOf } from "../../events/errors.ts";
import { openProcessPlatform } from "../../workers/process/process_platform.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { brokerAt } from "../adapters/redis_fault_world.ts";
import { isKillPoint, Trigger } from "./kill_points.ts";
import { disarmShim, killingChannel, killingPlatform, makeShimTools } from "./killing_ports.ts";

/** The namespace of the test's fleet. */
export const NAMESPACE = "chaos";

const SLOTS = 4;

async function work(url: string, folder: string, point: string): Promise<void> {
  const trigger = new Trigger(() => {
    Deno.kill(Deno.pid, "SIGKILL");
    // The signal is on its way; not one more line of the program may run.
    for (;;);
  });
  const tools = `${folder}/tools`;
  makeShimTools(tools);
  disarmShim(tools);
  const platform = await openProcessPlatform({
    dataFolder: `${folder}/process`,
    clock: hostClock,
    ids: hostIds,
    hostEnvironment: { PATH: `${tools}:${Deno.env.get("PATH") ?? ""}` },
    drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
  });
  const broker = await brokerAt(url, NAMESPACE);
  if (isKillPoint(point)) trigger.arm({ point, occurrence: 1 });
  const worker = new Worker({
    openChannel: () =>
      killingChannel(
        broker.workerChannel({
          workerId: "victim",
          platform: platform.name,
          site: platform.site,
          incarnation: hostIds.next("incarnation"),
          machineId: platform.site,
          slots: SLOTS,
          version: "chaos",
          labels: {},
        }),
        trigger,
      ),
    platform: killingPlatform(platform, trigger, tools),
    clock: hostClock,
    ids: hostIds,
    slots: SLOTS,
    onBug: complain,
    onSuperseded: () => complain("superseded, though nobody else uses this folder"),
    onStranger: ({ instanceId }) => complain(`${instanceId} runs here and is newer than the log`),
  });
  await worker.start();
  Deno.stdout.writeSync(new TextEncoder().encode(`${platform.site}\n`));
  for await (const _ of Deno.stdin.readable);
  await worker.stop(3_000);
  await broker.close();
}

function complain(error: unknown): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`a bug: ${reasonOf(error)}\n`));
}

if (import.meta.main) {
  const [url = "", folder = "", point = ""] = Deno.args;
  await work(url, folder, point);
  Deno.exit(0);
}
