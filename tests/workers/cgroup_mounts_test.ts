/** Where a worker finds its control groups, on hosts as they come; and what it writes into those of version 2. */
import { assertEquals } from "@std/assert";
import { openCgroupConfinement } from "../../workers/process/cgroup_confinement.ts";
import { cgroupPlaces } from "../../workers/process/cgroup_mounts.ts";
import { settingsFor, ulimitsFor } from "../../workers/process/limit_settings.ts";
import { realClock } from "./process_world.ts";

const UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const DISK = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw";
const service = "/system.slice/draas-worker.service";

Deno.test("a delegated service's worker makes its groups beside its own, which holds the worker", () => {
  assertEquals(cgroupPlaces([DISK, UNIFIED], [`0::${service}/worker`]), {
    first: {},
    second: `/sys/fs/cgroup${service}`,
  });
  assertEquals(cgroupPlaces([UNIFIED], [`0::${service}`]).second, `/sys/fs/cgroup${service}`);
  assertEquals(cgroupPlaces([UNIFIED], ["0::/"]).second, "/sys/fs/cgroup");
  assertEquals(cgroupPlaces([UNIFIED], ["0::/worker"]).second, "/sys/fs/cgroup");
});

Deno.test("where both versions are, each controller is where it is mounted, also two in one place", () => {
  const at = "/sys/fs/cgroup";
  const mounts = [
    `31 30 0:28 / ${at}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct`,
    `32 30 0:29 / ${at}/memory rw - cgroup cgroup rw,memory`,
    `33 30 0:30 / ${at}/systemd rw - cgroup cgroup rw,name=systemd`,
    `34 30 0:31 / ${at}/unified rw - cgroup2 cgroup2 rw`,
  ];
  const membership = ["4:memory:/a/b", "3:cpu,cpuacct:/", `1:name=systemd:${service}`, "0::/"];
  assertEquals(cgroupPlaces(mounts, membership), {
    first: { cpu: `${at}/cpu,cpuacct`, memory: `${at}/memory/a/b` },
    second: `${at}/unified`,
  });
});

Deno.test("in a container the group is found by the mount's root; a path that is not plain is left alone", () => {
  const root = "/docker/0123";
  const mount = `32 30 0:29 ${root} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory`;
  const memory = (path: string) => cgroupPlaces([mount], [`4:memory:${path}`]).first.memory;
  assertEquals(memory(root), "/sys/fs/cgroup/memory");
  assertEquals(memory(`${root}/inner`), "/sys/fs/cgroup/memory/inner");
  assertEquals(memory("/"), "/sys/fs/cgroup/memory");
  assertEquals(memory(`${root}/with space`), undefined);
  assertEquals(memory(`${root}/../other`), undefined);
  assertEquals(cgroupPlaces(["", "nonsense", DISK], ["0::/"]), { first: {}, second: null });
});

Deno.test("each limit is said in the words of both versions and of ulimit", () => {
  const words = (controller: "memory" | "cpu" | "pids", version: 1 | 2, value: number) =>
    settingsFor(controller, version, value).map(({ file, value }) => `${file}=${value}`);
  assertEquals(words("cpu", 2, 0.5), ["cpu.max=50000 100000"]);
  assertEquals(words("cpu", 1, 2), ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=200000"]);
  assertEquals(words("memory", 1, 4_096), [
    "memory.limit_in_bytes=4096",
    "memory.memsw.limit_in_bytes=4096",
  ]);
  assertEquals(words("pids", 1, 9), ["pids.max=9"]);
  assertEquals(ulimitsFor({ memoryBytes: 4_097, openFiles: 64 }, false), ["n=64", "d=5"]);
  assertEquals(ulimitsFor({ memoryBytes: 4_097 }, true), []);
});

/** A host of version 2 alone, in plain files: what its kernel would do is not there, what it is told is. */
async function withPlainHost(
  controllers: string,
  test: (confine: ReturnType<typeof openCgroupConfinement>, own: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-cgroup2-" });
  const own = `${folder}/mount${service}`;
  await Deno.mkdir(own, { recursive: true });
  await Deno.writeTextFile(`${own}/cgroup.controllers`, `${controllers}\n`);
  await Deno.writeTextFile(
    `${folder}/mountinfo`,
    `30 23 0:26 / ${folder}/mount rw - cgroup2 cgroup2 rw\n`,
  );
  await Deno.writeTextFile(`${folder}/cgroup`, `0::${service}/worker\n`);
  const confinement = openCgroupConfinement({
    clock: realClock,
    site: "s-1",
    path: Deno.env.get("PATH") ?? "",
    self: folder,
  });
  try {
    await test(confinement, own);
  } finally {
    await confinement.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("on a host of version 2 controllers are passed on, and one group of a run holds all of its limits", () =>
  withPlainHost("cpuset cpu io memory pids", async (confinement, own) => {
    const limits = { memoryBytes: 67_108_864, cpus: 0.25, processes: 8 };
    const confined = await confinement.confine("run-1", limits);
    const site = `${own}/draas-s-1`;
    const group = `${site}/run-1`;
    const join = `${group}/cgroup.procs`;
    assertEquals(confined, {
      joins: [join],
      ulimits: [],
      limits,
      notSet: {},
      heldIn: { memoryBytes: join, cpus: join, processes: join },
    });
    const written = (path: string) => Deno.readTextFileSync(path).trim();
    assertEquals(
      ["memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max"].map((file) =>
        written(`${group}/${file}`)
      ),
      ["67108864", "0", "1", "25000 100000", "8"],
    );
    assertEquals(written(`${own}/cgroup.subtree_control`), "+pids");
    assertEquals(written(`${site}/cgroup.subtree_control`), "+pids");
  }));

Deno.test("a controller that the group was not given is told by its name", () =>
  withPlainHost("memory", async (confinement, own) => {
    const { limits, notSet } = await confinement.confine("run-1", {
      memoryBytes: 67_108_864,
      processes: 8,
    });
    assertEquals(limits, { memoryBytes: 67_108_864 });
    assertEquals(notSet, {
      processes: `the control group ${own} does not have the pids controller`,
    });
  }));
