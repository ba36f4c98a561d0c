/** What the leader does about workers: starts are placed and moved, the lost are given up in time, never too early. Design §4 rules 5, 8. */
import { assert, assertEquals } from "@std/assert";
import { specificationSchema } from "../../events/specification.ts";
import { OperationalError } from "../../events/errors.ts";
import type { WorkerChannel } from "../../events/worker_channel.ts";
import type { EventType } from "../../events/instance_events.ts";
import { statusOf } from "../../machines/status.ts";
import { settled } from "../adapters/manual_clock.ts";
import { registration, running, success } from "../contracts/broker_samples.ts";
import { SystemWorld } from "./system_world.ts";

const LEASE_MS = 10_000;

/** A world with workers that a test moves by hand; `w1` is at `site-w1`, and so on. */
class Watching {
  private readonly beating = new Map<string, WorkerChannel>();

  constructor(readonly world: SystemWorld) {}

  async join(workerId: string, labels: Record<string, string> = {}): Promise<WorkerChannel> {
    const channel = this.world.broker.workerChannel(
      registration(workerId, { site: `site-${workerId}`, labels }),
    );
    assertEquals((await channel.register()).kind, "registered");
    this.beating.set(workerId, channel);
    return channel;
  }

  /** It beats no more. */
  silence(workerId: string): void {
    this.beating.delete(workerId);
  }

  /** Lets time pass; every worker that is not silent beats each half second. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      await this.world.clock.advance(Math.min(500, ms - passed));
      for (const channel of this.beating.values()) await channel.heartbeat(0);
    }
    await settled();
  }

  async create(more: Record<string, unknown> = {}): Promise<string> {
    const outcome = await this.world.ask(null, {
      type: "create",
      specification: specificationSchema.parse({
        name: "one",
        template: "command",
        configuration: { command: ["/bin/true"] },
        ...more,
      }),
    });
    assert(outcome.kind === "done");
    return outcome.state.context.instanceId;
  }

  async start(id: string): Promise<void> {
    const outcome = await this.world.ask(id, { type: "start" }, { wait: false });
    assertEquals(outcome.kind, "accepted", JSON.stringify(outcome));
    await settled();
  }

  /** The worker takes and accepts what it is offered; the ids of the instances. */
  async take(channel: WorkerChannel): Promise<string[]> {
    const taken = await channel.take(9, 0);
    for (const { messageId } of taken) await channel.accept(messageId);
    await settled();
    return taken.map(({ instanceId }) => instanceId);
  }

  /** Started and running at a worker, with the lease that the command carried. */
  async runAt(workerId: string, channel: WorkerChannel, id: string): Promise<void> {
    await this.start(id);
    const [command] = await channel.take(1, 0);
    assert(command, "the start is offered to it");
    await channel.accept(command.messageId);
    const { leaseMs } = command;
    const info = running(id, `run-of-${command.messageId}`, {
      site: `site-${workerId}`,
      generation: command.generation,
      ...(leaseMs === undefined ? {} : { leaseMs }),
    });
    await channel.complete(command.messageId, 1, success("StartInstanceCommand", id, info));
    await settled();
  }

  async status(id: string): Promise<string> {
    return statusOf((await this.world.system.get(id))!);
  }

  async count(id: string, type: EventType): Promise<number> {
    return (await this.world.system.history(id, 500)).filter((one) => one.type === type).length;
  }
}

function watchTest(name: string, run: (on: Watching) => Promise<void>): void {
  Deno.test(name, async () => {
    const world = await SystemWorld.open();
    await run(new Watching(world));
    assertEquals(world.bugs, []);
    await world.system.shutdown();
    await world.broker.close();
  });
}

watchTest(
  "a start with labels goes to a worker that has them, and the event says why",
  async (on) => {
    const [plain, ssd] = [await on.join("w1"), await on.join("w2", { disk: "ssd" })];
    await on.pass(1_000);
    const id = await on.create({ workerLabels: { disk: "ssd" } });
    await on.start(id);
    assertEquals(await on.take(plain), []);
    assertEquals(await on.take(ssd), [id]);
    const [event] = await on.world.system.history(id, 2);
    assert(event?.type === "StartRequested");
    assertEquals(event.data.placement, {
      site: "site-w2",
      workerId: "w2",
      reason: "the least loaded (0 of 4 slots) of 1 worker with the label disk=ssd",
    });
  },
);

