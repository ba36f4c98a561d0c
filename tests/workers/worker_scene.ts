/** The worker's loop over a real broker in memory and a platform that says what it is told to say. */
import type { Registration } from "../../events/worker_channel.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { memoryWorld } from "../adapters/embedded_world.ts";
import { appended, command, request } from "../contracts/broker_samples.ts";
import { ScriptedPlatform } from "../http/support/scripted_platform.ts";

type World = Awaited<ReturnType<typeof memoryWorld>>;

/** What a test of the loop does things to, and looks at. */
export interface Scene {
  world: World;
  platform: ScriptedPlatform;
  strangers: RuntimeInfo[];
  bugs: unknown[];
  /** How often a worker was told that another has taken over. */
  readonly superseded: number;
  /** No beat reaches the log. */
  isAway: boolean;
  /** While a beat is on its way. */
  onBeat: () => void;
  /** No registration reaches the log. */
  cannotRegister: boolean;
  /** A worker on the platform; each is a new incarnation. */
  worker(slots?: number): Worker;
  /** The types of an instance's events. */
  types(instanceId: string): Promise<string[]>;
}

/** A test of the loop in a world of its own. */
export function scene(name: string, run: (scene: Scene) => Promise<void>): void {
  Deno.test(name, async () => {
    const world = await memoryWorld();
    const platform = new ScriptedPlatform();
    const strangers: RuntimeInfo[] = [];
    const bugs: unknown[] = [];
    const workers: Worker[] = [];
    let superseded = 0;
    let lives = 0;
    const worker = (slots = 4) => {
      const registration = () => ({
        ...registrationOf("w1"),
        incarnation: `life-${++lives}`,
        slots,
      });
      const made = new Worker({
        ...world.ports,
        openChannel: () => {
          const channel = world.broker.workerChannel(registration());
          const [heartbeat, register] = [channel.heartbeat, channel.register];
          channel.heartbeat = (busy) => {
            on.onBeat();
            return on.isAway ? away() : heartbeat.call(channel, busy);
          };
          channel.register = () => on.cannotRegister ? away() : register.call(channel);
          return channel;
        },
        platform,
        slots,
        onBug: (error) => bugs.push(error),
        onSuperseded: () => void superseded++,
        onStranger: (found) => strangers.push(found),
      });
      workers.push(made);
      return made;
    };
    const types = async (instanceId: string) =>
      (await world.broker.log.history(instanceId, 50)).map(({ type }) => type);
    const on: Scene = {
      isAway: false,
      onBeat: () => {},
      cannotRegister: false,
      world,
      platform,
      strangers,
      bugs,
      worker,
      types,
      get superseded() {
        return superseded;
      },
    };
    await run(on);
    await Promise.all([...workers.map((one) => one.stop(0)), world.advance(10_000)]);
    await world.close();
  });
}

function away(): Promise<never> {
  return Promise.reject(new OperationalError("log_unavailable", "It is away.", true, "Wait."));
}

/** A worker of a site. */
export function registrationOf(workerId: string, site = "site-1"): Registration {
  return {
    workerId,
    platform: "process",
    site,
    incarnation: "another",
    machineId: "m",
    slots: 4,
    version: "test",
    labels: {},
  };
}

/** A worker, and the instance `a`, which it has been given to start. */
export async function givenAStart(on: Scene): Promise<void> {
  await on.worker().start();
  await appended(on.world.broker, request(command("a", "start-a"), 0));
  await on.world.advance(50);
}
