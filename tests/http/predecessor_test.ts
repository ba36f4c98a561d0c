/** The predecessor's routes: its names and shapes, with this API's checks and promises. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem, faultLines } from "./support/api_client.ts";
import { STARTED_AT } from "./support/scripted_platform.ts";
import { TEST_INSTANCE, withApi } from "./support/api_world.ts";

const INSTANCES = "/api/server/instances";
const SERVER = "configuration/server";

const withQueries = {
  serverConfiguration: {
    ...TEST_INSTANCE.serverConfiguration,
    queries: [{ id: "q", queryText: "MATCH (n) RETURN n" }],
  },
};

Deno.test("the server's configuration is its host, port and log level", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create(withQueries)}`;
    const answer = await call(`GET ${at}/${SERVER}`);
    assertEquals(answer.json, TEST_INSTANCE.serverConfiguration);
    assertEquals(answer.headers.get("etag"), (await call(`GET ${at}`)).headers.get("etag"));
    assertProblem(await call(`GET ${INSTANCES}/nobody/${SERVER}`), 404, "not_found");
  }));

Deno.test("each of its fields is replaced by a JSON value, and nothing else is", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create(withQueries)}`;
    const bodies = [["host", '"0.0.0.0"'], ["port", "8081"], ["loglevel", '"debug"']] as const;
    for (const [field, body] of bodies) {
      const answer = await call(`PUT ${at}/${SERVER}/${field}`, { body });
      assertEquals([answer.status, answer.json.changed], [200, true]);
    }
    const again = await call(`PUT ${at}/${SERVER}/port`, { body: "8081" });
    const { changed, position: _, ...server } = again.json;
    assertEquals([changed, server], [false, { host: "0.0.0.0", port: 8081, logLevel: "debug" }]);
    const { configuration } = (await call(`GET ${at}`)).json;
    assertEquals([configuration.revision, configuration.serverConfiguration.queries], [
      4,
      withQueries.serverConfiguration.queries,
    ]);
    const refused = await call(`PUT ${at}/${SERVER}/port`, { body: '"80"' });
    assertEquals(faultLines(refused), ["port: must be a whole number from 1 to 65535"]);
    assertEquals(faultLines(await call(`PUT ${at}/${SERVER}/host`)), [
      ": the body must be a JSON value",
    ]);
    const strange = await call(`PUT ${at}/${SERVER}/queries`, { body: "[]" });
    assertProblem(strange, 404, "route_not_found");
  }));

Deno.test("a JSON Patch of the server's configuration sees its fields alone", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create(withQueries)}`;
    const patch = (body: unknown) =>
      call(`PATCH ${at}/${SERVER}`, {
        body,
        headers: { "content-type": "application/json-patch+json" },
      });
    const patched = await patch([
      { op: "test", path: "", value: TEST_INSTANCE.serverConfiguration },
      { op: "replace", path: "/port", value: 8081 },
      { op: "remove", path: "/logLevel" },
    ]);
    const { host, port, logLevel } = patched.json;
    assertEquals([host, port, logLevel], ["127.0.0.1", 8081, undefined]);
    assertEquals(faultLines(await patch([{ op: "add", path: "/queries", value: [] }])), [
      "queries: is not a field of the server's configuration",
    ]);
    assertEquals(faultLines(await patch([{ op: "replace", path: "", value: 7 }])), [
      ": the configuration must be a JSON object",
    ]);
    assertProblem(await patch([{ op: "remove", path: "/queries" }]), 400, "patch_failed");
    const { configuration } = (await call(`GET ${at}`)).json;
    assertEquals(
      configuration.serverConfiguration.queries,
      withQueries.serverConfiguration.queries,
    );
  }));

Deno.test("a template that knows no log level says so", () =>
  withApi(async ({ call, create }) => {
    const serverConfiguration = { command: ["/bin/true"], port: 7_000 };
    const at = `${INSTANCES}/${await create({ template: "command", serverConfiguration })}`;
    assertEquals((await call(`GET ${at}/${SERVER}`)).json, { port: 7_000 });
    const refused = await call(`PUT ${at}/${SERVER}/loglevel`, { body: '"info"' });
    assertEquals(faultLines(refused), ["logLevel: is not a known field"]);
  }));

Deno.test("an instance's status is told in the predecessor's words, with what is known of its run", () =>
  withApi(async ({ call, create, startWorker, platform }) => {
    await startWorker();
    const id = await create();
    const status = async () => (await call(`GET /api/status/${id}/status`)).json;
    assertEquals(await status(), { instanceId: id, status: "Created" });
    await call(`POST ${INSTANCES}/${id}/start`);
    const running = await status();
    assertEquals([running.status, running.processId, running.startedAt], [
      "Running",
      "12345",
      new Date(STARTED_AT).toISOString(),
    ]);
    await call(`PUT ${INSTANCES}/${id}/${SERVER}/port`, { body: "8081" });
    assertEquals((await status()).status, "ConfigurationChanged");
    await call(`POST ${INSTANCES}/${id}/stop`);
    platform.failure = { code: "binary_missing", message: "No such file.", retryable: false };
    await call(`POST ${INSTANCES}/${id}/start`);
    const failed = await status();
    assertEquals(failed.status, "Error");
    assertStringIncludes(failed.errorMessage, "No such file.");
    assertProblem(await call("GET /api/status/nobody/status"), 404, "not_found");
  }));