watchTest(
  "starts that are placed at once are spread, also before any worker has said how busy it is",
  async (on) => {
    const zone = { zone: "a" };
    const workers = [await on.join("w1", zone), await on.join("w2", zone)];
    await on.pass(1_000);
    for (let n = 0; n < 4; n++) await on.start(await on.create({ workerLabels: zone }));
    const taken = await Promise.all(workers.map((worker) => on.take(worker)));
    assertEquals(taken.map(({ length }) => length), [2, 2]);
  },
);

watchTest(
  "a start that no worker may have waits, and is moved as soon as one joins that may",
  async (on) => {
    const plain = await on.join("w1");
    await on.pass(1_000);
    const id = await on.create({ workerLabels: { disk: "ssd" } });
    await on.start(id);
    await on.pass(5_000);
    assertEquals(await on.take(plain), []);
    const ssd = await on.join("w2", { disk: "ssd" });
    await on.pass(1_500);
    assertEquals(await on.take(ssd), [id]);
  },
);

watchTest("whoever waits in vain for labels hears which ones nobody has", async (on) => {
  await on.join("w1", { zone: "a" });
  await on.pass(1_000);
  const id = await on.create({ workerLabels: { zone: "a", disk: "ssd" } });
  const asked = on.world.ask(id, { type: "start" }, { timeoutMs: 3_000 });
  await on.pass(4_000);
  const outcome = await asked;
  assert(outcome.kind === "failed");
  assertEquals([outcome.failure.code, outcome.failure.message], [
    "no_worker",
    "No worker for the platform process has the label disk=ssd.",
  ]);
});

watchTest(
  "a start for a site whose worker falls silent is moved; a live worker that is slow keeps it",
  async (on) => {
    const [first, second] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const id = await on.create({ restartPolicy: { mode: "never" } });
    await on.start(id);
    assertEquals(await on.take(first), [id]);
    const [command] = (await on.world.system.get(id))!.context.commands;
    const failed = { ...success("StartInstanceCommand", id), success: false, errorMessage: "no" };
    await first.complete(command!.commandId, 1, failed);
    await settled();
    await on.start(id);
    await on.pass(10_000);
    assertEquals(await on.take(second), [], "it waits for the slow one");
    on.silence("w1");
    await on.pass(4_000);
    assertEquals(await on.take(second), [], "that may be back in a moment");
    await on.pass(3_500);
    assertEquals(await on.take(second), [id]);
    assertEquals(await first.accept((await on.world.broker.bus.inFlight())[0]!.command.messageId), {
      kind: "refused",
      reason: "taken",
    });
  },
);

watchTest(
  "starts that wait at a worker that is lost are spread over those that are left",
  async (on) => {
    const zone = { zone: "a" };
    await on.join("w1", zone);
    await on.pass(1_000);
    for (let n = 0; n < 6; n++) await on.start(await on.create({ workerLabels: zone }));
    on.silence("w1");
    const left = [await on.join("w2", zone), await on.join("w3", zone)];
    await on.pass(8_000);
    const taken = await Promise.all(left.map((worker) => on.take(worker)));
    assertEquals(taken.map(({ length }) => length), [3, 3]);
  },
);

watchTest(
  "a start that was moved counts where it is now, for the next one that is placed",
  async (on) => {
    const zone = { zone: "a" };
    await on.join("w1", zone);
    await on.pass(1_000);
    await on.start(await on.create({ workerLabels: zone }));
    on.silence("w1");
    const left = [await on.join("w2", zone), await on.join("w3", zone)];
    await on.pass(8_000);
    await on.start(await on.create({ workerLabels: zone }));
    const taken = await Promise.all(left.map((worker) => on.take(worker)));
    assertEquals(taken.map(({ length }) => length), [1, 1]);
  },
);

watchTest(
  "a silent worker's instance goes on elsewhere within its lease and 4 s, not before the lease is over",
  async (on) => {
    const [first, second] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const id = await on.create({
      onWorkerLost: "reschedule",
      leaseMs: LEASE_MS,
      restartPolicy: { mode: "never" },
    });
    await on.runAt("w1", first, id);
    await on.pass(LEASE_MS);
    on.silence("w1");
    await on.pass(LEASE_MS + 1_500);
    assertEquals(await on.take(second), []);
    assertEquals(await on.status(id), "Running", "the status stays");
    await on.pass(2_500);
    assertEquals(await on.take(second), [id]);
    assertEquals(await first.heartbeat(0), "unknown");
    assertEquals(await on.count(id, "StartRequested"), 2);
  },
);

