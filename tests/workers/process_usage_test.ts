/** What servers use, as it is sampled: whose a process is, what the tree uses, and what the host shows of real servers. */
import { assert, assertEquals } from "@std/assert";
import {
  keyOf,
  parseStats,
  runsOf,
  usageOf,
  type UsedBy,
} from "../../workers/process/process_usage.ts";
import { eventually, fileText, shell, started, withWorld } from "./process_world.ts";

const process = (pid: number, more: Partial<UsedBy> = {}): UsedBy => ({
  pid,
  parent: 1,
  session: pid,
  startTicks: `${pid}00`,
  cpuTicks: 0,
  pages: 0,
  ...more,
});
const table = (...all: UsedBy[]) => new Map(all.map((one) => [one.pid, one]));

Deno.test("a process is read whatever it calls itself; one that is no more is not", () => {
  const rest =
    "S 7 12 13 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 1 0 555 4096 25 18446744073709551615";
  const lines = [
    `/proc/12/stat:12 (a) b (c) ${rest}`,
    "/proc/14/stat:14 (two",
    `/proc/14/stat:lines) ${rest}`,
    `/proc/15/stat:15 (gone) Z${rest.slice(1)}`,
    "/proc/16/stat:16 (torn) S 1",
  ];
  const found = { parent: 7, session: 13, startTicks: "555", cpuTicks: 124, pages: 25 };
  assertEquals([...parseStats(lines).values()], [{ pid: 12, ...found }, { pid: 14, ...found }]);
});

Deno.test("a run has its server, its session, what descends from those, and what carries its mark", () => {
  const server = process(10);
  const inSession = process(11, { session: 10 });
  const descendant = process(12, { parent: 11 });
  const strayed = process(13);
  const ofStrayed = process(14, { parent: 13 });
  const processes = table(server, inSession, descendant, strayed, ofStrayed, process(15));
  const known = new Map([[keyOf(strayed), "r-1"], [keyOf(process(15)), null]]);
  const runs = runsOf(processes, [{ runId: "r-1", pid: 10, startTicks: "1000" }], known);
  assertEquals([...runs.keys()].sort(), [10, 11, 12, 13, 14]);
  const reused = [{ runId: "r-1", pid: 10, startTicks: "999" }];
  assertEquals(runsOf(table(server, inSession), reused, new Map()).size, 0, "the pid is another's");
  const circle = table(process(20, { parent: 21 }), process(21, { parent: 20 }));
  assertEquals(runsOf(circle, reused, new Map()).size, 0);
});

Deno.test("use is added up over the tree; the CPU of a child that nobody waited for is not taken back", () => {
  const tree = [process(1, { cpuTicks: 150, pages: 3 }), process(2, { cpuTicks: 50, pages: 1 })];
  const files = new Map([[1, 4], [2, 5]]);
  assertEquals(usageOf("r", tree, files, 4_096, 10_000, { at: 5_000, cpuSeconds: 1 }), {
    runId: "r",
    cpuShare: 0.2,
    cpuSeconds: 2,
    memoryBytes: 16_384,
    openFiles: 9,
    processes: 2,
  });
  const [one] = tree;
  const later = usageOf("r", [one!], new Map(), 4_096, 15_000, { at: 10_000, cpuSeconds: 2 });
  assertEquals([later.cpuSeconds, later.cpuShare, later.openFiles], [2, 0, null]);
  assertEquals(usageOf("r", tree, files, 1, 0, undefined).cpuShare, 0, "nothing to compare with");
});

Deno.test("real servers are sampled with their whole trees, and ended ones no more", () =>
  withWorld(async ({ platform, folder }) => {
    assertEquals(platform.metrics(), undefined, "nothing runs, nothing is looked at");
    const busy =
      "exec 5<. 6<. 7<.; (setsid sh -c 'echo up >up; sleep 1000' &) & while :; do :; done";
    const info = await started(platform, shell(busy));
    await fileText(`${folder()}/up`);
    const first = await eventually("a sample", () => platform.metrics(), 20_000);
    assertEquals(first.map(({ runId }) => runId), [info.runId]);
    assert(first[0]!.processes! >= 3, JSON.stringify(first));
    assert(first[0]!.openFiles! >= 3 * 4, "each has three streams and the lock");
    assert(first[0]!.memoryBytes > 500_000 && first[0]!.memoryBytes < 100_000_000);
    const second = await eventually("the next sample", () => platform.metrics(), 20_000);
    assert(second[0]!.cpuSeconds > first[0]!.cpuSeconds, "it goes on");
    assert(second[0]!.cpuShare > 0.05 && second[0]!.cpuShare <= 2.2, JSON.stringify(second));
    await platform.stop("i-1", { generation: 1, attempt: 1 });
    assertEquals(await eventually("nothing is left", () => platform.metrics(), 20_000), []);
  }));

Deno.test("a server that fails leaves what it used before its end", () =>
  withWorld(async ({ platform, exits }) => {
    const { instanceId } = await started(platform, shell("sleep 7; exit 3"));
    await eventually("a sample of it", () => platform.metrics()?.length, 20_000);
    const [exit] = await eventually("its end", () => exits.length > 0 && exits, 20_000);
    assertEquals([exit!.instanceId, exit!.exit?.code], [instanceId, 3]);
    const resources = exit!.capsule?.resources ?? [];
    assert(resources.length > 0, JSON.stringify(exit));
    assert(resources.every(({ memoryBytes }) => (memoryBytes ?? 0) > 0), JSON.stringify(resources));
  }));
