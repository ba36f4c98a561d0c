/** Bad input is answered with what is wrong with it, all of it at once, and changes nothing. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, type Call, faultLines } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE, withApi } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";

const CREATE = "POST /api/server/instances";

const refusedCreates: [string, Call, string[]][] = [
  ["an empty body", {}, [": the body must be a JSON object"]],
  ["an array", { body: [] }, [": the body must be a JSON object"]],
  ["null", { body: "null" }, [": the body must be a JSON object"]],
  ["no name", { body: {} }, ["name: must be a string"]],
  ["a blank name", { body: { name: "  " } }, ["name: must not be empty"]],
  ["an unknown field", { body: { name: "a", colour: "red" } }, ["colour: is not a known field"]],
  [
    "a field that only an object's prototype has",
    { body: '{"name":"a","__proto__":{"x":1}}' },
    ["__proto__: is not a known field"],
  ],
  ["an unknown platform", { body: { name: "a", platform: "mainframe" } }, [
    "platform: must be one of process, docker, kubernetes",
  ]],
  ["a platform that is no text", { body: { name: "a", platformType: 0 } }, [
    "platformType: must be one of process, docker, kubernetes",
  ]],
  ["both names of the platform", {
    body: { name: "a", platform: "process", platformType: "Process" },
  }, ["platformType: is another name of platform; give one of them"]],
  ["a bad port and a bad host", {
    body: { name: "a", serverConfiguration: { host: "invalid", port: -1 } },
  }, [
    "serverConfiguration.host: must be an IPv4 address or localhost",
    "serverConfiguration.port: must be a whole number from 1 to 65535",
  ]],
  ["a configuration that is no object", { body: { name: "a", serverConfiguration: [] } }, [
    "serverConfiguration: must be a JSON object",
  ]],
  ["a configuration that is null", { body: { name: "a", serverConfiguration: null } }, [
    "serverConfiguration: must be a JSON object",
  ]],
  ["a query without text", {
    body: { name: "a", serverConfiguration: { queries: [{ id: "q" }] } },
  }, ["serverConfiguration.queries.0.query: must be a string"]],
  ["a template that does not fit the configuration", { body: { name: "a", template: "command" } }, [
    "serverConfiguration.command: must be an array of strings: the program, then its arguments",
  ]],
  ["an unknown template", { body: { name: "a", template: "jar" } }, [
    "template: must be one of drasi-server, command, image",
  ]],
  ["a template that its platform does not run", {
    body: {
      name: "a",
      platform: "docker",
      template: "command",
      onWorkerLost: "reschedule",
      serverConfiguration: { command: ["true"] },
    },
  }, [
    "template: must be drasi-server or image on the platform docker",
    "onWorkerLost: must be wait on the platform docker",
  ]],
  ["an image whose probe asks at a port that is not published", {
    body: {
      name: "a",
      platform: "docker",
      template: "image",
      serverConfiguration: {
        image: "redis:7",
        ports: [{ port: 1 }],
        readiness: { tcp: { port: 2 } },
      },
    },
  }, ["serverConfiguration.readiness: must ask at one of `ports`: others cannot be reached"]],
  ["limits that no host has", {
    body: {
      name: "a",
      serverConfiguration: {},
      limits: { memoryBytes: 1, cpus: 0, openFiles: 1.5, processes: "many", disk: 1 },
    },
  }, [
    "limits.memoryBytes: must be a whole number of bytes from 4194304 to 1125899906842624",
    "limits.cpus: must be a number of cores from 0.01 to 1024",
    "limits.openFiles: must be a whole number of open files from 16 to 1048576",
    "limits.processes: must be a whole number of processes from 1 to 4194304",
    "limits.disk: is not a known field",
  ]],
  ["limits that are no object", { body: { name: "a", limits: 5 } }, [
    "limits: must be an object with any of memoryBytes, cpus, openFiles, processes",
  ]],
  ["more labels than there may be", {
    body: {
      name: "one",
      labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, ""])),
      serverConfiguration: {},
    },
  }, ["labels: must be at most 64 labels"]],
  ["everything wrong at once", {
    body: {
      name: 7,
      labels: { "-": "x" },
      restartPolicy: { mode: "sometimes" },
      serverConfiguration: { port: "80" },
      extra: 1,
    },
  }, [
    "name: must be a string",
    "labels.-: its name must be 1 to 63 letters, digits, '.', '_', '/' or '-', beginning and ending with a letter or digit",
    "restartPolicy.mode: must be one of never, on-failure, always",
    "extra: is not a known field",
    "serverConfiguration.port: must be a whole number from 1 to 65535",
  ]],
];

for (const [what, call, expected] of refusedCreates) {
  Deno.test(`a create with ${what} is refused with every fault`, () =>
    withApi(async ({ call: ask }) => {
      assertEquals(faultLines(await ask(CREATE, call)), expected);
      assertEquals((await ask("GET /api/server/instances")).json.items, [], "nothing was created");
    }));
}

Deno.test("the predecessor's names are understood: platformType in any case, queryText", () =>
  withApi(async ({ call }) => {
    const answer = await call(CREATE, {
      body: {
        name: "a",
        platformType: "Process",
        serverConfiguration: { queries: [{ id: "q", queryText: "MATCH (n) RETURN n" }] },
      },
    });
    assertEquals(answer.status, 201, answer.text);
    assertEquals(answer.json.platform, "process");
  }));

Deno.test("text that is not JSON is refused with the place of the fault", () =>
  withApi(async ({ call }) => {
    const answer = await call(CREATE, { body: '{"name": "a",\n "port": hello}' });
    const problem = assertProblem(answer, 400, "malformed_json");
    assertEquals([problem.position, problem.line, problem.column], [23, 2, 10]);
    assertStringIncludes(problem.detail, 'expected a value, but found "h"');
  }));

Deno.test("bytes that are not UTF-8 are refused", () =>
  withApi(async ({ call }) => {
    assertProblem(
      await call(CREATE, { body: new Uint8Array([0xff, 0xfe]) }),
      400,
      "malformed_json",
    );
  }));

Deno.test("JSON that is nested without end is refused before it costs a stack", () =>
  withApi(async ({ call, bugs }) => {
    const answer = await call(CREATE, { body: `{"name":${"[".repeat(500_000)}` });
    assertMatch(
      assertProblem(answer, 400, "malformed_json").detail,
      /nested deeper than 64 levels/,
    );
    assertEquals(bugs, []);
  }));

for (
  const [what, headers] of [
    ["another content type", { "content-type": "text/plain" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["another character set", { "content-type": "application/json; charset=latin1" }],
    ["a content encoding", { "content-encoding": "gzip" }],
  ] as [string, Record<string, string>][]
) {
  Deno.test(`a body with ${what} is a 415`, () =>
    withApi(async ({ call }) => {
      assertProblem(
        await call(CREATE, { body: TEST_INSTANCE, headers }),
        415,
        "unsupported_media_type",
      );
    }));
}

Deno.test("a body of 10 MiB is a 413, announced or not", () =>
  withApi(async ({ call }) => {
    const large = new Uint8Array(10 << 20).fill(32);
    const announced = await call(CREATE, {
      body: large,
      headers: { "content-length": String(large.length) },
    });
    assertMatch(assertProblem(announced, 413, "body_too_large").detail, /1048576 bytes/);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    assertProblem(await call(CREATE, { body: endless }), 413, "body_too_large");
    assert(sent < 2 << 20, `reading stops at the limit, not after ${sent} bytes`);
  }));

Deno.test("a body that announces itself as too large is not read at all", () =>
  withApi(async ({ call }) => {
    let sent = 0;
    const announced = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const headers = { "content-length": String(10 << 20) };
    assertProblem(await call(CREATE, { body: announced, headers }), 413, "body_too_large");
    assert(sent <= 65_536, `${sent} bytes were read`);
  }));

Deno.test("a body that never ends is given up in time", () =>
  withApi(async ({ call }) => {
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    assertProblem(await call(CREATE, { body: silent }), 408, "body_too_slow");
  }, { limits: { bodyReadMs: 20 } }));

Deno.test("a start's body is only looked at for being an object", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const start = `POST /api/server/instances/${id}/start`;
    assertEquals(faultLines(await call(start, { body: [1] })), [": must be a JSON object"]);
    assertEquals(faultLines(await call(start, { body: "7" })), [": must be a JSON object"]);
    assertProblem(await call(start, { body: "{" }), 400, "malformed_json");
    assertProblem(
      await call(start, { body: { pad: "x".repeat(1 << 20) } }),
      413,
      "body_too_large",
    );
    const wild = await call(`${start}?wait=false`, { body: { anything: [{ goes: null }] } });
    assertEquals(wild.status, 202, wild.text);
  }));

Deno.test("a stop takes no body but an empty one", () =>
  withApi(async ({ call, create }) => {
    const stop = `POST /api/server/instances/${await create()}/stop`;
    assertProblem(await call(stop, { body: { force: true } }), 400, "invalid");
    assertEquals((await call(stop, { body: {} })).status, 200);
  }));

const refusedQueries: [string, string[]][] = [
  ["GET /api/server/instances?limit=0", ["?limit: must be a whole number from 1 to 500"]],
  ["GET /api/server/instances?limit=1.5", ["?limit: must be a whole number from 1 to 500"]],
  ["GET /api/server/instances?limit=&status=", [
    "?status: must be some of Created, Starting, Running, Restarting, Stopping, Stopped, Failed, " +
    "Deleting, Deleted, with commas between them",
    "?limit: must be a whole number from 1 to 500",
  ]],
  ["GET /api/server/instances?limit=1&limit=2", ["?limit: must be given once"]],
  ["GET /api/server/instances?colour=red&q=", [
    "?q: must not be empty",
    "?colour: is not a known parameter",
  ]],
  ["POST /api/server/instances/ID/start?wait=perhaps&timeout=2h", [
    "?wait: must be true or false",
    "?timeout: must be a duration from 1ms to 1h: milliseconds, or a number with ms, s, m or h",
  ]],
  ["POST /api/server/instances/ID/start?timeout=0", [
    "?timeout: must be a duration from 1ms to 1h: milliseconds, or a number with ms, s, m or h",
  ]],
  ["DELETE /api/server/instances/ID?force=yes", ["?force: must be true or false"]],
  ["GET /api/server/instances/ID/events?limit=501&before=x", [
    "?limit: must be a whole number from 1 to 500",
    "?before: must be a whole number from 1 to 999999999999",
  ]],
  ["GET /api/server/instances/ID/logs?tail=-1", ["?tail: must be a whole number from 0 to 5000"]],
  ["GET /api/events?after=yesterday", [
    "?after: must be a position in the log, such as 0-0, the id of a message of this stream, or now",
  ]],
];
for (const [line, expected] of refusedQueries) {
  Deno.test(`'${line}' is refused`, () =>
    withApi(async ({ call, create }) => {
      assertEquals(faultLines(await call(line.replace("ID", await create()))), expected);
    }));
}

Deno.test("faults of query, headers and body are told together", () =>
  withApi(async ({ call, create }) => {
    const answer = await call(`PATCH /api/server/instances/${await create()}?dryRun=1`, {
      body: { name: "", serverConfiguration: { port: 65_536 } },
      headers: { "if-match": "seven", "idempotency-key": "with space" },
    });
    assertEquals(faultLines(answer).map((line) => line.split(":")[0]), [
      "?dryRun",
      "Idempotency-Key",
      "If-Match",
      "name",
      "serverConfiguration.port",
    ]);
  }));

Deno.test("an instance that never was is a 404 on every route", () =>
  withApi(async ({ call }) => {
    const at = "/api/server/instances/nobody";
    for (
      const line of [
        `GET ${at}`,
        `DELETE ${at}`,
        `GET ${at}/events`,
        `GET ${at}/logs`,
        ...["start", "stop", "restart"].map((verb) => `POST ${at}/${verb}`),
      ]
    ) {
      assertStringIncludes(assertProblem(await call(line), 404, "not_found").detail, "'nobody'");
    }
    assertProblem(await call(`PATCH ${at}`, { body: { name: "b" } }), 404, "not_found");
  }));

Deno.test("what can be no id is a 404, and the system is not even asked", async () => {
  const system = scriptedSystem(null, { get: () => Promise.resolve(stateAfter()) });
  const call = apiClient(createHttpApp(apiOptions(system)));
  for (const id of ["a_b", "..%2f..%2fetc", "%00", "x".repeat(65), "%zz", "-a"]) {
    for (
      const line of [`GET /api/server/instances/${id}`, `POST /api/server/instances/${id}/stop`]
    ) {
      assertProblem(await call(line), 404, "not_found");
    }
  }
  assertEquals(system.asked, []);
});

Deno.test("a request that the state does not allow is a 409 with what it does allow", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const answer = await call(`POST /api/server/instances/${id}/restart`);
    const problem = assertProblem(answer, 409, "conflict");
    assertEquals([problem.instanceStatus, problem.allowed], [
      "Created",
      ["start", "configure", "move", "delete"],
    ]);
    assertStringIncludes(problem.hint, "allowed now: start, configure, move, delete");
  }));

Deno.test("a PATCH that names nothing, or what cannot change, is refused", () =>
  withApi(async ({ call, create }) => {
    const line = `PATCH /api/server/instances/${await create()}`;
    assertEquals(faultLines(await call(line, { body: {} })), [
      ": must name at least one field to change",
    ]);
    assertEquals(faultLines(await call(line, { body: { template: "command", id: "x" } })), [
      "template: is not a known field",
      "id: is not a known field",
    ]);
  }));

Deno.test("a PATCH of limits is checked whole, replaces them as a whole, and takes them away", () =>
  withApi(async ({ call, create }) => {
    const at = `/api/server/instances/${await create()}`;
    const wrong = { memoryBytes: -1, processes: 0, cpus: 0.5 };
    assertEquals(faultLines(await call(`PATCH ${at}`, { body: { limits: wrong } })), [
      "limits.memoryBytes: must be a whole number of bytes from 4194304 to 1125899906842624",
      "limits.processes: must be a whole number of processes from 1 to 4194304",
    ]);
    for (const limits of [{ cpus: 0.5, processes: 8 }, { openFiles: 64 }, {}]) {
      assertEquals((await call(`PATCH ${at}`, { body: { limits } })).json.limits, limits);
    }
  }));
