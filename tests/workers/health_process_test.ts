/** Real servers that are asked how they are, on the process platform. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { HealthReport } from "../../events/health.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import type { ProcessPlatform } from "../../workers/process/process_platform.ts";
import { eventually, failureOf, shell, started, startIt, withWorld } from "./process_world.ts";

const WAIT_MS = 30_000;
const OFTEN = { intervalMs: 500, timeoutMs: 20_000, failures: 2 };

/** The last word about the instance's health, as it changes. */
function heard(platform: ProcessPlatform): HealthReport[] {
  const reports: HealthReport[] = [];
  platform.onHealth((report) => reports.push(report));
  return reports;
}

/** On a busy host a probe may be late for once, which is another reason than the one that is waited for. */
function until(
  reports: HealthReport[],
  health: string,
  reason?: string,
): Promise<HealthReport> {
  return eventually(`a server that is ${health}`, () => {
    const last = reports.at(-1);
    return last?.health === health && (reason === undefined || last.reason === reason) && last;
  }, WAIT_MS);
}

/** A server that answers 200 while the file `ill` is not there, and 503 while it is. */
const answering = [
  Deno.execPath(),
  "eval",
  `Deno.serve({ port: Number(Deno.env.get("PORT")), hostname: "127.0.0.1" }, () => {
    try { Deno.statSync("ill"); return new Response("", { status: 503 }); }
    catch { return new Response("ok"); }
  });`,
];

Deno.test("a server over HTTP is healthy, is not after so many failures, and is again", () =>
  withWorld(async ({ platform, folder }) => {
    const reports = heard(platform);
    const http = { path: "/" };
    const info = await started(platform, {
      command: answering,
      readiness: { http },
      liveness: { http, ...OFTEN },
    });
    const well = await until(reports, "healthy");
    assertEquals([well.runId, well.runGeneration], [info.runId, 1]);
    await Deno.writeTextFile(`${folder()}/ill`, "");
    const ill = await until(reports, "unhealthy");
    assertEquals([ill.cause, ill.reason], [
      "liveness",
      `http://127.0.0.1:${info.port}/ answered 503`,
    ]);
    await Deno.remove(`${folder()}/ill`);
    await until(reports, "healthy");
  }));

Deno.test("a program is asked without a shell; one that hangs is ended with its children", () =>
  withWorld(async ({ platform, folder }) => {
    const reports = heard(platform);
    const probe = "test -e hang && { sleep 777 & sleep 778; }; test ! -e ill";
    await started(platform, {
      command: ["sleep", "1000"],
      env: { SECRET: "s3cret" },
      liveness: {
        command: ["sh", "-c", `env > seen; ${probe}`],
        intervalMs: 500,
        timeoutMs: 500,
        failures: 2,
      },
    });
    await until(reports, "healthy");
    assert(!(await Deno.readTextFile(`${folder()}/seen`)).includes("s3cret"));
    await Deno.writeTextFile(`${folder()}/ill`, "");
    await until(reports, "unhealthy", "sh ended with 1");
    await Deno.remove(`${folder()}/ill`);
    await until(reports, "healthy");
    await Deno.writeTextFile(`${folder()}/hang`, "");
    await until(reports, "unhealthy", "sh did not end within 500 ms");
    await platform.stop("i-1", NO_FENCE);
    await eventually("nothing of the probe is left", async () => !await isThere("sleep\x00778"));
    assert(!await isThere("sleep\x00777"));
  }));

async function isThere(commandLine: string): Promise<boolean> {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (text.startsWith(commandLine)) return true;
  }
  return false;
}

Deno.test("a server is ready when a line of its output says so, and what came before its start does not count", () =>
  withWorld(async ({ platform }) => {
    const script = "echo begins; sleep 0.5; echo 'listening on port 80'; sleep 1000";
    for (const logLine of [{ contains: "listening on" }, { matches: "^listening .*\\d+$" }]) {
      const began = performance.now();
      await started(platform, shell(script, { readiness: { logLine } }));
      assert(performance.now() - began >= 500);
      await platform.stop("i-1", NO_FENCE);
    }
    const never = shell("sleep 1000", {
      readiness: { logLine: { contains: "listening" }, withinMs: 300 },
    });
    const { failure, runtimeInfo } = failureOf(await startIt(platform, never));
    assertEquals(failure.code, "not_ready");
    assertStringIncludes(failure.message, 'no line of its output has "listening" yet');
    assertEquals(runtimeInfo?.capsule?.probes.map(({ kind, problem }) => [kind, problem]), [
      ["readiness", 'no line of its output has "listening" yet'],
    ]);
  }));

