/** `deno task serve`: a control plane on Redis, one of as many as there should be. No worker is inside. Design §8. */
import type { FleetSystem } from "../actors/instance_system.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { NodeMetrics } from "../adapters/prometheus/node_metrics.ts";
import type { RedisBroker } from "../adapters/redis/redis_broker.ts";
import type { Settings } from "../settings/settings.ts";
import { attend } from "./attendance.ts";
import { openFleetSystem } from "./fleet_system.ts";
import { openHttpDoor } from "./http_door.ts";
import { type Undo, undoAll } from "./parts.ts";
import { openRedis, tellOfRedis } from "./redis_access.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import { openMetrics, type Telemetry } from "./telemetry.ts";
import { endAtNextSignal } from "./terminal.ts";
import { openTokens } from "./tokens.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function serve(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  telemetry: Telemetry,
): Promise<number> {
  const startedAt = hostClock.monotonic();
  const undo: Undo = [];
  const { voice } = telemetry;
  const tokens = await openTokens(settings, voice);
  const wait = { clock: hostClock, voice, waitMs: settings.redisWaitMs };
  const metrics = openMetrics();
  const { broker, system } = await whenRedisAnswers(
    wait,
    () => openFleet(settings, metrics, telemetry, undo),
  );
  undo.push(async () => metrics.close());
  tellOfRedis(broker, voice, "Requests get 503 until it is back; what runs goes on.");
  const door = await openedOrUndone(
    undo,
    () => openHttpDoor(settings, { system, metrics, telemetry, tokens }),
  );
  undo.push(door.close);
  await attend({ system, door }, {
    voice,
    headless: settings.headless,
    environment,
    tookMs: Math.round(hostClock.monotonic() - startedAt),
    place: ["Redis", `${broker.name}, namespace ${settings.namespace}`],
    end: "Ctrl-C ends this control plane; workers, servers and other control planes go on.",
  });
  endAtNextSignal(voice, "The fleet goes on without this control plane.");
  await undoAll(undo);
  voice.say("This control plane has ended; the fleet goes on.");
  return 0;
}

async function openFleet(
  settings: Settings,
  metrics: NodeMetrics,
  telemetry: Telemetry,
  undo: Undo,
): Promise<{ broker: RedisBroker; system: FleetSystem }> {
  const broker = await openRedis(settings, telemetry.voice);
  undo.push(() => broker.close());
  try {
    const system = await openFleetSystem(settings, broker, metrics, telemetry);
    undo.push(() => system.shutdown());
    return { broker, system };
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}

/** A port that is in use: what is open is closed, so that another node may lead at once. */
async function openedOrUndone<T>(undo: Undo, open: () => T): Promise<T> {
  try {
    return open();
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}
