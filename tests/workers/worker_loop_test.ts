/** The worker's loop over a real broker in memory and a platform that says what it is told to say. Design §4. */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { settled } from "../adapters/manual_clock.ts";
import {
  appended,
  batch,
  command,
  observed,
  request,
  running,
  stopped,
  success,
} from "../contracts/broker_samples.ts";
import { givenAStart, registrationOf, type Scene, scene } from "./worker_scene.ts";

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
  await givenAStart(on);
  await settled();
  const last = (await on.world.broker.log.history("a", 1))[0]!;
  assert(last.type === "CommandFailed");
  const { errorCode, retryable } = last.data.response;
  assertEquals([errorCode, retryable, on.bugs], ["process_table_lost", true, []]);
});

const fence = async (on: Scene) => (await on.world.broker.leadership.acquire("node", 60_000))!;

/** A worker with run `of a` live, given up by an admin while it lives on. */
async function forgotten(on: Scene): Promise<void> {
  await givenAStart(on);
  assertEquals((await on.types("a")).at(-1), "CommandSucceeded");
  await on.world.broker.bus.forget("w1", await fence(on));
}

scene(
  "a worker that was given up begins a new life, and ends the servers that were given up",
  async (on) => {
    await forgotten(on);
    assertEquals((await on.world.broker.bus.workers()).length, 0);
    await on.world.advance(2_000);
    const [listed] = await on.world.broker.bus.workers();
    assertEquals(listed?.incarnation, "life-2");
    assertEquals((await on.platform.inspect("a"))?.status, "Stopped");
    await appended(on.world.broker, request(command("b", "start-b"), 0));
    await on.world.advance(50);
    assertEquals((await on.types("b")).at(-1), "CommandSucceeded", "it works on");
    assertEquals(on.bugs, []);
  },
);

scene(
  "a lost worker keeps what waits for its host, server and command, and ends the rest",
  async (on) => {
    await on.worker().start();
    for (const id of ["a", "b"]) {
      await appended(
        on.world.broker,
        request(command(id, `start-${id}`), 0),
      );
    }
    await on.world.advance(50);
    on.platform.gate = new Promise((resolve) => on.world.ports.clock.after(9_000, resolve));
    await appended(on.world.broker, request(command("c", "start-c"), 0));
    await on.world.advance(50);
    const loss = { workerId: "w1", incarnation: "life-1", silentMs: 0, instanceIds: ["a"] };
    await on.world.broker.bus.lose(loss, await fence(on));
    await on.world.advance(12_000);
    const runs = await Promise.all(["a", "b", "c"].map((id) => on.platform.inspect(id)));
    assertEquals(runs.map((run) => run?.status), ["Stopped", "Running", "Running"]);
    const types = await on.types("c");
    assertEquals(types.filter((type) => type === "CommandAccepted").length, 2, "it was taken over");
    assertEquals(types.at(-1), "CommandSucceeded");
    assertEquals([await on.types("b").then((all) => all.length), on.bugs], [3, []]);
  },
);

scene(
  "a start that is under way when its worker is given up is ended once it has come up",
  async (on) => {
    await on.worker().start();
    on.platform.gate = new Promise((resolve) => on.world.ports.clock.after(5_000, resolve));
    await appended(on.world.broker, request(command("a", "start-a"), 0));
    await on.world.advance(50);
    const loss = { workerId: "w1", incarnation: "life-1", silentMs: 0, instanceIds: ["a"] };
    await on.world.broker.bus.lose(loss, await fence(on));
    await on.world.advance(2_000);
    assertEquals(await on.platform.inspect("a"), null);
    await on.world.advance(5_000);
    assertEquals((await on.platform.inspect("a"))?.status, "Stopped");
    assertEquals((await on.types("a")).at(-1), "CommandForgotten");
  },
);

scene(
  "a server that is newer than the log, of an instance that it knows, is reported as found",
  async (on) => {
    await appended(on.world.broker, request(command("a", "start-a", { site: "site-2" }), 0));
    on.platform.remember({ ...running("a", "r9"), generation: 7 });
    await on.worker().start();
    await on.world.advance(50);
    const last = (await on.world.broker.log.history("a", 1))[0]!;
    assert(last.type === "RuntimeObserved");
    assertEquals([last.data.observation, last.data.runtimeInfo.runId], ["Found", "r9"]);
    assertEquals(on.strangers, []);
    const channel = on.world.broker.workerChannel({ ...registrationOf("w9") });
    const { generation, runId } = (await channel.standing(["a"])).get("a")!;
    assertEquals([generation, runId], [7, "r9"]);
  },
);

scene(
  "a newer server in the place of the one that the log knows is found after that is reported gone",
  async (on) => {
    await givenAStart(on);
    const startedAt = on.world.ports.clock.now();
    on.platform.remember({ ...running("a", "r9"), generation: 7, startedAt });
    await on.worker().start();
    await on.world.advance(100);
    const observed = (await on.world.broker.log.history("a", 2)).map((event) =>
      event.type === "RuntimeObserved" && event.data.observation
    );
    assertEquals(observed, ["Exited", "Found"]);
  },
);

