/** The worker's loop over a real broker in memory and a platform that says what it is told to say. Design §4. */
import { assert, assertEquals } from "@std/assert";
import type { Registration } from "../../events/worker_channel.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { memoryWorld } from "../adapters/embedded_world.ts";
import { settled } from "../adapters/manual_clock.ts";
import { appended, command, request, running } from "../contracts/broker_samples.ts";
import { ScriptedPlatform } from "../http/support/scripted_platform.ts";

type World = Awaited<ReturnType<typeof memoryWorld>>;

interface Scene {
  world: World;
  platform: ScriptedPlatform;
  strangers: RuntimeInfo[];
  bugs: unknown[];
  /** A worker on the platform; each is a new incarnation. */
  worker(slots?: number): Worker;
  /** The types of an instance's events. */
  types(instanceId: string): Promise<string[]>;
}

function scene(name: string, run: (scene: Scene) => Promise<void>): void {
  Deno.test(name, async () => {
    const world = await memoryWorld();
    const platform = new ScriptedPlatform();
    const strangers: RuntimeInfo[] = [];
    const bugs: unknown[] = [];
    const workers: Worker[] = [];
    let lives = 0;
    const worker = (slots = 4) => {
      const registration: Registration = {
        workerId: "w1",
        platform: "process",
        site: "site-1",
        incarnation: `life-${++lives}`,
        machineId: "m",
        slots,
        version: "test",
        labels: {},
      };
      const made = new Worker({
        ...world.ports,
        channel: world.broker.workerChannel(registration),
        platform,
        slots,
        onBug: (error) => bugs.push(error),
        onSuperseded: () => {},
        onStranger: (found) => strangers.push(found),
      });
      workers.push(made);
      return made;
    };
    const types = async (instanceId: string) =>
      (await world.broker.log.history(instanceId, 50)).map(({ type }) => type);
    await run({ world, platform, strangers, bugs, worker, types });
    await Promise.all([...workers.map((one) => one.stop(0)), world.advance(10_000)]);
    await world.close();
  });
}

scene(
  "a run that the log places here and of which nothing is left is reported as ended",
  async (on) => {
    const worker = on.worker();
    await worker.start();
    await appended(on.world.broker, request(command("a", "start-a"), 0));
    await on.world.advance(50);
    assertEquals((await on.types("a")).at(-1), "CommandSucceeded");
    on.platform.forget("a");
    await on.worker().start();
    await on.world.advance(50);
    const last = (await on.world.broker.log.history("a", 1))[0]!;
    assert(last.type === "RuntimeObserved" && last.data.observation === "Exited");
    assertEquals(last.data.runtimeInfo.exit?.reason, "Unknown");
  },
);

scene("a live server that is newer than the log is told of, and left alone", async (on) => {
  on.platform.remember({ ...running("unknown", "r9"), generation: 3 });
  await on.worker().start();
  await on.world.advance(50);
  assertEquals(on.strangers.map(({ instanceId }) => instanceId), ["unknown"]);
  assertEquals((await on.platform.inspect("unknown"))?.status, "Running");
});

scene("with all slots in slow starts a stop is still taken, and ends its start", async (on) => {
  await on.worker(1).start();
  on.platform.gate = new Promise(() => {});
  await appended(on.world.broker, request(command("a", "start-a"), 0));
  await on.world.advance(200);
  const stop = command("a", "stop-a", {
    type: "StopInstanceCommand",
    generation: 2,
    site: "site-1",
  });
  await appended(on.world.broker, request(stop, 2));
  await on.world.advance(300);
  assertEquals((await on.types("a")).filter((type) => type === "CommandAccepted").length, 2);
  assert(on.platform.lastSignal?.aborted, "the start was called off");
});

scene("a stop that is never ours calls no start off", async (on) => {
  await on.worker().start();
  on.platform.gate = new Promise(() => {});
  await appended(on.world.broker, request(command("a", "start-a"), 0));
  await on.world.advance(200);
  const late = command("a", "stop-a", {
    type: "StopInstanceCommand",
    generation: 1,
    site: "site-1",
    acceptWithinMs: 1,
  });
  await appended(on.world.broker, request(late, 2, { generation: 3 }));
  await on.world.advance(300);
  assert((await on.types("a")).includes("CommandRefused"));
  assertEquals(on.platform.lastSignal?.aborted, false);
});

scene("a passing fault of the host is answered as what it is, and is no bug", async (on) => {
  on.platform.inspect = () =>
    Promise.reject(new OperationalError("process_table_lost", "It is away.", true, "Try again."));
  await on.worker().start();
  await appended(on.world.broker, request(command("a", "start-a"), 0));
  await on.world.advance(50);
  await settled();
  const last = (await on.world.broker.log.history("a", 1))[0]!;
  assert(last.type === "CommandFailed");
  const { errorCode, retryable } = last.data.response;
  assertEquals([errorCode, retryable, on.bugs], ["process_table_lost", true, []]);
});
