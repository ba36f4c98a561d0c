/** What a start checks, passes on, waits for, and says when it fails. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { sleep } from "../../events/clock.ts";
import shimScript from "../../workers/process/shim.sh" with { type: "text" };
import { openShellProcessTable } from "../../workers/process/shell_process_table.ts";
import {
  commandSpec,
  eventually,
  failureOf,
  fileText,
  isRunning,
  shell,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

const steady = shell("exec sleep 1000");

Deno.test("a server that exits at once fails the start with its last lines", () =>
  withWorld(async ({ platform }) => {
    const { failure, runtimeInfo } = failureOf(
      await startIt(platform, shell("echo starting; echo 'Error: no such table' >&2; exit 3")),
    );
    assertEquals(failure.code, "exited_at_once");
    assertEquals(failure.retryable, true);
    assertStringIncludes(failure.message, "exited with code 3");
    assertStringIncludes(failure.message, "starting\nError: no such table");
    assertEquals(runtimeInfo?.logTail, "starting\nError: no such table");
  }));

Deno.test("the last lines of a failed start are those of this run", () =>
  withWorld(async ({ platform }) => {
    await startIt(platform, shell("echo the first run; exit 3"));
    const { runtimeInfo } = failureOf(
      await startIt(platform, shell("echo the second run; exit 3")),
    );
    assertEquals(runtimeInfo?.logTail, "the second run");
    assertEquals(await platform.logs("i-1", 10), ["the first run", "the second run"]);
  }));

Deno.test("a missing program is said by name before anything is spawned", () =>
  withWorld(async ({ platform, folder }) => {
    const { failure } = failureOf(await startIt(platform, { command: ["/no/such/program"] }));
    assertEquals([failure.code, failure.retryable], ["binary_missing", false]);
    assertStringIncludes(failure.message, "/no/such/program");
    const unknown = failureOf(await startIt(platform, { command: ["no-such-program-7"] }));
    assertEquals(unknown.failure.code, "binary_missing");
    assertStringIncludes(unknown.failure.message, "no-such-program-7 is not on the PATH");
    assertEquals(await Deno.stat(folder()).catch(() => "not there"), "not there");
  }));

Deno.test("a program that is not executable is said by name", () =>
  withWorld(async ({ platform, dataFolder }) => {
    await Deno.writeTextFile(`${dataFolder}/program`, "#!/bin/sh\n", { mode: 0o644 });
    const { failure } = failureOf(await startIt(platform, { command: [`${dataFolder}/program`] }));
    assertEquals([failure.code, failure.retryable], ["binary_not_executable", false]);
    assertStringIncludes(failure.message, `chmod +x ${dataFolder}/program`);
  }));

Deno.test("a program that the kernel cannot run is not tried again", () =>
  withWorld(async ({ platform, dataFolder }) => {
    await Deno.writeTextFile(`${dataFolder}/program`, "#!/no/interpreter\n", { mode: 0o755 });
    const { failure } = failureOf(await startIt(platform, { command: [`${dataFolder}/program`] }));
    assertEquals([failure.code, failure.retryable], ["exited_at_once", false]);
    assertStringIncludes(failure.message, "No such file");
  }));

Deno.test("a working directory that is not there is a fault of the configuration", () =>
  withWorld(async ({ platform }) => {
    const { failure } = failureOf(
      await startIt(platform, { ...steady, workingDirectory: "/no/dir" }),
    );
    assertEquals([failure.code, failure.retryable], ["configuration_invalid", false]);
    assertStringIncludes(failure.message, "Configuration is invalid: workingDirectory: /no/dir");
  }));

Deno.test("a port in use is said by number, and nothing is spawned", () =>
  withWorld(async ({ platform }) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const { failure } = failureOf(await startIt(platform, { ...steady, port }));
    assertEquals([failure.code, failure.retryable], ["port_in_use", true]);
    assertStringIncludes(failure.message, `Port ${port}`);
    assertEquals(await platform.inspect("i-1"), null);
  }));

Deno.test("a picked port reaches the server in PORT and the caller in runtimeInfo", () =>
  withWorld(async ({ platform }) => {
    const script = "Deno.serve({port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1'}, " +
      "(r) => new Response(null, {status: r.url.endsWith('/up') ? 204 : 503}))";
    const info = await started(platform, {
      command: [Deno.execPath(), "eval", script],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      readiness: { http: { path: "/up" } },
    });
    assert(info.port !== undefined && info.port > 0, "it has a port");
    assertEquals((await fetch(`http://127.0.0.1:${info.port}/up`)).status, 204);
  }));

Deno.test("a server that never gets ready is ended, and the failure says what was wrong", () =>
  withWorld(async ({ platform }) => {
    const script = "Deno.serve({port: Number(Deno.env.get('PORT')), hostname: '127.0.0.1'}, " +
      "() => new Response('', {status: 503}))";
    const { failure, runtimeInfo } = failureOf(
      await startIt(platform, {
        command: [Deno.execPath(), "eval", script],
        readiness: { http: { path: "/up" }, withinMs: 1_500 },
      }),
    );
    assertEquals(failure.code, "not_ready");
    assertStringIncludes(failure.message, "was not ready within 1 s");
    assertStringIncludes(failure.message, "/up answered 503");
    assertEquals(runtimeInfo?.status, "Stopped");
    assert(!await isRunning(runtimeInfo?.processId), "it was ended");
  }));

Deno.test("an aborted start ends the process", () =>
  withWorld(async ({ platform, folder, exits }) => {
    const abort = new AbortController();
    const configuration = shell("echo $$ > pid; exec sleep 1000", {
      readiness: { tcp: {}, withinMs: 60_000 },
    });
    const starting = platform.start(commandSpec(configuration), abort.signal);
    const pid = (await fileText(`${folder()}/pid`)).trim();
    abort.abort();
    assertEquals(failureOf(await starting).failure.code, "aborted");
    assert(!await isRunning(pid), "it was ended");
    assertEquals(exits, []);
  }));

Deno.test("a start that is aborted before it begins spawns nothing", () =>
  withWorld(async ({ platform }) => {
    const outcome = await platform.start(commandSpec(steady), AbortSignal.abort());
    assertEquals(failureOf(outcome).failure.code, "aborted");
    assertEquals(await platform.inspect("i-1"), null);
  }));

Deno.test("nothing is spawned after the spawn deadline", () =>
  withWorld(async ({ platform, folder }) => {
    const { failure } = failureOf(
      await startIt(platform, shell("touch spawned; exec sleep 1000"), { spawnWithinMs: 2_000 }),
    );
    assertEquals([failure.code, failure.retryable], ["spawn_too_late", true]);
    assertEquals(await platform.inspect("i-1"), null);
    assertEquals(await Deno.stat(`${folder()}/spawned`).catch(() => "not there"), "not there");
  }, {
    // A worker that froze for 10 s after it had computed its deadline.
    openProcessTable(clock, instancesFolder, path) {
      const table = openShellProcessTable(clock, instancesFolder, path);
      return { ...table, uptimeCs: async () => await table.uptimeCs() - 1_000 };
    },
  }));

Deno.test("the server's environment is the allow-list, its own, and our marks", () =>
  withWorld(async ({ platform }) => {
    // A shell or Deno would add variables of their own.
    const { runtimeInfo } = failureOf(
      await startIt(platform, {
        command: ["/usr/bin/env"],
        env: { COLOUR: "blue; $(false) 'é'", PATH: "/opt/none", LD_LIBRARY_PATH: "/opt/lib" },
        port: 39_483,
      }),
    );
    assertEquals((await platform.logs("i-1", 100)).sort(), [
      "COLOUR=blue; $(false) 'é'",
      "DRAAS_INSTANCE_ID=i-1",
      `DRAAS_RUN_ID=${runtimeInfo?.runId}`,
      `DRAAS_SITE=${platform.site}`,
      "HOME=/tmp",
      "LD_LIBRARY_PATH=/opt/lib",
      "PATH=/opt/none",
      "PORT=39483",
    ]);
  }));

Deno.test("a variable of the server's own is what it was set to, whatever its name means to the shim", () =>
  withWorld(async ({ platform }) => {
    const assigned = [...shimScript.matchAll(/(?:^|[\s;])([A-Za-z_]+)=/gm)].map(([, name]) => name);
    const read = [...shimScript.matchAll(/\bread (?:-r )?([a-z ]+)/g)].flatMap(([, names]) =>
      names?.trim().split(" ") ?? []
    );
    const looped = [...shimScript.matchAll(/\bfor (\w+) in/g)].map(([, name]) => name);
    const names = [...assigned, ...read, ...looped].filter((name) => name !== undefined)
      .filter((name) => !name.startsWith("DRAAS_"));
    for (const name of ["run", "generation", "folder", "line", "setsid", "rest"]) {
      assert(names.includes(name), `${name} is one of the shim's`);
    }
    const special = ["PWD", "OLDPWD", "IFS", "PS1", "PS4", "ENV", "PPID", "CDPATH", "name", "n"];
    const env = Object.fromEntries([...new Set([...names, ...special])].map((name) => [
      name,
      `mine: ${name}`,
    ]));
    failureOf(await startIt(platform, { command: ["/usr/bin/env"], env }));
    const printed = await platform.logs("i-1", 100);
    assertEquals(
      printed.filter((line) => line.includes("=mine: ")).sort(),
      Object.entries(env).map(([name, value]) => `${name}=${value}`).sort(),
    );
  }));

Deno.test("the server has default signal handling, its own session, and its folder as cwd", () =>
  withWorld(async ({ platform, folder }) => {
    const info = await started(platform, steady);
    const status = await Deno.readTextFile(`/proc/${info.processId}/status`);
    assertEquals(standardSignals(status, "SigIgn"), 0, "none is ignored");
    assertEquals(standardSignals(status, "SigBlk"), 0, "none is blocked");
    const { group, session } = await lineageOf(info.processId);
    assertEquals([group, session], [info.processId, info.processId]);
    assertEquals(await Deno.readLink(`/proc/${info.processId}/cwd`), await Deno.realPath(folder()));
    assertEquals(await Deno.readLink(`/proc/${info.processId}/fd/0`), "/dev/null");
  }));

Deno.test("the shim has a session of its own: not the server's, and not the worker's", () =>
  withWorld(async ({ platform }) => {
    const info = await started(platform, steady);
    const shim = (await lineageOf(info.processId)).parent;
    const { group, session } = await lineageOf(shim);
    assertEquals([group, session], [shim, shim]);
  }));

Deno.test("the end of the run before is reported before the next one has started", () =>
  withWorld(async ({ platform, folder, exits }) => {
    const first = await started(platform, steady);
    Deno.kill(Number(first.processId), "SIGKILL");
    await fileText(`${folder()}/runs/${first.runId}/exit.json`);
    await started(platform, steady, { fence: { generation: 2, attempt: 1 } });
    assertEquals(exits.map(({ runId }) => runId), [first.runId]);
  }, {
    // The watch looks for what the run left behind before it reports its end: here, for longer than a start takes.
    openProcessTable(clock, instancesFolder, path) {
      const table = openShellProcessTable(clock, instancesFolder, path);
      return { ...table, marked: () => sleep(clock, 1_000).then(table.marked) };
    },
  }));

Deno.test("arguments reach the program as they are", () =>
  withWorld(async ({ platform }) => {
    const odd = ["", "a b", "$(id)", "*", "'\"", "é\n2", "--"].slice(1);
    await startIt(platform, { command: ["printf", "%s|", ...odd] });
    assertEquals((await platform.logs("i-1", 9)).join("\n"), odd.join("|") + "|");
  }));

Deno.test("many starts at once of one instance make one run", () =>
  withWorld(async ({ platform, reopen }) => {
    const other = await reopen();
    const outcomes = await Promise.all(
      [platform, other, platform, other].map((each) => startIt(each, steady)),
    );
    const running = outcomes.filter((outcome) => outcome.kind === "running");
    assertEquals(running.length, 1);
    for (const outcome of outcomes) {
      if (outcome.kind === "failed") assertEquals(outcome.failure.code, "locked");
    }
    assertEquals((await platform.inventory()).length, 1);
  }));

Deno.test("a data folder that cannot be written to is a failure that says so", () =>
  withWorld(async ({ platform, dataFolder }) => {
    await Deno.writeTextFile(`${dataFolder}/instances/i-1`, "a file in the way");
    const { failure } = failureOf(await startIt(platform, steady));
    assertEquals(failure.code, "folder_unusable");
    await Deno.remove(`${dataFolder}/instances/i-1`);
  }));

Deno.test("a run that cannot be written down is not run", () =>
  withWorld(async ({ platform, folder }) => {
    await Deno.mkdir(`${folder()}/fence`, { recursive: true });
    const { failure } = failureOf(await startIt(platform, shell("touch spawned; exec sleep 1000")));
    assertEquals([failure.code, failure.retryable], ["disk_full", true]);
    assertEquals(await platform.inspect("i-1"), null);
    assertEquals(await Deno.stat(`${folder()}/spawned`).catch(() => "not there"), "not there");
    await Deno.remove(`${folder()}/fence`);
    await started(platform, steady);
  }));

Deno.test("a shim that freezes before its spawn is ended, and nothing runs", () =>
  withWorld(async ({ platform, folder }) => {
    await Deno.mkdir(folder(), { recursive: true });
    // Reading this never ends, as if the host had frozen there.
    await Deno.symlink("/dev/zero", `${folder()}/fence`);
    const { failure } = failureOf(await startIt(platform, steady, { spawnWithinMs: 0 }));
    assertEquals(failure.code, "spawn_too_late");
    await Deno.remove(`${folder()}/fence`);
    await started(platform, steady);
  }));

Deno.test("a start that is aborted while its shim still waits to spawn is over at once, and nothing runs", () =>
  withWorld(async ({ platform, folder }) => {
    await Deno.mkdir(folder(), { recursive: true });
    await Deno.symlink("/dev/zero", `${folder()}/fence`);
    const abort = new AbortController();
    const starting = platform.start(commandSpec(steady), abort.signal);
    // It holds the lock when it reads the fence.
    const lock = `${folder()}/run.lock`;
    await eventually("the shim is at work", () => Deno.stat(lock).then(() => true, () => false));
    const began = performance.now();
    abort.abort();
    assertEquals(failureOf(await starting).failure.code, "aborted");
    assert(performance.now() - began < 8_000, "it did not wait for the spawn deadline");
    await Deno.remove(`${folder()}/fence`);
    await started(platform, steady);
  }));

async function lineageOf(
  pid: string | undefined,
): Promise<{ parent: string | undefined; group: string | undefined; session: string | undefined }> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const [, parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { parent, group, session };
}

/** The mask of signals 1 to 31; those above belong to the C library, and some launchers leave them ignored. */
function standardSignals(status: string, field: string): number {
  const mask = new RegExp(`^${field}:\\s+(\\w+)`, "m").exec(status)?.[1] ?? "missing";
  return Number(BigInt(`0x${mask}`) & 0x7fffffffn);
}
