/** A configuration that can be created can be started: its bound fits twice into a batch of the log. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BATCH_BYTES_MAX } from "../../events/log_refusals.ts";
import { CONFIGURATION_BYTES_MAX } from "../../events/configuration.ts";
import { OperationalError } from "../../events/errors.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { scriptedSystem } from "./support/scripted_system.ts";

/** For names, ids, keys and the rest of the events that go along. */
const SLACK_BYTES = 32 * 1024;

/** A valid configuration of exactly so many bytes of JSON; some of its characters are two bytes long. */
function configurationOf(bytes: number) {
  const configuration = { env: { LARGE: "", LARGER: "", LARGEST: "ü".repeat(8) }, command: ["a"] };
  const missing = bytes - new TextEncoder().encode(JSON.stringify(configuration)).length;
  const parts = Array.from({ length: Math.floor(missing / 4_003) }, () => "x".repeat(4_000));
  configuration.command.push(...parts);
  configuration.env.LARGE = "x".repeat(missing - parts.length * 4_003);
  return configuration;
}

Deno.test("a batch has room for the largest configuration twice", () => {
  assert(2 * CONFIGURATION_BYTES_MAX + SLACK_BYTES < BATCH_BYTES_MAX);
});

Deno.test("the largest configuration can be created, changed, started, overridden and restarted", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const serverConfiguration = configurationOf(CONFIGURATION_BYTES_MAX);
    const id = await create({
      template: "command",
      serverConfiguration,
      description: "x".repeat(2_000),
    });
    const at = `/api/server/instances/${id}`;
    const patched = await call(`PATCH ${at}`, { body: { serverConfiguration } });
    assertEquals(patched.status, 200, patched.text.slice(0, 500));
    const calls = [
      [`POST ${at}/start`, {}],
      [`POST ${at}/restart`, {}],
      [`POST ${at}/stop`, {}],
      [`POST ${at}/start`, { body: serverConfiguration }],
    ] as const;
    for (const [line, given] of calls) {
      const answer = await call(line, given);
      assertEquals(answer.status, 200, answer.text.slice(0, 500));
    }
  }));

Deno.test("a larger configuration is refused with its size, the limit and what to do", () =>
  withApi(async ({ call, create }) => {
    const serverConfiguration = configurationOf(CONFIGURATION_BYTES_MAX + 1);
    const at = `/api/server/instances/${await create()}`;
    const refused = [
      await call("POST /api/server/instances", {
        body: { name: "a", template: "command", serverConfiguration },
      }),
      await call(`PATCH ${at}`, {
        body: {
          serverConfiguration: {
            plugins: [
              { ref: "x".repeat(CONFIGURATION_BYTES_MAX + 1 - '{"plugins":[{"ref":""}]}'.length) },
            ],
          },
        },
      }),
      await call(`POST ${at}/start`, { body: serverConfiguration }),
    ];
    for (const answer of refused) {
      assertEquals(faultLines(answer), [
        "serverConfiguration: is 98305 bytes of JSON, and the most is 98304; " +
        "keep what is large in a file of the host and name that here",
      ]);
    }
  }));

Deno.test("a request that the log finds too large is the client's to make smaller", async () => {
  const error = new OperationalError("batch_too_large", "Too large.", false, "Make it smaller.");
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(error))));
  const problem = assertProblem(
    await call("POST /api/server/instances/i-1/start"),
    413,
    "batch_too_large",
  );
  assertEquals([problem.detail, problem.retryable], ["Too large.", false]);
  assertStringIncludes(problem.hint, "smaller");
});
