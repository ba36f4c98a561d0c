/** Leases on real processes: the shim ends what its worker can no longer speak for, and nothing else. Design §4 rule 8. */
import { assert, assertEquals } from "@std/assert";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { ProcessPlatform } from "../../workers/process/process_platform.ts";
import {
  eventually,
  failureOf,
  isRunning,
  shell,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

const LEASE_MS = 1_500;
/** What the design allows beyond the lease, on a machine that is shared. */
const GONE_WITHIN_MS = LEASE_MS + 2_000;

const SERVER = shell("exec sleep 60");

async function lease(platform: ProcessPlatform, leaseMs = LEASE_MS) {
  return { lease: { leaseMs, fromMs: await platform.leases.now() } };
}

async function goneAfterMs({ processId }: RuntimeInfo, from: number): Promise<number> {
  await eventually("the server is gone", async () => !await isRunning(processId));
  return performance.now() - from;
}

Deno.test("a server whose worker says nothing more is ended when its lease is over, and its exit says why", () =>
  withWorld(async ({ platform, exits }) => {
    const from = performance.now();
    const run = await started(platform, SERVER, await lease(platform));
    assertEquals(run.leaseMs, LEASE_MS);
    const ms = await goneAfterMs(run, from);
    assert(ms >= LEASE_MS - 20 && ms <= GONE_WITHIN_MS, `gone after ${ms} ms`);
    const exit = await eventually("the exit is reported", () => exits[0]?.exit);
    assertEquals([exit.reason, exit.signal], ["LeaseLapsed", "SIGTERM"]);
    assert(exit.message.includes("its worker had not reached the log"), exit.message);
  }));

Deno.test("a server that ignores its stop signal is gone all the same, with what it left behind", () =>
  withWorld(async ({ platform }) => {
    const from = performance.now();
    const stubborn = shell(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 60' & sleep 60; sleep 60",
    );
    const run = await started(platform, stubborn, await lease(platform));
    const ms = await goneAfterMs(run, from);
    assert(ms <= GONE_WITHIN_MS, `gone after ${ms} ms`);
    const inspected = await platform.inspect("i-1");
    assertEquals(inspected?.exit?.reason, "LeaseLapsed");
    const again = await started(platform, SERVER, { fence: { generation: 2, attempt: 1 } });
    assertEquals(again.leaseMs, undefined, "nothing holds its lock");
  }));

Deno.test("a server lives beyond its lease for as long as the log hears its worker, and is ended after that", () =>
  withWorld(async ({ platform, exits }) => {
    const run = await started(platform, SERVER, await lease(platform));
    assert(platform.leases.areHeld());
    let asOf = 0;
    let heardAt = 0;
    for (let beat = 0; beat < 20; beat++) {
      heardAt = performance.now();
      asOf = await platform.leases.now();
      await platform.leases.heard(asOf);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert(await isRunning(run.processId), "twice its lease has passed");
    assertEquals(exits, []);
    const ms = await goneAfterMs(run, heardAt);
    assert(ms >= LEASE_MS - 20 && ms <= GONE_WITHIN_MS, `gone after ${ms} ms`);
  }));

Deno.test("what a worker said before the host was booted prolongs nothing", () =>
  withWorld(async ({ platform, dataFolder }) => {
    const from = performance.now();
    const far = Math.floor(await platform.leases.now() / 10) + 100_000;
    await Deno.writeTextFile(`${dataFolder}/heard`, `another-boot ${far}\n`);
    const run = await started(platform, SERVER, await lease(platform));
    const ms = await goneAfterMs(run, from);
    assert(ms <= GONE_WITHIN_MS, `gone after ${ms} ms`);
  }));

Deno.test("the lease counts from the accept: what comes after its end is not spawned at all", () =>
  withWorld(async ({ platform }) => {
    const { lease: { leaseMs, fromMs } } = await lease(platform);
    const outcome = await startIt(platform, SERVER, {
      lease: { leaseMs, fromMs: fromMs - leaseMs },
    });
    assertEquals(failureOf(outcome).failure.code, "spawn_too_late");
    assertEquals(await platform.inspect("i-1"), null);
  }));

Deno.test("a server that ends by itself within its lease leaves no watch behind, and its exit is its own", () =>
  withWorld(async ({ platform, exits }) => {
    const run = await started(platform, shell("sleep 0.5; exit 3"), await lease(platform, 30_000));
    const exit = await eventually("the exit is reported", () => exits[0]?.exit);
    assertEquals([exit.reason, exit.code], ["Exited", 3]);
    await eventually("nothing of the run is left", async () => {
      for await (const { name } of Deno.readDir("/proc")) {
        if (!/^\d+$/.test(name)) continue;
        const environment = await Deno.readTextFile(`/proc/${name}/environ`).catch(() => "");
        if (environment.includes(run.runId)) return false;
      }
      return true;
    });
  }));

Deno.test("a stop ends a server with a lease as any other, and a new start of it has its own lease", () =>
  withWorld(async ({ platform }) => {
    await started(platform, SERVER, await lease(platform, 30_000));
    const outcome = await platform.stop("i-1", { generation: 2, attempt: 1 });
    assert(outcome.kind === "stopped");
    assertEquals(outcome.runtimeInfo?.exit?.reason, "Stopped");
    const from = performance.now();
    const run = await started(platform, SERVER, {
      fence: { generation: 3, attempt: 1 },
      ...await lease(platform),
    });
    assert(await goneAfterMs(run, from) <= GONE_WITHIN_MS);
  }));

Deno.test("a worker that finds a server with a lease knows of it", () =>
  withWorld(async ({ platform, reopen }) => {
    await started(platform, SERVER, await lease(platform, 30_000));
    const other = await reopen();
    assertEquals(other.leases.areHeld(), false);
    assertEquals((await other.inventory()).map((run) => run.leaseMs), [30_000]);
    assertEquals(other.leases.areHeld(), true);
  }));
