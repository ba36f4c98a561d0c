/** What a server gets of its host: a folder, few variables, no open files of ours, and the user that it is meant for. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { isRoot, testAsRoot } from "../support/tools.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { failureOf, fileText, shell, started, startIt, withWorld } from "./process_world.ts";

const ANY_USER = { ...openPolicy("worker.yaml"), users: ["nobody", "daemon"] };
/** There is one on every host that has users. */
const OTHER = "nobody";

Deno.test("each server works in a folder of its own, and sees of the host's environment what is on the list", () =>
  withWorld(async ({ platform, folder }) => {
    await started(platform, shell("pwd >where; env >seen; exec sleep 1000", { env: { OWN: "1" } }));
    assertEquals((await fileText(`${folder()}/where`)).trim(), await Deno.realPath(folder()));
    const names = (await fileText(`${folder()}/seen`)).trim().split("\n")
      .map((line) => line.split("=")[0]!);
    const marks = ["DRAAS_INSTANCE_ID", "DRAAS_RUN_ID", "DRAAS_SITE"];
    // PWD is what a shell says itself.
    assertEquals(names.filter((name) => name !== "PWD" && name !== "_").sort(), [
      ...marks,
      "HOME",
      "OWN",
      "PATH",
    ]);
  }));

Deno.test("a server has its three streams and the run's lock open, and none of the worker's files", () =>
  withWorld(async ({ dataFolder, folder }) => {
    const script = new URL("./worker_process.ts", import.meta.url).pathname;
    const worker = new Deno.Command("sh", {
      args: [
        "-c",
        'exec 4</dev/zero 5</dev/zero 8</dev/zero; exec "$@"',
        "sh",
        Deno.execPath(),
        "run",
        "--no-check",
        "--allow-all",
        script,
        dataFolder,
        JSON.stringify(shell("exec sleep 1000")),
      ],
      stdout: "piped",
    }).spawn();
    const reader = worker.stdout.getReader();
    const { processId } = JSON.parse(new TextDecoder().decode((await reader.read()).value));
    worker.kill("SIGKILL");
    await worker.status;
    await reader.cancel();
    const open = [...Deno.readDirSync(`/proc/${processId}/fd`)].map(({ name }) => Number(name))
      // Beyond these `sh` has no word for them; what this test was given itself it passes on.
      .filter((fd) => fd < 10).sort();
    const links = open.map((fd) => [fd, Deno.readLinkSync(`/proc/${processId}/fd/${fd}`)]);
    const root = await Deno.realPath(folder());
    assertEquals(links, [
      [0, "/dev/null"],
      [1, `${root}/logs/stdout.log`],
      [2, `${root}/logs/stderr.log`],
      [9, `${root}/run.lock`],
    ]);
  }));

Deno.test("variables of a server's own never become the shim's", () =>
  withWorld(async ({ platform, folder, dataFolder }) => {
    const target = `${dataFolder}/not-to-be-written`;
    const env = { DRAAS_JOINS: target, DRAAS_ULIMITS: "n=16", DRAAS_MUST: "1" };
    await started(platform, shell("ulimit -n >files; exec sleep 1000", { env }));
    assert(Number(await fileText(`${folder()}/files`)) !== 16);
    assertEquals(await Deno.stat(target).catch(() => "not there"), "not there");
  }));

Deno.test("a user that the host does not allow, or does not have, keeps the server from being started", () =>
  withWorld(async ({ platform }) => {
    const other = isRoot ? OTHER : "root";
    const refused = failureOf(await startIt(platform, shell("exit 0", { user: other }))).failure;
    assertEquals([refused.code, refused.retryable], ["host_refused", false]);
    assertStringIncludes(
      refused.message,
      `rule "users": this host lets its servers run as the worker's own`,
    );
    const missing = failureOf(await startIt(platform, shell("exit 0", { user: "no-such-user" })));
    assertEquals(missing.failure.code, "configuration_invalid");
    assertStringIncludes(missing.failure.message, "user: no-such-user is no user of this worker's");
  }));

Deno.test("the worker's own user may always be named", () =>
  withWorld(async ({ platform, folder }) => {
    const own = (await Deno.readTextFile("/etc/passwd")).split("\n").map((line) => line.split(":"))
      .find(([, , uid]) => Number(uid) === Deno.uid())?.[0];
    if (own === undefined) return;
    await started(platform, shell("id -u >who; exec sleep 1000", { user: own }));
    assertEquals(Number(await fileText(`${folder()}/who`)), Deno.uid());
  }));

