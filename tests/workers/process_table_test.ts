/** The process table tells processes apart, and touches none that it was not asked about. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { ProcessTable } from "../../workers/process/process_table.ts";
import { openShellProcessTable, parseMarks } from "../../workers/process/shell_process_table.ts";
import { eventually, isRunning, realClock } from "./process_world.ts";

async function withTable(
  test: (table: ProcessTable, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas table-" });
  const table = openShellProcessTable(realClock, folder, Deno.env.get("PATH") ?? "");
  try {
    await test(table, folder);
  } finally {
    await table.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function withProcess(
  options: Deno.CommandOptions,
  test: (pid: number, child: Deno.ChildProcess) => Promise<void>,
): Promise<void> {
  const child = new Deno.Command("sleep", { args: ["1000"], detached: true, ...options }).spawn();
  try {
    await test(child.pid, child);
  } finally {
    if (await isRunning(child.pid)) child.kill("SIGKILL");
    await child.status;
  }
}

Deno.test("a signal goes only to the process with this pid, start time and boot", () =>
  withTable((table) =>
    withProcess({}, async (pid, child) => {
      const bootId = await table.bootId();
      const startTicks = await table.startTicksOf(pid) ?? "";
      assertEquals(await table.signalGroup({ pid, startTicks: "1", bootId }, "SIGTERM"), false);
      assertEquals(
        await table.signalGroup({ pid, startTicks, bootId: "another" }, "SIGTERM"),
        false,
      );
      assert(await isRunning(pid), "it was not meant");
      assertEquals(await table.signalGroup({ pid, startTicks, bootId }, "SIGTERM"), true);
      assertEquals((await child.status).signal, "SIGTERM");
      assertEquals(await table.startTicksOf(pid), null);
    })
  ));

Deno.test("the boot clock counts in centiseconds", () =>
  withTable(async (table) => {
    const before = await table.uptimeCs();
    const uptime = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]) * 100;
    assert(before <= uptime + 1 && uptime - before < 500, `${before} is about ${uptime}`);
  }));

Deno.test("marked processes are found and killed by their run only", () =>
  withTable((table) => {
    const env = { DRAAS_SITE: "s-9", DRAAS_INSTANCE_ID: "i-9", DRAAS_RUN_ID: "r-9" };
    return withProcess({ env }, async (pid, child) => {
      const found = (await table.marked()).filter((process) => process.site === "s-9");
      assertEquals(found, [{ pid, site: "s-9", instanceId: "i-9", runId: "r-9", isShim: false }]);
      assertEquals(await table.kill(pid, { runId: "r" }), false);
      assertEquals(await table.kill(pid, { runId: "r-9" }), true);
      assertEquals((await child.status).signal, "SIGKILL");
      assertEquals(await table.kill(pid, { runId: "r-9" }), false);
    });
  }));

Deno.test("a lock is seen while it is held, and its holder is found", () =>
  withTable(async (table, folder) => {
    await Deno.mkdir(`${folder}/i-1`);
    const lock = `${folder}/i-1/run.lock`;
    assertEquals(await table.isLocked("i-1"), false);
    const child = new Deno.Command("sh", {
      args: ["-c", 'exec 9>>"$1"; flock 9; exec sleep 1000', "sh", lock],
    }).spawn();
    await eventually("the lock is held", () => table.isLocked("i-1"));
    assertEquals(await table.holders("i-1"), [child.pid]);
    assertEquals(await table.kill(Deno.pid, { lockOf: "i-1" }), false);
    assertEquals(await table.kill(child.pid, { lockOf: "i-1" }), true);
    await child.status;
    assertEquals(await table.isLocked("i-1"), false);
    assertEquals(await table.holders("i-1"), []);
  }));

Deno.test("a fence is raised under the lock, or under that of a live process, and never lowered", () =>
  withTable(async (table, folder) => {
    await Deno.mkdir(`${folder}/i-1`);
    const fence = async () => Number(await Deno.readTextFile(`${folder}/i-1/fence`));
    assertEquals([await table.raiseFence("i-1", 5), await fence()], ["raised", 5]);
    assertEquals([await table.raiseFence("i-1", 4), await fence()], ["raised", 5]);
    const child = new Deno.Command("sh", {
      args: ["-c", 'exec 9>>"$1"; flock 9; exec sleep 1000', "sh", `${folder}/i-1/run.lock`],
    }).spawn();
    await eventually("the lock is held", () => table.isLocked("i-1"));
    assertEquals(await table.raiseFence("i-1", 6), "held");
    const bootId = await table.bootId();
    const holder = { pid: child.pid, startTicks: (await table.startTicksOf(child.pid))!, bootId };
    assertEquals([await table.raiseFence("i-1", 7, holder), await fence()], ["raised", 7]);
    assertEquals(await table.raiseFence("i-1", 8, { ...holder, startTicks: "1" }), "held");
    assertEquals(await table.raiseFence("i-1", 8, { ...holder, bootId: "another" }), "held");
    child.kill("SIGKILL");
    await child.status;
    assertEquals(await table.raiseFence("i-1", 9, holder), "held", "it has ended");
    assertEquals([await table.raiseFence("i-1", 9), await fence()], ["raised", 9]);
  }));

Deno.test("a process with brackets and spaces in its name is read rightly", () =>
  withTable(async (table, folder) => {
    const program = `${folder}/a) R 1 (b`;
    await Deno.copyFile("/bin/sleep", program);
    const child = new Deno.Command(program, { args: ["1000"] }).spawn();
    const stat = await Deno.readTextFile(`/proc/${child.pid}/stat`);
    const expected = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    assertEquals(await table.startTicksOf(child.pid), expected ?? null);
    child.kill("SIGKILL");
    await child.status;
  }));

Deno.test("when its shell is killed, the question fails as retryable and the next one works", () =>
  withTable(async (table, folder) => {
    await table.uptimeCs();
    const shells = [...Deno.readDirSync("/proc")].filter((entry) => /^\d+$/.test(entry.name))
      .filter(({ name }) => {
        try {
          return Deno.readTextFileSync(`/proc/${name}/cmdline`).endsWith(`\0${folder}\0`);
        } catch {
          return false;
        }
      });
    assertEquals(shells.length, 1);
    Deno.kill(Number(shells[0]?.name), "SIGSTOP");
    const asked = table.uptimeCs();
    Deno.kill(Number(shells[0]?.name), "SIGKILL");
    const error = await assertRejects(() => asked, OperationalError);
    assertEquals([error.code, error.retryable], ["process_table_lost", true]);
    assert(await table.uptimeCs() > 0, "another shell answers");
  }));

Deno.test("marks are read per process", () => {
  assertEquals(
    parseMarks([
      "/proc/12/environ:DRAAS_SITE=s",
      "/proc/12/environ:DRAAS_RUN_ID=r",
      "/proc/13/environ:DRAAS_SHIM=1",
      "nonsense",
    ]),
    [
      { pid: 12, site: "s", instanceId: "", runId: "r", isShim: false },
      { pid: 13, site: "", instanceId: "", runId: "", isShim: true },
    ],
  );
});
