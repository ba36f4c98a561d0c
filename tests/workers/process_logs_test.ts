/** What servers print is kept, told in its order with its times, and bounded. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { everything, firstGap, followed, markers, printed } from "./log_world.ts";
import { eventually, shell, started, withWorld } from "./process_world.ts";

const KIB = 1024;

/** Bytes that a file takes on the disk. */
async function onDisk(path: string): Promise<number> {
  const { blocks } = await Deno.stat(path);
  return (blocks ?? 0) * 512;
}

Deno.test("both streams are kept apart, and told together in the order of their times", () =>
  withWorld(async ({ platform, folder }) => {
    const before = Date.now();
    await started(
      platform,
      shell("echo one; sleep 1; echo two >&2; sleep 1; echo three; exec sleep 1000"),
    );
    const lines = await followed(platform, (seen) => printed(seen).includes("three"));
    const told = lines.map(({ stream, text }) => `${stream}: ${text}`);
    assertMatch(told.shift()!, /^marker: run .* starts$/);
    assertEquals(told, ["stdout: one", "stderr: two", "stdout: three"]);
    const times = lines.map(({ at }) => at!);
    assertEquals(times, [...times].sort((a, b) => a - b));
    const [, one, two] = times as [number, number, number];
    assert(one >= before - 1_000 && two - one > 200, `times are those of the lines: ${times}`);
    assertEquals(await Deno.readTextFile(`${folder()}/logs/stdout.log`), "one\nthree\n");
    assertEquals(await Deno.readTextFile(`${folder()}/logs/stderr.log`), "two\n");
    assertEquals(printed(await everything(platform, { stream: "stderr" })), ["two"]);
    assertEquals(printed((await platform.readLogs("i-1", { tail: 2 })).lines), ["two", "three"]);
    const since = await everything(platform, { since: two });
    assertEquals(printed(since), ["two", "three"]);
  }));

Deno.test("a reader that waits is told of each run's start and end, and of every line in between", () =>
  withWorld(async ({ platform }) => {
    const script = shell('for n in 1 2 3; do echo "line $n"; done; sleep 1; printf unfinished');
    await started(platform, script);
    const following = followed(platform, (seen) => markers(seen).length === 4);
    await eventually(
      "the first run ends",
      async () => (await platform.inspect("i-1"))?.status === "Stopped",
    );
    await started(platform, script);
    const lines = await following;
    const run = ["started", "line 1", "line 2", "line 3", "unfinished", "ended"];
    assertEquals(lines.map(({ kind, text }) => kind ?? text), [...run, ...run]);
    assertMatch(lines[5]!.text, /^run \S+ exited with code 0/);
  }));

Deno.test("no line is lost over a kill of the worker and a freed part, and what nobody watched is marked", () =>
  withWorld(async (world) => {
    const logLimits = { keepBytes: 512 * KIB };
    const pad = "x".repeat(190);
    const server = shell(
      `n=0; while :; do i=0; while [ $i -lt 100 ]; do echo $((n=n+1)) ${pad}; i=$((i+1)); done; sleep 0.05; done`,
    );
    const first = await workerProcess(world.dataFolder, JSON.stringify(server), { logLimits });
    const grown = (bytes: number) =>
      eventually(
        `${bytes} bytes`,
        async () => (await Deno.stat(`${world.folder()}/logs/stdout.log`)).size > bytes,
      );
    await grown(1_500 * KIB);
    await first.kill();
    const size = (await Deno.stat(`${world.folder()}/logs/stdout.log`)).size;
    await grown(size + 200 * KIB);
    const second = await workerProcess(world.dataFolder, "adopt", { logLimits });
    await grown(size + 400 * KIB);
    await second.kill();
    const lines = await everything(world.platform);
    const numbers = printed(lines).map((line) => line.split(" ")[0]!);
    assertEquals(firstGap(numbers), null);
    assert(numbers.length > 1_000, `${numbers.length} lines are kept`);
    assertEquals(markers(lines), ["dropped", "returned"]);
    const unwatched = lines.filter(({ at, stream }) => at === null && stream === "stdout");
    assert(unwatched.length > 900, `${unwatched.length} lines have bounds only`);
    const [from, to] = unwatched[0]!.between!;
    assert(to > from && to <= Date.now(), "the bounds are in order");
    const file = `${world.folder()}/logs/stdout.log`;
    assert(await onDisk(file) < 1_200 * KIB, `${await onDisk(file)} bytes are on the disk`);
  }));

