/** Bad input to the real program: each time a clear message, the right status, and nothing lost. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Answer, assertProblem, faultLines } from "../http/support/api_client.ts";
import { isRunning } from "../workers/process_world.ts";
import { freePort, type Program, until, withProgram } from "./program.ts";

const CREATE = "POST /api/server/instances";
const PORT_FORM = "must be a whole number from 1 to 65535";

const command = (...argv: string[]) => ({
  name: "one",
  template: "command",
  serverConfiguration: { command: argv },
});

Deno.test("bad requests are refused with every fault, while an instance runs on and the log stays whole", () =>
  withProgram(async ({ call, create, output }) => {
    const id = await create(command("sleep", "1000"));
    const start = `POST /api/server/instances/${id}/start`;
    const { processId } = (await call(start)).json.runtimeInfo;
    const before = (await call("GET /api/server/instances")).json;

    assertProblem(await call(CREATE, { body: '{"name": ' }), 400, "malformed_json");
    assertEquals(faultLines(await call(CREATE, { body: "" })), [
      ": the body must be a JSON object",
    ]);
    assertEquals(faultLines(await call(CREATE, { body: [1] })), [
      ": the body must be a JSON object",
    ]);
    assertEquals(
      faultLines(
        await call(CREATE, {
          body: {
            name: 7,
            colour: "red",
            serverConfiguration: { host: "invalid", port: 65_536, x: 1 },
          },
        }),
      ),
      [
        "name: must be a string",
        "colour: is not a known field",
        "serverConfiguration.host: must be an IPv4 address or localhost",
        `serverConfiguration.port: ${PORT_FORM}`,
        "serverConfiguration.x: is not a known field",
      ],
    );
    const large = new Uint8Array(10 << 20).fill(32);
    assertProblem(await call(CREATE, { body: large }), 413, "body_too_large");
    assertProblem(await call(start, { body: "nonsense" }), 400, "malformed_json");
    assertProblem(await call("POST /api/server/instances/nobody/start"), 404, "not_found");
    const conflict = await call(start, { body: { command: ["sleep", "2000"] } });
    assertMatch(assertProblem(conflict, 409, "conflict").hint, /restart/);

    assertEquals((await call("GET /api/server/instances")).json, before, "nothing has changed");
    assertEquals(await isRunning(processId), true);
    assert(!output().includes("fault in DRaaS"), output());
  }));

Deno.test("a request that the state does not allow says which are allowed", () =>
  withProgram(async ({ call, create }) => {
    const id = await create(command("sleep", "1000"));
    const problem = assertProblem(
      await call(`POST /api/server/instances/${id}/restart`),
      409,
      "conflict",
    );
    assertEquals(problem.allowed, ["start", "configure", "move", "delete"]);
  }));

Deno.test("a program that is missing, or may not be run, is told by its path", () =>
  withProgram(async (program) => {
    const missing = await failedStart(program, command("/nowhere/server"), "binary_missing");
    assertStringIncludes(missing.detail, "/nowhere/server does not exist");
    assertEquals(missing.retryable, false);
    const unknown = await failedStart(program, command("no-such-program"), "binary_missing");
    assertStringIncludes(unknown.detail, "no-such-program is not on the PATH");
    const file = `${program.dataDir}/server.txt`;
    await Deno.writeTextFile(file, "no program");
    const refused = await failedStart(program, command(file), "binary_not_executable");
    assertStringIncludes(refused.detail, `chmod +x ${file}`);
  }));

Deno.test("a port in use is told before anything is spawned, and the start works once it is free", () =>
  withProgram(async (program) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const body = { name: "one", serverConfiguration: { host: "127.0.0.1", port } };
    try {
      const problem = await failedStart(program, body, "port_in_use");
      assertStringIncludes(problem.detail, `Port ${port} on 127.0.0.1 is in use`);
      assertEquals(problem.retryable, true);
    } finally {
      listener.close();
    }
    const { items } = (await program.call("GET /api/server/instances")).json;
    const again = await program.call(`POST /api/server/instances/${items[0].id}/start`);
    assertEquals(again.status, 200, again.text);
  }));

Deno.test("a host that is no address of this machine is told by name", () =>
  withProgram(async (program) => {
    const body = { name: "one", serverConfiguration: { host: "203.0.113.7", port: freePort() } };
    const problem = await failedStart(program, body, "configuration_invalid");
    assertStringIncludes(problem.detail, "203.0.113.7 is not an address of this worker's host");
  }));

Deno.test("a program that exits at once is told with its exit code and its last lines", () =>
  withProgram(async (program) => {
    const body = command("sh", "-c", "echo one; echo 'no licence found' >&2; exit 3");
    const problem = await failedStart(program, body, "exited_at_once");
    assertStringIncludes(problem.detail, "exited with code 3");
    assertStringIncludes(problem.detail, "no licence found");
  }));

Deno.test("a program that ignores its stop signal is killed after its grace, and the answer says so", () =>
  withProgram(async ({ call, create }) => {
    const base = command("sh", "-c", "trap '' TERM; while :; do sleep 0.05; done");
    const id = await create({
      ...base,
      serverConfiguration: { ...base.serverConfiguration, stopGraceMs: 300 },
    });
    const { processId } = (await call(`POST /api/server/instances/${id}/start`)).json.runtimeInfo;
    const stopped = await call(`POST /api/server/instances/${id}/stop`);
    assertEquals(stopped.status, 200, stopped.text);
    const { reason, signal, message } = stopped.json.runtimeInfo.exit;
    assertEquals([reason, signal], ["Killed", "SIGKILL"]);
    assertEquals(message, "was killed: it did not end within 300 ms of SIGTERM");
    assertEquals(await isRunning(processId), false);
  }));

Deno.test("a program that never becomes ready is ended, and what was wrong last is told", () =>
  withProgram(async (program) => {
    const port = freePort();
    const problem = await failedStart(program, {
      ...command(),
      serverConfiguration: {
        command: ["sh", "-c", "echo still loading; exec sleep 1000"],
        port,
        readiness: { http: { path: "/" }, withinMs: 400 },
      },
    }, "not_ready");
    assertStringIncludes(problem.detail, "was not ready within 400 ms");
    assertStringIncludes(problem.detail, "still loading");
    const { items } = (await program.call("GET /api/server/instances")).json;
    assertEquals(items[0].runtimeInfo?.status !== "Running", true);
  }));

Deno.test("two starts at once make one process, and both are answered with it", () =>
  withProgram(async ({ call, create }) => {
    const id = await create(command("sleep", "1000"));
    const answers = await Promise.all(
      [1, 2].map(() => call(`POST /api/server/instances/${id}/start`)),
    );
    assertEquals(answers.map(({ status }) => status), [200, 200], answers[1]?.text ?? "");
    const [first, second] = answers.map(({ json }) => json.runtimeInfo.processId);
    assertEquals(first, second);
    const events = (await call(`GET /api/server/instances/${id}/events`)).json.items;
    const starts = events.filter((one: { type: string }) => one.type === "StartRequested");
    assertEquals(starts.length, 1);
  }));

/** Creates an instance whose start has to fail; checks that it is whole, and gives the problem. */
async function failedStart(
  { call, create }: Program,
  body: Record<string, unknown>,
  code: string,
): Promise<ReturnType<typeof assertProblem>> {
  const id = await create(body);
  const answer: Answer = await call(`POST /api/server/instances/${id}/start`);
  const problem = assertProblem(answer, 500, code);
  const after = await until("the end of the start", async () => {
    const { json } = await call(`GET /api/server/instances/${id}`);
    return json.pending === undefined && json;
  });
  assertEquals([after.status, after.lastError.code], ["Failed", code]);
  return problem;
}
