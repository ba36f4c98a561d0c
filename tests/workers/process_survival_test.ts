/** Servers outlive their worker, and the next worker finds out all that became of them. */
import { NO_FENCE } from "../../workers/platform.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import {
  eventually,
  failureOf,
  fileText,
  isRunning,
  type ProcessWorld,
  shell,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

const steady = shell("exec sleep 1000");

/** Starts a server from a worker process of its own, and kills that worker without warning. */
async function startedByKilledWorker(
  world: ProcessWorld,
  configuration: JsonObject,
): Promise<RuntimeInfo> {
  const script = new URL("./worker_process.ts", import.meta.url).pathname;
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, world.dataFolder, JSON.stringify(configuration)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = worker.stdout.getReader();
  const { value } = await reader.read();
  worker.kill("SIGKILL");
  await worker.status;
  await reader.cancel();
  return JSON.parse(new TextDecoder().decode(value));
}

async function shimOf(info: RuntimeInfo): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${info.processId}/status`);
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
}

/** Changes the record of the latest run, as if time had passed. */
async function editRun(world: ProcessWorld, change: JsonObject): Promise<void> {
  const path = `${world.folder()}/run.json`;
  const record = JSON.parse(await Deno.readTextFile(path));
  await Deno.writeTextFile(path, JSON.stringify({ ...record, ...change }));
}

/** Leaves neither the record of a run nor its copy, as a crash in the middle of writing them would. */
async function forgetRun(world: ProcessWorld, { runId }: RuntimeInfo): Promise<void> {
  await Deno.writeTextFile(`${world.folder()}/run.json`, "");
  await Deno.writeTextFile(`${world.folder()}/runs/${runId}/run.json`, "");
}

Deno.test("a server survives the kill of its worker and is adopted with the same pid", () =>
  withWorld(async (world) => {
    const info = await startedByKilledWorker(world, steady);
    assertEquals(await world.platform.inventory(), [info]);
    assert(await isRunning(info.processId), "the server runs on");
    assertEquals((await world.platform.stop("i-1", NO_FENCE)).kind, "stopped");
    assert(!await isRunning(info.processId), "the adopted server was stopped");
  }));

Deno.test("a server that ends while no worker is there is found with its exit code", () =>
  withWorld(async (world) => {
    const info = await startedByKilledWorker(
      world,
      shell("echo last words; while [ ! -e go ]; do sleep 0.02; done; exit 9"),
    );
    await Deno.writeTextFile(`${world.folder()}/go`, "");
    await eventually("the server ends", async () => !await isRunning(info.processId));
    const [found] = await world.platform.inventory();
    assertEquals(found?.runId, info.runId);
    assertEquals(found?.status, "Stopped");
    assertEquals(found?.exit?.code, 9);
    assertEquals(found?.exit?.reason, "Exited");
    assertEquals(found?.logTail, "last words");
    assertEquals(world.exits, []);
  }));

Deno.test("an adopted server that is killed is reported with the signal", () =>
  withWorld(async (world) => {
    const info = await startedByKilledWorker(world, steady);
    await world.platform.inventory();
    Deno.kill(Number(info.processId), "SIGKILL");
    const exit = await eventually("the exit is reported", () => world.exits[0]?.exit, 2_000);
    assertEquals(exit.signal, "SIGKILL");
    assertEquals(exit.code, null);
    assertStringIncludes(exit.message, "was killed by SIGKILL");
  }));

Deno.test("a server whose shim was killed is still watched, stopped and known", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    Deno.kill(await shimOf(info), "SIGKILL");
    assertEquals(await world.platform.inspect("i-1"), info);
    assertEquals(failureOf(await startIt(world.platform, steady)).failure.code, "locked");
    Deno.kill(Number(info.processId), "SIGTERM");
    const exit = await eventually("the exit is reported", () => world.exits[0]?.exit);
    assertEquals([exit.reason, exit.code, exit.signal], ["Unknown", null, null]);
    assertEquals((await world.platform.inspect("i-1"))?.exit, exit);
  }));

Deno.test("a stop of a server whose shim was killed succeeds", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    Deno.kill(await shimOf(info), "SIGKILL");
    const outcome = await world.platform.stop("i-1", NO_FENCE);
    assertEquals(outcome.kind, "stopped");
    assertEquals(outcome.runtimeInfo?.status, "Stopped");
    assert(!await isRunning(info.processId), "the server was stopped");
  }));

Deno.test("signals to the shim do not end it", () =>
  withWorld(async (world) => {
    const info = await started(
      world.platform,
      shell("trap 'exit 6' USR1; while :; do sleep 0.02; done"),
    );
    const shim = await shimOf(info);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) Deno.kill(shim, signal);
    Deno.kill(Number(info.processId), "SIGUSR1");
    const exit = await eventually("the exit is reported", () => world.exits[0]?.exit);
    assertEquals(exit.code, 6);
  }));

Deno.test("children that outlive their server are ended, and the exit is reported", () =>
  withWorld(async (world) => {
    await started(world.platform, shell("sleep 1000 & echo $! > child; sleep 0.5; exit 2"));
    const child = (await fileText(`${world.folder()}/child`)).trim();
    const exit = await eventually("the exit is reported", () => world.exits[0]?.exit);
    assertEquals(exit.code, 2);
    assert(!await isRunning(child), "the child went with its server");
    await started(world.platform, steady);
  }));

Deno.test("children left while no worker was there are ended by the inventory", () =>
  withWorld(async (world) => {
    const info = await startedByKilledWorker(
      world,
      shell("setsid sleep 1000 & echo $! > child; while [ ! -e go ]; do sleep 0.02; done"),
    );
    const child = (await fileText(`${world.folder()}/child`)).trim();
    await Deno.writeTextFile(`${world.folder()}/go`, "");
    await eventually("the server ends", async () => !await isRunning(info.processId));
    const [found] = await world.platform.inventory();
    assertEquals(found?.exit?.code, 0);
    assert(!await isRunning(child), "the child is gone");
  }));

Deno.test("a process that got the pid of an earlier run is not signalled", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    await world.platform.stop("i-1", NO_FENCE);
    const stranger = new Deno.Command("sleep", { args: ["1000"] }).spawn();
    try {
      await Deno.writeTextFile(`${world.folder()}/runs/${info.runId}/exit.json`, "");
      await editRun(world, { pid: stranger.pid });
      const outcome = await world.platform.stop("i-1", NO_FENCE);
      assertEquals(outcome.kind, "stopped");
      assertEquals(outcome.runtimeInfo?.exit?.code, null);
      assert(await isRunning(stranger.pid), "the stranger lives");
    } finally {
      stranger.kill();
      await stranger.status;
    }
  }));

Deno.test("a run of an earlier boot ended with the host, whatever has its pid now", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    await world.platform.stop("i-1", NO_FENCE);
    await Deno.writeTextFile(`${world.folder()}/runs/${info.runId}/exit.json`, "");
    await Deno.remove(`${world.folder()}/runs/${info.runId}/stop.json`);
    await editRun(world, { bootId: "00000000-0000-0000-0000-000000000000", pid: Deno.pid });
    const next = await world.reopen();
    const [found] = await next.inventory();
    assertEquals(found?.runId, info.runId);
    assertEquals(found?.exit?.reason, "HostRebooted");
    assertEquals((await next.inspect("i-1"))?.exit?.reason, "HostRebooted");
    await started(next, steady, { fence: { generation: 2, attempt: 1 } });
  }));

for (
  const [how, spoil] of [
    ["torn", (path: string) => Deno.writeTextFile(path, '{"runId":"')],
    ["lost", (path: string) => Deno.remove(path)],
  ] as const
) {
  Deno.test(`a live server whose record is ${how} is known by its copy, and adopted`, () =>
    withWorld(async (world) => {
      const info = await started(world.platform, steady, { fence: { generation: 8, attempt: 2 } });
      const record = await Deno.readTextFile(`${world.folder()}/run.json`);
      await world.platform.close();
      await spoil(`${world.folder()}/run.json`);
      const next = await world.reopen();
      assertEquals(await next.inventory(), [info]);
      assertEquals(await Deno.readTextFile(`${world.folder()}/run.json`), record);
      assert(await isRunning(info.processId), "it runs on");
      assertEquals((await next.stop("i-1", NO_FENCE)).runtimeInfo?.exit?.signal, "SIGTERM");
    }));
}

Deno.test("a start or a stop of a live server whose record is torn knows it too", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    await world.platform.close();
    await Deno.writeTextFile(`${world.folder()}/run.json`, "");
    const next = await world.reopen();
    assertEquals(failureOf(await startIt(next, steady)).failure.code, "locked");
    await Deno.writeTextFile(`${world.folder()}/run.json`, "");
    const { runtimeInfo } = await next.stop("i-1", NO_FENCE);
    assertEquals([runtimeInfo?.runId, runtimeInfo?.exit?.signal], [info.runId, "SIGTERM"]);
  }));

Deno.test("a lock held by a process without a record is looked into, and then free", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    const shim = await shimOf(info);
    await world.platform.close();
    await forgetRun(world, info);
    const next = await world.reopen();
    assertEquals(await next.inventory(), []);
    assert(!await isRunning(info.processId), "the unknown server is gone");
    await eventually("its shim is gone", async () => !await isRunning(shim));
    await started(next, steady, { fence: { generation: 2, attempt: 1 } });
  }));

Deno.test("a start looks into a lock held by a process without a record", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    await world.platform.close();
    await forgetRun(world, info);
    const next = await world.reopen();
    const second = await started(next, steady, { fence: { generation: 2, attempt: 1 } });
    assert(!await isRunning(info.processId), "the unknown server is gone");
    assert(await isRunning(second.processId), "the new one runs");
  }));

Deno.test("the fence of generations survives a torn run record", () =>
  withWorld(async (world) => {
    await started(world.platform, steady, { fence: { generation: 8, attempt: 1 } });
    await world.platform.stop("i-1", NO_FENCE);
    await Deno.writeTextFile(`${world.folder()}/run.json`, '{"runId":"');
    const outcome = failureOf(
      await startIt(world.platform, steady, { fence: { generation: 7, attempt: 1 } }),
    );
    assertEquals(outcome.failure.code, "stale_generation");
  }));
