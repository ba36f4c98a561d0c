/** What holds a run in its limits, told as tests: run over each form that this machine has. */
import { assert, assertEquals } from "@std/assert";
import type { Limits } from "../../events/limits.ts";
import type { Confined, Confinement } from "../../workers/process/confinement.ts";
import { eventually, isRunning } from "../workers/process_world.ts";

const LIMITS = {
  memoryBytes: 48 * 1_048_576,
  cpus: 0.5,
  openFiles: 32,
  processes: 24,
} satisfies Limits;
/** Says its pid, then leaves its session and its parent behind. */
const DOUBLE_FORK = "(setsid sh -c 'echo $$ >child; exec sleep 1000' &) & exec sleep 1000";
/** Grows until something stops it. */
const HOG = "dd if=/dev/zero of=/dev/null bs=512M count=1";
const FORK_BOMB = "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; wait";

/** A process that joins as a shim does, then runs a line of shell in `folder`. */
function spawnIn(confined: Confined, script: string, folder: string): Deno.ChildProcess {
  const join =
    "for j in $JOINS; do echo 0 >$j; done; for u in $ULIMITS; do ulimit -${u%%=*} ${u#*=}; done";
  return new Deno.Command("sh", {
    args: ["-c", `${join}; cd ${folder}; exec sh -c "$0"`, script],
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      JOINS: confined.joins.join(" "),
      ULIMITS: confined.ulimits.join(" "),
    },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function endAll(confinement: Confinement, { joins }: Confined): Promise<void> {
  await eventually("all of it has ended", async () => await confinement.end(joins) === 0);
}

/** Puts what it makes into `made`, so that nothing of a test that fails is left. */
function noting(confinement: Confinement, made: Confined[]): Confinement {
  return {
    confine: async (runId, limits) => {
      const confined = await confinement.confine(runId, limits);
      made.push(confined);
      return confined;
    },
    end: (joins) => confinement.end(joins),
    release: (joins) => confinement.release(joins),
    sweep: () => confinement.sweep(),
    close: () => confinement.close(),
  };
}

function foldersOf({ joins }: Confined): string[] {
  return joins.map((join) => join.slice(0, join.lastIndexOf("/")));
}

async function areThere(folders: readonly string[]): Promise<boolean[]> {
  return await Promise.all(
    folders.map((folder) => Deno.stat(folder).then(() => true, () => false)),
  );
}

/** Registers the suite's tests under `name`; `open` gives a new view of one and the same site. */
export function confinementContract(name: string, open: (site: string) => Confinement): void {
  const test = (
    sentence: string,
    run: (confinement: Confinement, folder: string, site: string) => Promise<void>,
  ) =>
    Deno.test(`${name}: ${sentence}`, async () => {
      const site = crypto.randomUUID();
      const made: Confined[] = [];
      const confinement = noting(open(site), made);
      const folder = await Deno.makeTempDir({ prefix: "draas-confinement-" });
      try {
        await run(confinement, folder, site);
      } finally {
        for (const one of made) await endAll(confinement, one);
        await confinement.sweep();
        await confinement.close();
        await Deno.remove(folder, { recursive: true });
      }
    });

  test("each limit is held, or is told with a reason why not", async (confinement) => {
    const confined = await confinement.confine("run-1", LIMITS);
    const told = { ...confined.limits, ...confined.notSet };
    assertEquals(Object.keys(told).sort(), Object.keys(LIMITS).sort());
    for (const [limit, value] of Object.entries(confined.limits)) {
      assertEquals(value, LIMITS[limit as keyof Limits]);
      assert(!(limit in confined.notSet), `${limit} is both`);
    }
    for (const reason of Object.values(confined.notSet)) assert(reason.length > 10, reason);
    await confinement.release(confined.joins);
  });

  test("only the limits that were asked for are told", async (confinement) => {
    const { limits, notSet, ulimits } = await confinement.confine("run-1", { openFiles: 32 });
    assertEquals([limits, notSet, ulimits], [{ openFiles: 32 }, {}, ["n=32"]]);
  });

  test(
    "all of a run ends, also what left its session and its parent",
    async (confinement, folder) => {
      const confined = await confinement.confine("run-1", LIMITS);
      const server = spawnIn(confined, DOUBLE_FORK, folder);
      const child = await eventually(
        "its child has told its pid",
        async () => (await Deno.readTextFile(`${folder}/child`).catch(() => "")).trim() || null,
      );
      if (confined.joins.length > 0) {
        await endAll(confinement, confined);
        await server.status;
        assert(!await isRunning(child), "the child has ended");
      } else {
        assertEquals(await confinement.end(confined.joins), 0, "nothing holds it");
        server.kill("SIGKILL");
        Deno.kill(Number(child), "SIGKILL");
        await server.status;
      }
      await confinement.release(confined.joins);
      assertEquals(await areThere(foldersOf(confined)), confined.joins.map(() => false));
    },
  );

  test("a fork bomb stays within its processes, and ends", async (confinement, folder) => {
    const confined = await confinement.confine("run-1", LIMITS);
    if (confined.limits.processes === undefined) return;
    const server = spawnIn(confined, FORK_BOMB, folder);
    const counts = foldersOf(confined).map((one) => `${one}/pids.current`);
    const count = async () => {
      const texts = await Promise.all(counts.map((one) => Deno.readTextFile(one).catch(() => "0")));
      return Math.max(...texts.map(Number));
    };
    // A shell ends when it can fork no more, and makes room for one.
    await eventually("it is at its limit", async () => await count() >= LIMITS.processes - 1);
    assert(await count() <= LIMITS.processes);
    await endAll(confinement, confined);
    await server.status;
    await confinement.release(confined.joins);
  });

  test(
    "a memory hog is ended by the kernel, and the group says so",
    async (confinement, folder) => {
      const confined = await confinement.confine("run-1", LIMITS);
      const server = spawnIn(confined, HOG, folder);
      const { success } = await server.status;
      assert(!success, "it did not get what it asked for");
      if (confined.limits.memoryBytes !== undefined) {
        const texts = foldersOf(confined).flatMap((one) =>
          [`${one}/memory.events`, `${one}/memory.oom_control`].map((file) =>
            Deno.readTextFile(file).catch(() => "")
          )
        );
        assert((await Promise.all(texts)).some((text) => /^oom_kill [1-9]/m.test(text)));
      }
      await confinement.release(confined.joins);
    },
  );

  test(
    "what a crashed worker left is taken away once nothing is in it",
    async (confinement, folder, site) => {
      const left = await confinement.confine("run-1", LIMITS);
      const used = await confinement.confine("run-2", LIMITS);
      const server = spawnIn(used, "echo up >up; exec sleep 1000", folder);
      await eventually(
        "it is in",
        async () => await Deno.readTextFile(`${folder}/up`).catch(() => "") || null,
      );
      const next = open(site);
      await next.sweep();
      assertEquals(await areThere(foldersOf(left)), left.joins.map(() => false));
      assertEquals(await areThere(foldersOf(used)), used.joins.map(() => true));
      await next.end(used.joins);
      if (used.joins.length === 0) server.kill("SIGKILL");
      await server.status;
      await endAll(next, used);
      await next.release(used.joins);
      await next.close();
    },
  );
}
