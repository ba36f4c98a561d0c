/** `deno task serve`: a control plane on Redis, one of as many as there should be. No worker is inside. Design §8. */
import type { FleetSystem } from "../actors/instance_system.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { RedisBroker } from "../adapters/redis/redis_broker.ts";
import type { Settings } from "../settings/settings.ts";
import { attend } from "./attendance.ts";
import { openFleetSystem } from "./fleet_system.ts";
import { openHttpDoor } from "./http_door.ts";
import { type Undo, undoAll } from "./parts.ts";
import { openRedis, tellOfRedis } from "./redis_access.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import { endAtNextSignal, say, terminal } from "./terminal.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function serve(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const startedAt = hostClock.monotonic();
  const undo: Undo = [];
  const wait = { clock: hostClock, voice: terminal, waitMs: settings.redisWaitMs };
  const { broker, system } = await whenRedisAnswers(wait, () => openFleet(settings, undo));
  tellOfRedis(broker, terminal, "Requests get 503 until it is back; what runs goes on.");
  const door = await doorOrNothing(settings, system, undo);
  await attend({ system, url: door.url }, {
    headless: settings.headless,
    environment,
    tookMs: Math.round(hostClock.monotonic() - startedAt),
    place: ["Redis", `${broker.name}, namespace ${settings.namespace}`],
    end: "Ctrl-C ends this control plane; workers, servers and other control planes go on.",
  });
  endAtNextSignal("The fleet goes on without this control plane.");
  await undoAll(undo);
  say("This control plane has ended; the fleet goes on.");
  return 0;
}

async function openFleet(
  settings: Settings,
  undo: Undo,
): Promise<{ broker: RedisBroker; system: FleetSystem }> {
  const broker = await openRedis(settings);
  undo.push(() => broker.close());
  try {
    const system = await openFleetSystem(settings, broker);
    undo.push(() => system.shutdown());
    return { broker, system };
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}

/** A port that is in use: what is open is closed, so that another node may lead at once. */
async function doorOrNothing(settings: Settings, system: FleetSystem, undo: Undo) {
  try {
    const door = openHttpDoor(settings, system);
    undo.push(door.close);
    return door;
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}