scene(
  "a stranger is told of once, and taken up when the log knows of no other run of it",
  async (on) => {
    const elsewhere = on.world.broker.workerChannel(registrationOf("w2", "site-2"));
    await elsewhere.register();
    await appended(on.world.broker, request(command("a", "start-a"), 0));
    await elsewhere.accept("start-a");
    const there = running("a", "r1", { site: "site-2" });
    await elsewhere.complete("start-a", 1, success("StartInstanceCommand", "a", there));
    on.platform.remember({ ...running("a", "r9"), generation: 7 });
    await on.worker().start();
    await on.world.advance(12_000);
    assertEquals(on.strangers.map(({ runId }) => runId), ["r9"]);
    await elsewhere.observe(observed("Exited", { ...stopped("a", "r1"), site: "site-2" }));
    await on.world.advance(6_000);
    const last = (await on.world.broker.log.history("a", 1))[0]!;
    assert(last.type === "RuntimeObserved" && last.data.observation === "Found");
  },
);

scene("a worker whose place another has taken leaves, and begins no new life", async (on) => {
  await on.worker().start();
  await on.world.broker.workerChannel(registrationOf("w1")).register();
  await on.world.advance(5_000);
  const [listed] = await on.world.broker.bus.workers();
  assertEquals([listed?.incarnation, on.superseded], ["another", 1]);
});

scene(
  "servers with a lease are spoken for after each beat that the log has heard, from before it",
  async (on) => {
    const heard: number[] = [];
    let isHeld = false;
    let boot = 0;
    const leases = {
      areHeld: () => isHeld,
      now: () => Promise.resolve(boot += 10),
      heard: (asOfMs: number) => Promise.resolve(void heard.push(asOfMs)),
    };
    Object.assign(on.platform, { leases });
    await on.worker().start();
    await on.world.advance(1_500);
    assertEquals([heard, boot], [[], 0], "without a lease nobody asks for the time");
    isHeld = true;
    on.onBeat = () => void (boot += 5);
    await on.world.advance(2_000);
    assertEquals(heard, [10, 25], "the time that a beat takes is not part of the lease");
    await appended(on.world.broker, request(command("a", "start-a", { leaseMs: 9_000 }), 0));
    let lease: unknown = null;
    const start = on.platform.start.bind(on.platform);
    on.platform.start = (spec, signal) => {
      lease = spec.lease;
      return start(spec, signal);
    };
    await on.world.advance(50);
    assertEquals(lease, { leaseMs: 9_000, fromMs: 40 });
    await on.world.broker.workerChannel(registrationOf("w1")).register();
    const before = heard.length;
    await on.world.advance(2_000);
    assertEquals(heard.length, before, "a beat that was refused prolongs nothing");
  },
);

scene(
  "a worker that was not heard for a while ends what was deleted by force meanwhile",
  async (on) => {
    const worker = on.worker();
    await worker.start();
    await appended(on.world.broker, request(command("a", "start-a"), 0));
    await on.world.advance(50);
    on.isAway = true;
    await on.world.advance(2_000);
    await appended(on.world.broker, batch("a", 3, { generation: 2, forgetsRun: true }));
    await on.world.advance(2_000);
    on.isAway = false;
    await on.world.advance(2_000);
    assertEquals((await on.platform.inspect("a"))?.status, "Running", "it was away for an instant");
    on.isAway = true;
    await on.world.advance(7_000);
    on.isAway = false;
    await on.world.advance(2_000);
    assertEquals((await on.platform.inspect("a"))?.status, "Stopped");
  },
);

scene("an exit that comes while no new life can begin holds up nothing", async (on) => {
  let tell: (exited: RuntimeInfo) => void = () => {};
  Object.assign(on.platform, { onExit: (listener: typeof tell) => void (tell = listener) });
  await givenAStart(on);
  await on.world.broker.bus.lose(
    { workerId: "w1", incarnation: "life-1", silentMs: 0, instanceIds: [] },
    await fence(on),
  );
  on.cannotRegister = true;
  await on.world.advance(3_000);
  const run = (await on.platform.inspect("a"))!;
  const ended = { ...stopped("a", run.runId), startedAt: run.startedAt };
  on.platform.remember(ended);
  tell(ended);
  await on.world.advance(1_000);
  on.cannotRegister = false;
  await on.world.advance(1_000);
  assertEquals((await on.types("a")).at(-1), "RuntimeObserved");
  await appended(on.world.broker, request(command("a", "again", { generation: 2 }), 4));
  await on.world.advance(100);
  assertEquals((await on.types("a")).at(-1), "CommandSucceeded");
});

scene(
  "a run of which nothing is left is found to have ended within half a minute, though nothing tells of it",
  async (on) => {
    await givenAStart(on);
    assertEquals((await on.types("a")).at(-1), "CommandSucceeded");
    on.platform.forget("a");
    for (let second = 0; second < 32; second++) await on.world.advance(1_000);
    const last = (await on.world.broker.log.history("a", 1))[0]!;
    assert(last.type === "RuntimeObserved" && last.data.observation === "Exited");
  },
);
