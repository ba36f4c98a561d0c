/** Limits of real servers: what ends when it asks for too much, what is said of it, and that nothing is left. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import { type Confinement, UNCONFINED } from "../../workers/process/confinement.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { openShellProcessTable } from "../../workers/process/shell_process_table.ts";
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

/** A host that starts nothing whose limits it cannot hold. */
const DEMANDING = { ...openPolicy("worker.yaml"), limitsMustHold: true };

const MEMORY = 64 * 1_048_576;
/** Asks for more than `MEMORY`, a moment after it counts as started. */
const HOG = "sleep 0.4; exec dd if=/dev/zero of=/dev/null bs=512M count=1";
/** Two of each, and so on. */
const FORK_BOMB = "bomb() { bomb & bomb & wait; sleep 1000; }; bomb";
/** Leaves a child that has left group, session, environment and lock. */
const DOUBLE_FORK = "(env -i setsid /bin/sh -c 'exec 9>&-; echo $$ >child; exec sleep 1000' &) &";

/** A host that can hold nothing: what no worker may do for its servers. */
const NOTHING_HELD: Confinement = {
  confine: (_, limits) =>
    Promise.resolve({
      joins: [],
      ulimits: [],
      limits: {},
      notSet: Object.fromEntries(Object.keys(limits).map((name) => [name, "this host cannot"])),
      heldIn: {},
    }),
  end: () => Promise.resolve(0),
  release: () => Promise.resolve(),
  sweep: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A host that holds nothing, and has a group for each run all the same. */
const ONE_GROUP: Confinement = {
  ...NOTHING_HELD,
  confine: () => Promise.resolve({ ...UNCONFINED, joins: ["/proc/self/cgroup.procs"] }),
};

const SHELL_LOST = new OperationalError(
  "process_table_lost",
  "the shell ended",
  true,
  "Try again.",
);

async function groupsOf({ folder }: ProcessWorld, { runId }: RuntimeInfo): Promise<string[]> {
  const launch = JSON.parse(await Deno.readTextFile(`${folder()}/runs/${runId}/launch.json`));
  return launch.confined.joins.map((join: string) => join.replace("/cgroup.procs", ""));
}

async function assertGone(groups: readonly string[]): Promise<void> {
  await eventually("its groups are gone", async () => {
    const found = await Promise.all(groups.map((one) => Deno.stat(one).catch(() => null)));
    return found.every((one) => one === null);
  });
}

Deno.test("a memory hog is ended by the kernel, and its exit says so", () =>
  withWorld(async (world) => {
    const { platform, exits } = world;
    const info = await started(platform, shell(HOG), { limits: { memoryBytes: MEMORY } });
    if (info.limitsNotSet) return assertMatch(info.limitsNotSet.memoryBytes ?? "", /control group/);
    assertEquals(info.limits, { memoryBytes: MEMORY });
    const groups = await groupsOf(world, info);
    const exit = await eventually("its end is told", () => exits[0]?.exit);
    assertEquals([exit.signal, exit.reason], ["SIGKILL", "Exited"]);
    assertMatch(exit.message, /^was ended by the kernel: out of memory \(limit 64 MiB\) after /);
    assertEquals(await platform.inspect("i-1").then((run) => run?.exit), exit);
    await assertGone(groups);
  }));

Deno.test("a worker that was away when the memory ran out says so, too", () =>
  withWorld(async ({ platform, folder, reopen }) => {
    const info = await started(platform, shell(HOG), { limits: { memoryBytes: MEMORY } });
    await platform.close();
    if (info.limitsNotSet) return;
    await fileText(`${folder()}/runs/${info.runId}/exit.json`);
    const [found] = await (await reopen()).inventory();
    assertMatch(found?.exit?.message ?? "", /^was ended by the kernel: out of memory/);
  }));

Deno.test("a fork bomb stays within its limit and ends with its stop, or its limit is told as not set", () =>
  withWorld(async (world) => {
    const { platform } = world;
    const limits = { processes: 64 };
    const outcome = await startIt(platform, shell(FORK_BOMB, { stopGraceMs: 200 }), { limits });
    const info = outcome.runtimeInfo;
    assert(info !== null, JSON.stringify(outcome));
    if (info.limitsNotSet) return assertMatch(info.limitsNotSet.processes ?? "", /control group/);
    const groups = await groupsOf(world, info);
    const counts = await Promise.all(
      groups.map((one) => Deno.readTextFile(`${one}/pids.peak`).catch(() => "0")),
    );
    assert(Math.max(...counts.map(Number)) <= limits.processes);
    const { kind } = await platform.stop("i-1", NO_FENCE);
    assertEquals(kind, "stopped");
    await assertGone(groups);
  }));

Deno.test("a child that left group, session, environment and lock ends with its server", () =>
  withWorld(async (world) => {
    const { platform, folder } = world;
    const info = await started(platform, shell(`${DOUBLE_FORK} exec sleep 1000`), {
      limits: { processes: 64 },
    });
    const child = (await fileText(`${folder()}/child`)).trim();
    const groups = await groupsOf(world, info);
    assertEquals((await platform.stop("i-1", NO_FENCE)).kind, "stopped");
    if (groups.length === 0) return Deno.kill(Number(child), "SIGKILL");
    assert(!await isRunning(child), "the child is gone");
    await assertGone(groups);
  }));

Deno.test("what a server left in its groups ends, too, when it ended while no worker was there", () =>
  withWorld(async (world) => {
    const { platform, folder, reopen } = world;
    const script = `${DOUBLE_FORK} sleep 0.6; exit 3`;
    const info = await started(platform, shell(script), { limits: { processes: 64 } });
    const child = (await fileText(`${folder()}/child`)).trim();
    const groups = await groupsOf(world, info);
    await platform.close();
    await fileText(`${folder()}/runs/${info.runId}/exit.json`);
    assert(await isRunning(child), "nobody has ended it");
    const [found] = await (await reopen()).inventory();
    assertEquals(found?.exit?.code, 3);
    if (groups.length === 0) return Deno.kill(Number(child), "SIGKILL");
    await eventually("the child is gone", async () => !await isRunning(child));
    await assertGone(groups);
  }));

Deno.test("groups that could not be looked into after an end are looked into again, until it is done", () =>
  withWorld(async ({ platform, folder, reopen }) => {
    const info = await started(platform, shell("sleep 0.4"), { limits: { processes: 8 } });
    await platform.close();
    await fileText(`${folder()}/runs/${info.runId}/exit.json`);
    let looks = 0;
    const busy: Confinement = {
      ...NOTHING_HELD,
      end: () => ++looks === 1 ? Promise.reject(SHELL_LOST) : Promise.resolve(0),
    };
    const later = await reopen({ confinement: busy });
    await assertRejects(() => later.inventory(), OperationalError, "the shell ended");
    // The worker's own watch may look beside the one that was asked for.
    for (let round = 0; round < 2; round++) await later.inventory();
    const done = looks;
    assert(done >= 2, "looked into again");
    for (let round = 0; round < 2; round++) await later.inventory();
    assertEquals(looks, done, "and no more");
  }, { confinement: ONE_GROUP }));

Deno.test("a start that breaks off before its spawn leaves no group, and its output says that it did not start", async () => {
  const released: string[] = [];
  await withWorld(async ({ platform }) => {
    const { failure } = failureOf(
      await startIt(platform, shell("exec sleep 1000"), { limits: { processes: 8 } }),
    );
    assertEquals(failure.code, "process_table_lost");
    assertEquals(released, ["/proc/self/cgroup.procs"]);
    const { lines } = await platform.readLogs("i-1", { tail: 9 });
    const markers = lines.map(({ text }) => text.replace(/run [^ ]+/, "run"));
    assertEquals(markers, ["run starts", "run did not start"]);
  }, {
    openProcessTable: (clock, instancesFolder, path) => ({
      ...openShellProcessTable(clock, instancesFolder, path),
      bootId: () => Promise.reject(SHELL_LOST),
    }),
    confinement: {
      ...ONE_GROUP,
      release: (joins) => Promise.resolve(void released.push(...joins)),
    },
  });
});

Deno.test("one that ignores SIGTERM is killed with all that is in its groups", () =>
  withWorld(async (world) => {
    const { platform } = world;
    const script = "trap '' TERM; while :; do sleep 1; done";
    const info = await started(platform, shell(script, { stopGraceMs: 200 }), {
      limits: { processes: 64 },
    });
    const groups = await groupsOf(world, info);
    const outcome = await platform.stop("i-1", NO_FENCE);
    assertEquals([outcome.kind, outcome.runtimeInfo?.exit?.reason], ["stopped", "Killed"]);
    await assertGone(groups);
  }));

Deno.test("a server has the limits from its first instruction on", () =>
  withWorld(async ({ platform, folder }) => {
    const script = "cat /proc/self/cgroup >groups; ulimit -n >files; exec sleep 1000";
    const info = await started(platform, shell(script), {
      limits: { memoryBytes: MEMORY, openFiles: 40 },
    });
    assertEquals((await fileText(`${folder()}/files`)).trim(), "40");
    if (info.limits?.memoryBytes === undefined) return;
    assertStringIncludes(await fileText(`${folder()}/groups`), `/${info.runId}`);
  }));

Deno.test("a program that asks a server how it is has the server's limits, also for a later worker", () =>
  withWorld(async ({ platform, folder, reopen }) => {
    const ask = (what: string) => [
      "sh",
      "-c",
      'cat /proc/self/cgroup >"$1.groups"; ulimit -n >"$1.files.new"; mv "$1.files.new" "$1.files"',
      "sh",
      what,
    ];
    const info = await started(platform, {
      command: ["sleep", "1000"],
      readiness: { command: ask("ready") },
      liveness: { command: ask("$(live) *"), intervalMs: 500 },
    }, { limits: { processes: 64, openFiles: 40 } });
    const assertHeld = async (what: string) => {
      assertEquals((await fileText(`${folder()}/${what}.files`)).trim(), "40");
      if (info.limits?.processes === undefined) return;
      assertStringIncludes(await fileText(`${folder()}/${what}.groups`), `/${info.runId}`);
    };
    await assertHeld("ready");
    await assertHeld("$(live) *");
    await platform.close();
    await Deno.remove(`${folder()}/$(live) *.files`).catch(() => {});
    await (await reopen()).inventory();
    await assertHeld("$(live) *");
  }));

Deno.test("a limit that the host cannot set is told by name and reason, and the server runs", () =>
  withWorld(async ({ platform, reopen }) => {
    const limits = { memoryBytes: MEMORY, cpus: 1 };
    const info = await started(platform, shell("exec sleep 1000"), { limits });
    const told = { memoryBytes: "this host cannot", cpus: "this host cannot" };
    assertEquals([info.limits, info.limitsNotSet], [{}, told]);
    const [found] = await (await reopen()).inventory();
    assertEquals(found?.limitsNotSet, told);
  }, { confinement: NOTHING_HELD }));

Deno.test("where the host demands limits, what cannot be set keeps the server from being started", () =>
  withWorld(async ({ platform, folder }) => {
    const outcome = await startIt(platform, shell("echo ran >ran"), {
      limits: { memoryBytes: MEMORY },
    });
    const { failure } = failureOf(outcome);
    assertEquals([failure.code, failure.retryable], ["limit_not_set", false]);
    assertStringIncludes(
      failure.message,
      "memoryBytes cannot be set on this host: this host cannot",
    );
    assertEquals(await Deno.stat(`${folder()}/ran`).catch(() => "not there"), "not there");
  }, { confinement: NOTHING_HELD, policy: DEMANDING }));

Deno.test("a group that the server cannot join is told, or keeps it from starting where limits must hold", async () => {
  const lost: Confinement = {
    ...NOTHING_HELD,
    confine: (_, limits) =>
      Promise.resolve({
        joins: ["/proc/none/cgroup.procs"],
        ulimits: [],
        limits,
        notSet: {},
        heldIn: { processes: "/proc/none/cgroup.procs" },
      }),
  };
  const limits = { processes: 8 };
  await withWorld(async ({ platform, folder, reopen }) => {
    const info = await started(platform, shell("exec sleep 1000"), { limits });
    const told = { processes: "the host did not let the server into its control group" };
    assertEquals([info.limits, info.limitsNotSet], [{}, told]);
    const record = await Deno.readTextFile(`${folder()}/runs/${info.runId}/launch.json`);
    assertEquals(JSON.parse(record).confined.limits, limits, "written before the spawn only");
    const found = await (await reopen()).inspect("i-1");
    assertEquals([found?.limits, found?.limitsNotSet], [{}, told]);
  }, { confinement: lost });
  await withWorld(async ({ platform }) => {
    const outcome = await startIt(platform, shell("exec sleep 1000"), { limits });
    assertEquals(failureOf(outcome).failure.code, "limit_not_set");
    assertEquals(await platform.inventory(), []);
  }, { confinement: lost, policy: DEMANDING });
});

Deno.test("a server without limits costs no group, and nothing is said of limits", () =>
  withWorld(async ({ platform, folder }) => {
    const info = await started(platform, shell("cat /proc/self/cgroup >groups; exec sleep 1000"));
    assertEquals([info.limits, info.limitsNotSet], [undefined, undefined]);
    assert(!(await fileText(`${folder()}/groups`)).includes("draas-"));
  }));
