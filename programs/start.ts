/** `deno task start`: control plane, API and process worker in one process, on an embedded log. Design §8. */
import type { FleetSystem } from "../actors/instance_system.ts";
import { hostIds, nextTurn } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../adapters/sqlite/sqlite_broker.ts";
import type { Settings } from "../settings/settings.ts";
import { openPolicy } from "../workers/policy/host_policy.ts";
import { attend } from "./attendance.ts";
import { stopFleet } from "./fleet_stop.ts";
import { openFleetSystem } from "./fleet_system.ts";
import { type HttpDoor, openHttpDoor, STOP_PATIENCE_MS } from "./http_door.ts";
import { type Undo, undoAll } from "./parts.ts";
import { POLICY_FILE, readHostPolicy } from "./policy_file.ts";
import { openSite } from "./process_site.ts";
import { seatWorker } from "./worker_seat.ts";
import { openMetrics, type Telemetry, watchedPlatform } from "./telemetry.ts";
import { endAtNextSignal, endAtOnce } from "./terminal.ts";
import { openTokens, type Tokens } from "./tokens.ts";
import { farewell } from "./words.ts";

type Environment = Readonly<Record<string, string>>;

/** Everything that runs, for as long as it runs. */
interface Node {
  system: FleetSystem;
  door: HttpDoor;
  dataDir: string;
}

/** Runs the program until it is told to end; gives its exit code. */
export async function start(
  settings: Settings,
  environment: Environment,
  telemetry: Telemetry,
): Promise<number> {
  const startedAt = hostClock.monotonic();
  const undo: Undo = [];
  const { voice } = telemetry;
  const tokens = await openTokens(settings, voice);
  const { system, door, dataDir } = await openNode(
    settings,
    environment,
    { telemetry, tokens },
    undo,
  );
  if (settings.redisUrl !== null) {
    voice.tell("warn", "REDIS_URL is set and not used here.", {
      hint: "A control plane on Redis is `deno task serve`.",
    });
  }
  await attend({ system, door }, {
    voice,
    headless: settings.headless,
    environment,
    tookMs: Math.round(hostClock.monotonic() - startedAt),
    place: ["Data", dataDir],
    end: "Ctrl-C ends DRaaS and leaves the servers running; --stop-on-exit stops them.",
  });
  endAtNextSignal(voice, "What runs goes on; `deno task start` finds it again.");
  const left = settings.stopOnExit ? await stopAll({ system, door }, settings, telemetry) : 0;
  const words = await farewell(system, dataDir);
  await undoAll(undo);
  voice.say(words);
  return left > 0 ? 1 : 0;
}

/** The API goes first: a start that came later would be left running. */
async function stopAll(
  { system, door }: Pick<Node, "system" | "door">,
  settings: Settings,
  { voice }: Telemetry,
): Promise<number> {
  await door.close();
  const timeoutMs = settings.queueTimeoutMs;
  return await stopFleet({ system, clock: hostClock, voice, timeoutMs });
}

async function openNode(
  settings: Settings,
  environment: Environment,
  { telemetry, tokens }: { telemetry: Telemetry; tokens: Tokens | null },
  undo: Undo,
): Promise<Node> {
  const { voice } = telemetry;
  const broker = openSqliteBroker({
    folder: `${settings.dataDir}/log`,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => endAtOnce(voice, error),
  });
  hostClock.neverBefore(broker.newestAt);
  undo.push(() => broker.close());
  try {
    // Whoever may ask this API for a program is who started it: nothing is refused unless worker.yaml says so.
    const policy = await readHostPolicy(settings.workerPolicy, openPolicy(POLICY_FILE));
    const platform = await openSite(settings, environment, policy, undo);
    const worker = seatWorker({
      identity: {
        workerId: `embedded-${platform.site}`,
        machineId: platform.site,
        slots: settings.slots,
        labels: settings.workerLabels,
      },
      platform: watchedPlatform(platform, telemetry),
      telemetry,
      openChannel: broker.workerChannel,
      onSuperseded: () =>
        voice.tell("warn", "Another worker has taken over this data folder.", {
          hint: "Start one at a time.",
        }),
    });
    const metrics = openMetrics();
    const system = await openFleetSystem(settings, broker, metrics, telemetry);
    undo.push(() => system.shutdown());
    undo.push(async () => metrics.close());
    await worker.start();
    undo.push(() => worker.stop(STOP_PATIENCE_MS));
    const door = openHttpDoor(settings, { system, metrics, telemetry, tokens });
    undo.push(door.close);
    return { system, door, dataDir: Deno.realPathSync(settings.dataDir) };
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}