testAsRoot(
  "a server runs as the user that it is meant for, without a right or a file of the worker's",
  () =>
    withWorld(async ({ platform, folder }) => {
      const script =
        "id -u >who; id -G >groups; grep -h '^Cap[EPI]\\|^NoNew' /proc/self/status >rights; " +
        "echo $HOME >home; echo 9 >>../fence || echo kept >kept; exec sleep 1000";
      const info = await started(platform, shell(script, { user: OTHER }));
      const work = `${folder()}/work`;
      const account = (await Deno.readTextFile("/etc/passwd")).split("\n")
        .map((line) => line.split(":")).find(([name]) => name === OTHER)!;
      assertEquals((await fileText(`${work}/who`)).trim(), account[2]);
      assertEquals((await fileText(`${work}/groups`)).trim(), account[3]);
      assertEquals((await fileText(`${work}/home`)).trim(), account[5]);
      const rights = (await fileText(`${work}/rights`)).trim().split("\n");
      assertEquals(rights.map((line) => line.split("\t")[1]), [
        ...Array(3).fill("0000000000000000"),
        "1",
      ]);
      assertEquals((await fileText(`${work}/kept`)).trim(), "kept");
      assertEquals(info.runtimeMetadata, { user: OTHER });
      assertEquals((await platform.inspect("i-1"))?.processId, info.processId);
      const { kind } = await platform.stop("i-1", { generation: 1, attempt: 1 });
      assertEquals(kind, "stopped");
    }, { policy: ANY_USER }),
);

testAsRoot(
  "a program that asks a server of another user how it is runs as that user",
  () =>
    withWorld(async ({ platform, folder }) => {
      const readiness = { command: ["sh", "-c", "id -un >asked"] };
      await started(platform, shell("exec sleep 1000", { user: OTHER, readiness }));
      const work = `${folder()}/work`;
      assertEquals((await fileText(`${work}/asked`)).trim(), OTHER);
    }, { policy: ANY_USER }),
);

testAsRoot(
  "a server of another user has limits, too",
  () =>
    withWorld(async ({ platform, folder }) => {
      const script = "ulimit -n >files; cat /proc/self/cgroup >where; exec sleep 1000";
      const info = await started(platform, shell(script, { user: OTHER }), {
        limits: { processes: 16, openFiles: 32 },
      });
      const work = `${folder()}/work`;
      assertEquals((await fileText(`${work}/files`)).trim(), "32");
      // Where the host has no group for it, that is told, and the other limits hold.
      if (info.limits?.processes === undefined) return assert(info.limitsNotSet?.processes);
      assertStringIncludes(await fileText(`${work}/where`), `/${info.runId}`);
    }, { policy: ANY_USER }),
);

testAsRoot(
  "a server of another user, and what asks how it is, are told by their own programs",
  () =>
    withWorld(async ({ platform }) => {
      const outcome = await startIt(platform, {
        command: ["sleep", "1000"],
        user: OTHER,
        readiness: { command: ["false"], withinMs: 500 },
      });
      const { failure, runtimeInfo } = failureOf(outcome);
      assertStringIncludes(failure.message, ": false ended with 1.");
      assertMatch(runtimeInfo?.capsule?.program ?? "", /\/sleep \(/);
    }, { policy: ANY_USER }),
);

testAsRoot(
  "a drasi-server of another user can read its configuration, and nothing else of the data folder",
  async () => {
    const folder = await Deno.makeTempDir({ prefix: "draas-binary-" });
    const bin = `${folder}/drasi-server`;
    const script = '#!/bin/sh\nid -un; cat "$2"; ls ../.. || echo hidden; exit 3\n';
    await Deno.writeTextFile(bin, script, { mode: 0o755 });
    await Deno.chmod(folder, 0o755);
    const drasiServer = { drasiServerBin: bin, standIn: "never", standInCommand: null } as const;
    await withWorld(async ({ platform }) => {
      const configuration = { user: OTHER, queries: [{ id: "q", query: "MATCH (n) RETURN n" }] };
      const outcome = await startIt(platform, configuration, { template: "drasi-server" });
      const lines = (failureOf(outcome).runtimeInfo?.logTail ?? "").split("\n");
      assertEquals(lines[0], OTHER);
      assert(lines.includes("hidden"), lines.join("\n"));
      assert(lines.some((line) => line.includes("MATCH (n) RETURN n")), lines.join("\n"));
      assert(!lines.some((line) => line.includes('"user"')), "that is ours, not the server's");
    }, { policy: ANY_USER, drasiServer });
    await Deno.remove(folder, { recursive: true });
  },
);
