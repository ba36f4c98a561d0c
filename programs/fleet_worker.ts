/** A worker on any host that reaches the fleet's Redis: takes its seat, works, and leaves; its servers outlive it. */
import { type Clock, sleep } from "../events/clock.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { RedisBroker } from "../adapters/redis/redis_broker.ts";
import { OperationalError } from "../events/errors.ts";
import type { Settings } from "../settings/settings.ts";
import type { Platform } from "../workers/platform.ts";
import type { HostPolicy } from "../workers/policy/host_policy.ts";
import type { Worker } from "../workers/worker_loop.ts";
import { keptWorkerId, machineIdOf } from "./data_folder.ts";
import { type Undo, undoAll } from "./parts.ts";
import { openRedis, tellOfRedis } from "./redis_access.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import { type Telemetry, watchedPlatform } from "./telemetry.ts";
import { endAtNextSignal, untilSignal } from "./terminal.ts";
import { VERSION } from "./version.ts";
import { seatWorker } from "./worker_seat.ts";
import { workerFarewell, workerGreeting } from "./words.ts";

/** Another incarnation of this worker has taken over: a service manager should not start this one again. */
const SUPERSEDED_CODE = 3;
/** For saying goodbye to a Redis that may be away. */
const LEAVE_WITHIN_MS = 3_000;

/** A worker that is at work. */
interface Seated {
  worker: Worker;
  broker: RedisBroker;
  superseded: Promise<"superseded">;
}

/** What a worker works with. */
export interface FleetWorkerParts {
  platform: Platform;
  policy: HostPolicy;
  /** What it runs servers as, and where: `servers as processes of host-1`. */
  runs: string;
  undo: Undo;
}

/** Runs a worker over an opened platform until it is told to end; gives its exit code. */
export async function runFleetWorker(
  settings: Settings,
  { platform, policy, runs, undo }: FleetWorkerParts,
  telemetry: Telemetry,
): Promise<number> {
  const { voice } = telemetry;
  const startedAt = hostClock.monotonic();
  const hostName = Deno.hostname();
  const workerId = settings.workerId ?? await keptWorkerId(settings.dataDir, hostName);
  const wait = { clock: hostClock, voice, waitMs: settings.redisWaitMs };
  const found =
    (await platform.inventory("live")).filter(({ status }) => status === "Running").length;
  const { worker, broker, superseded } = await whenRedisAnswers(
    wait,
    () => takeSeat(settings, { platform, workerId, hostName, telemetry }),
  );
  tellOfRedis(broker, voice, "The servers run on; the worker goes on when it is back.");
  const asked = untilSignal();
  voice.say(workerGreeting({
    version: VERSION,
    tookMs: Math.round(hostClock.monotonic() - startedAt),
    workerId,
    runs,
    address: broker.name,
    namespace: settings.namespace,
    dataDir: Deno.realPathSync(settings.dataDir),
    slots: settings.slots,
    labels: settings.workerLabels,
    templates: policy.templates,
    policy: policy.source,
    found,
  }));
  const reason = await Promise.race([asked, superseded]);
  endAtNextSignal(
    voice,
    "The servers run on; the worker's next start on this folder goes on with them.",
  );
  const isIdle = await leave(worker, settings.patienceMs);
  await within(hostClock, LEAVE_WITHIN_MS, broker.close());
  await undoAll(undo);
  if (reason === "superseded") {
    voice.tell("error", `Another worker has taken over the id ${workerId}; this one has left.`, {
      workerId,
      hint: "Give each worker a data folder of its own, or another --worker-id.",
    });
    return SUPERSEDED_CODE;
  }
  voice.say(workerFarewell(workerId, isIdle));
  return 0;
}

interface Seat {
  platform: Platform;
  workerId: string;
  hostName: string;
  telemetry: Telemetry;
}

async function takeSeat(
  settings: Settings,
  { platform, workerId, hostName, telemetry }: Seat,
): Promise<Seated> {
  const broker = await openRedis(settings, telemetry.voice);
  const superseded = Promise.withResolvers<"superseded">();
  const worker = seatWorker({
    identity: {
      workerId,
      machineId: await machineIdOf(hostName),
      slots: settings.slots,
      labels: settings.workerLabels,
    },
    platform: watchedPlatform(platform, telemetry),
    telemetry,
    openChannel: broker.workerChannel,
    onSuperseded: () => superseded.resolve("superseded"),
  });
  try {
    await worker.start();
    return { worker, broker, superseded: superseded.promise };
  } catch (error) {
    await broker.close();
    throw seatTaken(error);
  }
}

/** A worker that has just ended on another machine counts as alive for a moment: a container that was moved, say. */
function seatTaken(error: unknown): unknown {
  if (!(error instanceof OperationalError) || error.code !== "worker_refused") return error;
  return new OperationalError(error.code, error.message, true, error.hint, { cause: error });
}

/** Finishes what is in hand as far as there is time; false when some of it is left. */
async function leave(worker: Worker, patienceMs: number): Promise<boolean> {
  const begin = hostClock.monotonic();
  const left = worker.stop(patienceMs).catch((error) => {
    // Redis is away: the fleet notices by itself that this worker is silent.
    if (!(error instanceof OperationalError)) throw error;
  });
  await within(hostClock, patienceMs + LEAVE_WITHIN_MS, left);
  return hostClock.monotonic() - begin < patienceMs;
}

async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController();
  await Promise.race([work, sleep(clock, limitMs, limit.signal)]);
  limit.abort();
}