Deno.test("a flood is bounded on the disk and said, and the worker does other things meanwhile", () =>
  withWorld(async ({ platform, folder }) => {
    await started(
      platform,
      shell(
        "while :; do yes the same line over and over again | head -c 5000000; sleep 0.05; done",
      ),
    );
    const file = `${folder()}/logs/stdout.log`;
    const waits: number[] = [];
    let most = 0;
    await eventually("it has written 300 MiB", async () => {
      most = Math.max(most, await onDisk(file));
      const before = performance.now();
      await platform.inspect("i-1");
      waits.push(performance.now() - before);
      return (await Deno.stat(file)).size > 300 * KIB * KIB;
    }, 60_000);
    await started(platform, shell("exec sleep 1000"), { instanceId: "i-2" });
    const [first, ...rest] = (await platform.readLogs("i-1", { tail: 5 })).lines;
    assertEquals(first?.kind, "dropped");
    assertMatch((await platform.logs("i-1", 5))[0]!, /^--- .* were dropped .* ---$/);
    assertMatch(first!.text, /^\d+(\.\d)? [MG]iB of output were dropped/);
    assert(printed(rest).includes("the same line over and over again"), JSON.stringify(rest));
    await platform.stop("i-1", NO_FENCE);
    await platform.stop("i-2", NO_FENCE);
    assert(most < 200 * KIB * KIB, `at most ${most} bytes were on the disk`);
    waits.sort((a, b) => a - b);
    assert(waits[Math.floor(waits.length / 2)]! < 1_000, "it answers");
  }, { logLimits: { keepBytes: 8 * KIB * KIB } }));

Deno.test("where parts cannot be freed in place, a restart begins a new file, and offsets go on", () =>
  withWorld(async ({ platform, folder }) => {
    const say = (word: string) =>
      shell(
        `i=0; while [ $i -lt 400 ]; do echo ${word} $((i=i+1)) ${"x".repeat(90)}; done; sleep 0.3`,
      );
    const runs = ["one", "two", "three", "four", "five", "six", "seven", "last"];
    for (const word of runs) {
      await started(platform, say(word));
      await eventually(
        "it ends",
        async () => (await platform.inspect("i-1"))?.status === "Stopped",
      );
    }
    const files = [...Deno.readDirSync(`${folder()}/logs`)].map(({ name }) => name)
      .filter((name) => name.startsWith("stdout"));
    const bytes = files.reduce(
      (sum, name) => sum + Deno.statSync(`${folder()}/logs/${name}`).size,
      0,
    );
    assert(bytes < 180 * KIB, `${bytes} bytes in ${files.join()}`);
    const kept = printed(await everything(platform)).map((line) => line.split(" ").slice(0, 2));
    assertEquals(kept.at(-1), ["last", "400"]);
    const ofLast = kept.filter(([word]) => word === "last").map(([, number]) => number!);
    assertEquals([ofLast.length, firstGap(ofLast)], [400, null]);
  }, { logLimits: { keepBytes: 64 * KIB }, freeRange: () => Promise.resolve(false) }));

Deno.test("where parts cannot be freed in place, a flood is emptied before it fills the disk", () =>
  withWorld(async ({ platform, folder }) => {
    await started(platform, { command: ["yes", "a line"] });
    await eventually("it was emptied twice", async () => {
      const index = await Deno.readTextFile(`${folder()}/logs/index`);
      return index.split("\n").filter((line) => line.includes('"b"')).length >= 4;
    }, 60_000);
    await eventually("what is left is told, and that there was more", async () => {
      const { lines } = await platform.readLogs("i-1", { tail: 3 });
      return lines[0]?.kind === "dropped" && printed(lines).includes("a line");
    });
    await platform.stop("i-1", NO_FENCE);
    const { cursor } = await platform.readLogs("i-1", { tail: 0 });
    const written = Number(cursor!.split(".")[1]);
    const { size } = await Deno.stat(`${folder()}/logs/stdout.log`);
    assert(written > 2 * size, `${size} of ${written} bytes are on the disk`);
  }, { logLimits: { keepBytes: KIB * KIB }, freeRange: () => Promise.resolve(false) }));

Deno.test("the output of an older release, both streams in one file, is read and goes on", () =>
  withWorld(async ({ platform, folder }) => {
    await Deno.mkdir(folder(), { recursive: true });
    await Deno.writeTextFile(`${folder()}/server.log`, "old one\nold two\n");
    assertEquals(await platform.logs("i-1", 10), ["old one", "old two"]);
    await started(platform, shell("echo new; exec sleep 1000"));
    const lines = await followed(platform, (seen) => printed(seen).includes("new"));
    assertEquals(lines.map(({ kind, text }) => kind ?? text), [
      "old one",
      "old two",
      "started",
      "new",
    ]);
    assertEquals(lines.slice(0, 2).map(({ at }) => at), [null, null]);
    assertEquals(await platform.logs("i-1", 2), ["old two", "new"]);
  }));