watchTest("what waits for its host stays with a silent worker, however long", async (on) => {
  const [first, second] = [await on.join("w1"), await on.join("w2")];
  await on.pass(1_000);
  const id = await on.create();
  await on.runAt("w1", first, id);
  assertEquals(on.world.system.isSilent("w1"), false);
  on.silence("w1");
  await on.pass(6_500);
  assertEquals(["w1", "w2"].map((id) => on.world.system.isSilent(id)), [true, false]);
  await on.pass(120_000);
  assertEquals(await on.take(second), []);
  assertEquals(await first.heartbeat(0), "ok");
  assertEquals(await on.status(id), "Running");
});

watchTest(
  "one worker's instances go on after the longest of their leases, those that wait stay",
  async (on) => {
    const [first, second] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const moving: string[] = [];
    for (const leaseMs of [6_000, 20_000]) {
      const id = await on.create({ onWorkerLost: "reschedule", leaseMs });
      await on.runAt("w1", first, id);
      moving.push(id);
    }
    const waiting = await on.create();
    await on.runAt("w1", first, waiting);
    await on.pass(20_000);
    on.silence("w1");
    await on.pass(20_000);
    assertEquals(await on.take(second), []);
    await on.pass(4_000);
    assertEquals((await on.take(second)).sort(), moving.sort());
    assertEquals(await on.status(waiting), "Running");
  },
);

watchTest(
  "a worker that was silent before the node began is given a whole lease from then on",
  async (on) => {
    const first = await on.join("w1");
    await on.pass(1_000);
    const id = await on.create({ onWorkerLost: "reschedule", leaseMs: LEASE_MS });
    await on.runAt("w1", first, id);
    on.silence("w1");
    await on.pass(LEASE_MS);
    await on.world.system.shutdown();
    await on.world.crash();
    const second = await on.join("w2");
    await on.pass(LEASE_MS);
    assertEquals(await on.take(second), []);
    assertEquals((await on.world.broker.bus.workers())[0]!.lost, false);
    await on.pass(4_000);
    assertEquals(await on.take(second), [id]);
  },
);

watchTest(
  "while the bus does not answer nobody is lost, and for one lease after it does",
  async (on) => {
    const [first, second] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const id = await on.create({ onWorkerLost: "reschedule", leaseMs: LEASE_MS });
    await on.runAt("w1", first, id);
    on.silence("w1");
    await on.pass(LEASE_MS);
    const { bus } = on.world.broker;
    const workers = bus.workers.bind(bus);
    bus.workers = () => Promise.reject(unavailable());
    await on.pass(2_000);
    bus.workers = workers;
    await on.pass(LEASE_MS);
    assertEquals(await on.take(second), []);
    await on.pass(4_000);
    assertEquals(await on.take(second), [id]);
  },
);

watchTest(
  "nobody is lost within a lease of an outage, however short: it was between two looks",
  async (on) => {
    const [first, second] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const id = await on.create({ onWorkerLost: "reschedule", leaseMs: LEASE_MS });
    await on.runAt("w1", first, id);
    on.silence("w1");
    await on.pass(LEASE_MS + 1_000);
    on.world.blink();
    await on.pass(LEASE_MS);
    assertEquals(await on.take(second), []);
    await on.pass(4_000);
    assertEquals(await on.take(second), [id]);
  },
);

watchTest(
  "a worker that is seen again is given a whole lease, whatever clock its beat was told by",
  async (on) => {
    const [first] = [await on.join("w1"), await on.join("w2")];
    await on.pass(1_000);
    const id = await on.create({ onWorkerLost: "reschedule", leaseMs: LEASE_MS });
    await on.runAt("w1", first, id);
    await on.pass(LEASE_MS);
    const { bus } = on.world.broker;
    const [workers, lose] = [bus.workers.bind(bus), bus.lose.bind(bus)];
    let givenUp = 0;
    bus.lose = (...loss) => (givenUp++, lose(...loss));
    // It was forgotten, and began anew under a log whose clock was set back meanwhile.
    bus.workers = async () => (await workers()).filter(({ workerId }) => workerId !== "w1");
    await on.pass(2_000);
    const behindMs = 60_000;
    bus.workers = async () =>
      (await workers()).map((one) => ({ ...one, lastHeartbeatAt: one.lastHeartbeatAt - behindMs }));
    on.silence("w1");
    await on.pass(LEASE_MS);
    assertEquals(givenUp, 0);
    await on.pass(4_000);
    assert(givenUp > 0, "it was silent for longer than its lease");
  },
);

function unavailable(): OperationalError {
  return new OperationalError("log_unavailable", "It is away.", true, "Wait.");
}