Deno.test("a server that opens its port late is ready when it does, within its limit, and how far it is can be seen", () =>
  withWorld(async ({ platform }) => {
    const reports = heard(platform);
    const late = [
      Deno.execPath(),
      "eval",
      `const port = Number(Deno.env.get("PORT"));
      setTimeout(() => Deno.serve({ port, hostname: "127.0.0.1" }, () => new Response()), 2000);`,
    ];
    const probed = (withinMs: number) => ({
      command: late,
      readiness: { tcp: {}, withinMs },
    });
    await started(platform, probed(WAIT_MS));
    const steps = [...new Set(reports.map(({ start }) => start?.step))];
    assertEquals(steps, ["spawning", "settling", "waiting-for-readiness"]);
    assertStringIncludes(reports.at(-1)?.reason ?? "", "no TCP connection to 127.0.0.1:");
    await platform.stop("i-1", NO_FENCE);
    const { failure } = failureOf(await startIt(platform, probed(600)));
    assertEquals([failure.code, failure.retryable], ["not_ready", true]);
    assertStringIncludes(failure.message, "within 600 ms: no TCP connection");
  }));

Deno.test("a worker that comes back asks the servers that it finds", () =>
  withWorld(async ({ platform, reopen }) => {
    await started(platform, {
      command: answering,
      readiness: { http: { path: "/" } },
      liveness: { tcp: {}, ...OFTEN },
    });
    await platform.close();
    const next = await reopen();
    const reports = heard(next);
    await next.inventory();
    await until(reports, "healthy");
  }));

Deno.test("a part of a drasi-server that fails is told by name and reason", () =>
  withWorld(async ({ platform }) => {
    const reports = heard(platform);
    await started(platform, {
      sources: [{ kind: "mock", id: "sensors" }, { kind: "mock", id: "doors" }],
    }, { template: "drasi-server" });
    const { cause, reason, components } = await until(reports, "unhealthy");
    assertEquals([cause, reason], [
      "components",
      "source sensors is in Error: stand-in fault: source-error",
    ]);
    assertEquals(components, [{
      kind: "source",
      name: "sensors",
      status: "Error",
      reason: "stand-in fault: source-error",
    }]);
  }, {
    hostEnvironment: Deno.env.toObject(),
    drasiServer: {
      drasiServerBin: null,
      standIn: "auto",
      standInCommand: [
        Deno.execPath(),
        "run",
        "--allow-all",
        "--no-check",
        new URL("../../workers/templates/stand_in/main.ts", import.meta.url).pathname,
        "--stand-in-kinds",
        "source/mock",
        "--stand-in-fault",
        "source-error=sensors",
      ],
    },
  }));

Deno.test("a run that crashes leaves its last lines, its environment without values, and what is new since the last good one", () =>
  withWorld(async ({ platform, exits }) => {
    const env = { DB_TOKEN: "s3cret" };
    await started(platform, shell("sleep 1000", { env }), { configurationRevision: 1 });
    await platform.stop("i-1", NO_FENCE);
    await started(
      platform,
      shell("echo password=s3cret; sleep 0.5; exit 3", { env: { ...env, MORE: "1" } }),
      { configurationRevision: 2, fence: { generation: 2, attempt: 1 } },
    );
    const [exit] = await eventually("its end", () => exits.length > 0 && exits);
    assertEquals([exit?.exit?.code, exit?.logTail], [3, "password=***"]);
    const { configurationRevision, environment, changes, program } = exit!.capsule!;
    assertEquals([configurationRevision, environment.DB_TOKEN, environment.MORE], [
      2,
      "***",
      "***",
    ]);
    assertStringIncludes(program ?? "", "/sh (");
    assertEquals(changes, [
      "configuration: revision 2, was revision 1",
      "configuration field command has changed",
      "configuration field env has changed",
      "environment variable MORE is new",
    ]);
    assert(!JSON.stringify(exit).includes("s3cret"), JSON.stringify(exit));
    assertEquals(
      await platform.inspect("i-1"),
      exit!,
      "and it is the same for whoever looks later",
    );
  }));

Deno.test("what was unhealthy when it was stopped leaves its probes, too", () =>
  withWorld(async ({ platform }) => {
    const reports = heard(platform);
    await started(platform, {
      command: ["sleep", "1000"],
      liveness: { command: ["false"], ...OFTEN },
    });
    await until(reports, "unhealthy");
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals(runtimeInfo?.exit?.reason, "Stopped");
    assertEquals(runtimeInfo?.capsule?.probes.map(({ kind, problem }) => [kind, problem]), [
      ["liveness", "false ended with 1"],
    ]);
    await started(platform, { command: ["sleep", "1000"] }, {
      fence: { generation: 2, attempt: 1 },
    });
    const well = await platform.stop("i-1", { generation: 3, attempt: 1 });
    assertEquals(well.runtimeInfo?.capsule, undefined, "one that was well leaves nothing");
  }));