Deno.test("the output of a server that an older release has started is read, watched and bounded", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, shell("exec sleep 1000"));
    await world.platform.close();
    // As it was left: one file, no folder of logs.
    await Deno.remove(`${world.folder()}/logs`, { recursive: true });
    await Deno.writeTextFile(`${world.folder()}/server.log`, "before\n");
    const next = await world.reopen();
    assertEquals(await next.inventory(), [info]);
    await Deno.writeTextFile(`${world.folder()}/server.log`, "after\n", { append: true });
    const lines = await followed(next, (seen) => printed(seen).includes("after"));
    assertEquals(lines.map(({ kind, text }) => kind ?? text), ["before", "returned", "after"]);
    assert(lines[0]!.at === null && lines[2]!.at !== null, "it is watched from then on");
  }));

Deno.test("a file that its owner empties goes on, and nothing is told twice", () =>
  withWorld(async ({ platform, folder }) => {
    await started(
      platform,
      shell("echo before; while [ ! -e go ]; do sleep 0.02; done; echo after; exec sleep 1000"),
    );
    const first = await followed(platform, (seen) => printed(seen).includes("before"));
    await Deno.truncate(`${folder()}/logs/stdout.log`, 0);
    await Deno.writeTextFile(`${folder()}/go`, "");
    const { cursor } = await platform.readLogs("i-1", { tail: 0 });
    assertEquals(printed(first), ["before"]);
    const rest = await followed(platform, (seen) => printed(seen).includes("after"), {
      cursor: cursor!,
    });
    assertEquals(printed(rest), ["after"]);
  }));

Deno.test("the output of a deleted instance is kept on the host, and is no instance's any more", () =>
  withWorld(async ({ platform, dataFolder, folder }) => {
    await started(platform, shell("echo last words; exec sleep 1000"));
    await followed(platform, (seen) => printed(seen).includes("last words"));
    await platform.remove("i-1", NO_FENCE);
    assertEquals(await Deno.stat(folder()).catch(() => null), null);
    assertEquals(await platform.logs("i-1", 10), []);
    const [kept, ...others] = [...Deno.readDirSync(`${dataFolder}/deleted-logs`)];
    assertMatch(kept!.name, /^i-1\.\d+$/);
    assertEquals(others, []);
    const text = await Deno.readTextFile(`${dataFolder}/deleted-logs/${kept!.name}/stdout.log`);
    assertEquals(text, "last words\n");
  }));

Deno.test("the outputs of deleted instances are bounded: the oldest go first", () =>
  withWorld(async ({ platform, dataFolder }) => {
    for (const instanceId of ["i-1", "i-2", "i-3"]) {
      await started(platform, shell(`head -c 40000 /dev/zero; exec sleep 1000`), { instanceId });
      await eventually(
        "it has printed",
        async () =>
          (await Deno.stat(`${dataFolder}/instances/${instanceId}/logs/stdout.log`)).size ===
            40_000,
      );
      await platform.remove(instanceId, NO_FENCE);
    }
    const kept = [...Deno.readDirSync(`${dataFolder}/deleted-logs`)].map(({ name }) =>
      name.slice(0, 3)
    );
    assertEquals(kept.sort(), ["i-2", "i-3"]);
  }, { logLimits: { deletedBytesMax: 110 * KIB } }));

Deno.test("what a worker has given up and not freed when it died, the next one frees", () =>
  withWorld(async ({ platform, folder, reopen }) => {
    await started(platform, shell("yes a line | head -c 3000000; exec sleep 1000"));
    const file = `${folder()}/logs/stdout.log`;
    await eventually(
      "a part is given up",
      async () => (await Deno.readTextFile(`${folder()}/logs/index`)).includes('"f"'),
    );
    await platform.close();
    assert(await onDisk(file) > 2_900_000, "none of it is freed");
    const next = await reopen({ freeRange: undefined as never });
    await next.inventory();
    await Deno.writeTextFile(file, "y\n".repeat(900 * KIB), { append: true });
    await eventually("it is freed", async () => await onDisk(file) < 1_500_000);
  }, {
    logLimits: { keepBytes: KIB * KIB },
    // As a worker that dies before it is done.
    freeRange: () => Promise.resolve(true),
  }));

interface WorkerProcess {
  kill(): Promise<void>;
}

async function workerProcess(
  dataFolder: string,
  configuration: string,
  options: object,
): Promise<WorkerProcess> {
  const script = new URL("./worker_process.ts", import.meta.url).pathname;
  const worker = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, dataFolder, configuration, JSON.stringify(options)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = worker.stdout.getReader();
  await reader.read();
  return {
    async kill() {
      worker.kill("SIGKILL");
      await worker.status;
      await reader.cancel();
    },
  };
}
