/** What it costs to watch hundreds of adopted runs, and how soon the end of one of them is known all the same. */
import { assert, assertEquals } from "@std/assert";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { ExitWatch, type WatchedRun } from "../../workers/process/exit_watch.ts";
import { InstanceFolder, type RunRecord } from "../../workers/process/instance_folder.ts";
import type { ProcessTable } from "../../workers/process/process_table.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { eventually } from "./process_world.ts";

const RUNS = 300;
const BOOT = "boot";
const STOP = { reason: "Stopped", signal: "SIGTERM", graceMs: 10_000 } as const;

interface Watched {
  clock: ManualClock;
  watch: ExitWatch;
  runs: WatchedRun[];
  /** The processes that the table was asked for, in order. */
  looks: number[];
  told: RuntimeInfo[];
  /** As its shim does when it ends. */
  end(run: WatchedRun, code: number, marks: { mark: boolean }): void;
}

async function withWatched(
  test: (watched: Watched) => Promise<void>,
  answers: (startTicks: string) => Promise<string | null> = (ticks) => Promise.resolve(ticks),
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "draas-watch-" });
  const clock = new ManualClock();
  const looks: number[] = [];
  const told: RuntimeInfo[] = [];
  const table: Partial<ProcessTable> = {
    bootId: () => Promise.resolve(BOOT),
    startTicksOf: (pid) => (looks.push(pid), answers(String(pid))),
    marked: () => Promise.resolve([]),
    isLocked: () => Promise.resolve(false),
  };
  const watch = new ExitWatch({
    clock,
    table: table as ProcessTable,
    site: "site",
    endedFolder: `${root}/ended`,
    endConfined: () => Promise.resolve(),
    output: { watch: () => {}, ended: () => {} },
    probesOf: () => null,
    onUnexpectedEnd: (info) => told.push(info),
  });
  try {
    await Deno.mkdir(`${root}/ended`);
    const runs = Array.from({ length: RUNS }, (_, index) => {
      const folder = new InstanceFolder(`${root}/instances`, `i-${index}`);
      const run = runRecord(index);
      Deno.mkdirSync(folder.runFolder(run.runId), { recursive: true });
      Deno.writeTextFileSync(`${folder.path}/run.json`, JSON.stringify(run));
      Deno.writeTextFileSync(`${folder.runFolder(run.runId)}/exit.json`, "");
      return watch.watch(folder, run, null);
    });
    const end: Watched["end"] = ({ folder, run: { runId } }, code, { mark }) => {
      Deno.writeTextFileSync(
        `${folder.runFolder(runId)}/exit.json`,
        JSON.stringify({ runId, code }),
      );
      if (mark) Deno.writeTextFileSync(`${root}/ended/${folder.instanceId}`, "");
    };
    await test({ clock, watch, runs, looks, told, end });
  } finally {
    watch.close();
    await Deno.remove(root, { recursive: true });
  }
}

function runRecord(index: number): RunRecord {
  return {
    runId: `r-${index}`,
    pid: index + 1,
    startTicks: String(index + 1),
    bootId: BOOT,
    generation: 1,
    fence: 1_000_001,
    startedAt: 0,
  };
}

async function exitOf(told: RuntimeInfo[]): Promise<[string, number | null | undefined]> {
  const info = await eventually("it is told", () => told[0]);
  return [info.instanceId, info.exit?.code];
}

Deno.test("hundreds of adopted runs are looked at by turns, fifty a second", () =>
  withWatched(async ({ clock, looks }) => {
    await clock.advance(1_000);
    assertEquals(looks.length, 50);
    await clock.advance(5_000);
    assertEquals(new Set(looks).size, RUNS, "each had its turn");
  }));

Deno.test("also while many of them are being stopped, the process table can keep up", () =>
  withWatched(async ({ clock, watch, runs, looks }) => {
    for (const run of runs.slice(0, 200)) {
      run.stop = STOP;
      watch.hurry();
    }
    await clock.advance(1_000);
    assert(looks.length <= 100, `${looks.length} looks`);
    const stopping = looks.filter((pid) => pid <= 200).length;
    assert(stopping >= 50, `${stopping} of them at those that are being stopped`);
  }));

Deno.test("a process table that does not answer is not asked more and more", () =>
  withWatched(async ({ clock, looks }) => {
    await clock.advance(10_000);
    assertEquals(looks.length, 5);
  }, () => new Promise(() => {})));

Deno.test("the end of one that its shim has marked is known a tick later", () =>
  withWatched(async ({ clock, runs, end, told }) => {
    await clock.advance(1_000);
    end(runs[250]!, 7, { mark: true });
    await clock.advance(100);
    assertEquals(await exitOf(told), ["i-250", 7]);
  }));

Deno.test("one that left no mark is known by its record when it has its turn", () =>
  withWatched(async ({ clock, runs, end, told }) => {
    await clock.advance(1_000);
    end(runs[250]!, 7, { mark: false });
    await clock.advance(RUNS / 20 * 100);
    assertEquals(await exitOf(told), ["i-250", 7]);
  }));

Deno.test("the end of one that is being stopped is known at once, however fast others are asked to stop", () =>
  withWatched(async ({ clock, watch, runs, end }) => {
    const [first, ...others] = runs as [WatchedRun, ...WatchedRun[]];
    first.stop = STOP;
    watch.hurry();
    end(first, 0, { mark: false });
    for (const other of others.slice(0, 4)) {
      other.stop = STOP;
      watch.hurry();
      await clock.advance(5);
    }
    assertEquals((await first.ended).exit?.reason, "Stopped");
  }));
