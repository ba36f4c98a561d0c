/** The quick start over the real program: the predecessor's scenarios, and a real server, from create to delete. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { assertProblem } from "../http/support/api_client.ts";
import { isRunning } from "../workers/process_world.ts";
import { testWith } from "../support/tools.ts";
import { freePort, startProgram, until, withDataDir, withProgram } from "./program.ts";

/** The body of scenario 1, on its own port where that is free. */
function testInstance() {
  return {
    name: "test-instance",
    description: "Test instance",
    serverConfiguration: { host: "127.0.0.1", port: freePort(8080), logLevel: "info" },
  };
}

const SLEEPER = {
  name: "sleeper",
  template: "command",
  serverConfiguration: { command: ["sleep", "1000"] },
};

Deno.test("scenarios 1 and 2: create, start and stop answer to the letter, and the server serves", () =>
  withProgram(async ({ call }) => {
    const body = testInstance();
    const created = await call("POST /api/server/instances", { body });
    assertEquals([created.status, created.json.status], [201, "Created"], created.text);
    const { id } = created.json;

    const started = await call(`POST /api/server/instances/${id}/start`);
    assertEquals([started.status, started.json.message], [
      200,
      `Instance '${id}' started successfully`,
    ], started.text);
    const { instanceId, status, processId, startedAt, runtimeMetadata } = started.json.runtimeInfo;
    assertEquals([instanceId, status], [id, "Running"]);
    assertMatch(processId, /^\d+$/);
    assertEquals(new Date(startedAt).toISOString(), startedAt);
    assertEquals(runtimeMetadata.standIn, "true", "a stand-in says what it is");
    const health = await fetch(`http://127.0.0.1:${body.serverConfiguration.port}/health`);
    assertEquals([health.status, (await health.json()).status], [200, "ok"]);
    const logs = await call(`GET /api/server/instances/${id}/logs`);
    assert(logs.json.items.length > 0, "what it said can be read");

    const stopped = await call(`POST /api/server/instances/${id}/stop`);
    assertEquals([stopped.status, stopped.json.message], [
      200,
      `Instance '${id}' stopped successfully`,
    ], stopped.text);
    const ended = stopped.json.runtimeInfo;
    assertEquals([ended.instanceId, ended.status], [id, "Stopped"]);
    assertEquals(new Date(ended.stoppedAt).toISOString(), ended.stoppedAt);
    assertEquals(await isRunning(processId), false);
  }));

Deno.test("a restart has a new process, and a delete leaves nothing but the history", () =>
  withProgram(async ({ call, create, dataDir }) => {
    const id = await create(SLEEPER);
    const first = (await call(`POST /api/server/instances/${id}/start`)).json.runtimeInfo;
    const restarted = await call(`POST /api/server/instances/${id}/restart`);
    assertEquals([restarted.status, restarted.json.message], [
      200,
      `Instance '${id}' restarted successfully`,
    ], restarted.text);
    const second = restarted.json.runtimeInfo;
    assert(second.processId !== first.processId, "another process");
    assertEquals([await isRunning(first.processId), await isRunning(second.processId)], [
      false,
      true,
    ]);

    assertEquals((await call(`DELETE /api/server/instances/${id}`)).status, 204);
    assertEquals(await isRunning(second.processId), false);
    assertProblem(await call(`GET /api/server/instances/${id}`), 410, "deleted");
    const events = (await call(`GET /api/server/instances/${id}/events`)).json.items;
    assertEquals(events[0].type, "InstanceCreated");
    assertEquals([...Deno.readDirSync(`${dataDir}/process/instances`)], []);
  }));

Deno.test("scenario 4: a start with an invalid body answers 500 with every fault", () =>
  withProgram(async ({ call, create }) => {
    const id = await create(testInstance());
    const answer = await call(`POST /api/server/instances/${id}/start`, {
      body: { host: "invalid", port: -1 },
    });
    assertEquals(
      assertProblem(answer, 500, "configuration_invalid").error,
      "Configuration is invalid: host: must be an IPv4 address or localhost; " +
        "port: must be a whole number from 1 to 65535",
    );
    const again = await call(`POST /api/server/instances/${id}/start`);
    assertEquals(again.status, 200, "the instance's own configuration is as it was");
  }));

testWith(
  ["redis-server"],
  "a real redis-server starts, answers PING, and stops with exit code 0",
  () =>
    withProgram(async ({ call, create }) => {
      const port = freePort();
      const id = await create({
        name: "cache",
        template: "command",
        serverConfiguration: {
          command: ["redis-server", "--port", String(port), "--bind", "127.0.0.1", "--save", ""],
          port,
          readiness: { tcp: {} },
        },
      });
      const started = await call(`POST /api/server/instances/${id}/start`);
      assertEquals([started.status, started.json.runtimeInfo?.port], [200, port], started.text);
      assertEquals(await say(port, "PING\r\n"), "+PONG\r\n");
      const logs = await call(`GET /api/server/instances/${id}/logs?tail=50`);
      assertStringIncludes(logs.text, "Ready to accept connections");
      const stopped = await call(`POST /api/server/instances/${id}/stop`);
      const { code, signal, reason } = stopped.json.runtimeInfo.exit;
      assertEquals({ code, signal, reason }, { code: 0, signal: null, reason: "Stopped" });
    }),
);

Deno.test("servers run on when the program ends, and the next one finds them", () =>
  withDataDir(async (dataDir) => {
    const first = await startProgram({ dataDir });
    let processId = "";
    let id = "";
    try {
      id = await first.create(SLEEPER);
      processId = (await first.call(`POST /api/server/instances/${id}/start`)).json.runtimeInfo
        .processId;
    } finally {
      assertEquals(await first.stop(), 0);
    }
    assertStringIncludes(first.output(), "1 instance runs on");
    assertEquals(await isRunning(processId), true);

    const second = await startProgram({ dataDir, flags: ["--stop-on-exit"] });
    try {
      const found = (await second.call(`GET /api/server/instances/${id}`)).json;
      assertEquals([found.status, found.runtimeInfo.processId], ["Running", processId]);
    } finally {
      assertEquals(await second.stop(), 0);
    }
    await until("the end of the server", async () => !await isRunning(processId));
  }));

async function say(port: number, text: string): Promise<string> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await connection.write(new TextEncoder().encode(text));
    const answer = new Uint8Array(64);
    return new TextDecoder().decode(answer.subarray(0, await connection.read(answer) ?? 0));
  } finally {
    connection.close();
  }
}
