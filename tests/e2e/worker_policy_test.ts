/** What the owner of a host allows, as users and operators of a real fleet meet it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { commandInstance } from "./support/control_plane.ts";
import { withProgram } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";

testWithFleet(
  "a worker whose host says nothing refuses a command by the rule's name, for good; one line allows it",
  async (fleet) => {
    const api = await fleet.serve();
    const policy = ["--policy", `${fleet.folder}/worker.yaml`];
    await Deno.writeTextFile(`${fleet.folder}/worker.yaml`, "# Nothing is said.\n");
    const first = await fleet.worker("w1", policy);
    assertStringIncludes(
      first.output,
      "Allows drasi-server, as of worker.yaml\n",
    );
    const { json: { id } } = await api.call(
      `POST ${INSTANCES}`,
      commandInstance("one", ["sleep", "99"], "always"),
    );
    const refused = await api.call(`POST ${INSTANCES}/${id}/start`);
    assertEquals([refused.status, refused.json.code, refused.json.retryable], [
      500,
      "host_refused",
      false,
    ]);
    assertEquals(
      refused.json.error,
      'refused by worker.yaml, rule "templates": ' +
        "this host runs no command; it runs drasi-server",
    );
    const { json: shown } = await api.call(`GET ${INSTANCES}/${id}`);
    assertEquals([shown.status, shown.nextStartAt ?? null], ["Failed", null]);
    await first.end("SIGTERM");

    await Deno.writeTextFile(`${fleet.folder}/worker.yaml`, "templates: [drasi-server, command]\n");
    await fleet.worker("w1", policy);
    assertEquals((await api.call(`POST ${INSTANCES}/${id}/start`)).status, 200);
  },
);

testWithFleet(
  "a worker.yaml that is not in order ends the worker with code 2 and every fault",
  async (fleet) => {
    const policy = `${fleet.folder}/worker.yaml`;
    const begin = () =>
      fleet.begin("worker:process", ["--data-dir", `${fleet.folder}/w`, "--policy", policy]).ended;
    const missing = await begin();
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, `${policy} cannot be read`);
    await Deno.writeTextFile(policy, "templates: [shell]\nbinary: [/bin/sh]\nports: 99999\n");
    const { code, stderr } = await begin();
    assertEquals(code, 2);
    assertEquals(
      stderr,
      `draas: ${policy} is not in order:\n` +
        "  templates.0: must be one of drasi-server, command, image\n" +
        "  ports: must be a range of ports from 1 to 65535, for example 20000-29999\n" +
        "  binary: is not a rule; the rules here are templates, binaries, images, users, folders, " +
        "limits, plugins, ports, secrets\n" +
        '  See "What a host allows" in docs/process-worker.md.\n',
    );
  },
);

Deno.test("on one machine everything may run, unless its worker.yaml says otherwise", () =>
  withProgram(async ({ start, folder }) => {
    const open = await start();
    const body = commandInstance("one", ["sleep", "99"]);
    const { json: { id } } = await open.call(`POST ${INSTANCES}`, body);
    assertEquals((await open.call(`POST ${INSTANCES}/${id}/start`)).status, 200);
    await open.call(`POST ${INSTANCES}/${id}/stop`);
    await open.end("SIGTERM");
    await Deno.writeTextFile(`${folder}/worker.yaml`, "binaries: [/usr/bin/true]\n");
    const strict = await start("--policy", `${folder}/worker.yaml`);
    const { json } = await strict.call(`POST ${INSTANCES}/${id}/start`);
    assertStringIncludes(json.error, 'refused by worker.yaml, rule "binaries": ');
  }));

testWithFleet(
  "a secret is in no answer, no event and no output of a fleet, only with its server",
  async (fleet) => {
    const api = await fleet.serve();
    const secret = { DRAAS_SECRET_KEY: "hush-hush" };
    const worker = await fleet.worker("w1", [], secret);
    const body = commandInstance("one", ["sh", "-c", 'echo "it is $KEY"; exit 7'], "never");
    const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
      ...body,
      serverConfiguration: { ...body.serverConfiguration, env: { KEY: "${secret:key}" } },
    });
    const failed = await api.call(`POST ${INSTANCES}/${id}/start`);
    assertStringIncludes(JSON.stringify(failed.json), "it is (secret)");
    const seen = [failed.json];
    for (const part of ["", "/events", "/logs?tail=9", "/why"]) {
      seen.push((await api.call(`GET ${INSTANCES}/${id}${part}`)).json);
    }
    const log = await fleet.redis.cli("XRANGE", "{draas:default}:log", "-", "+");
    const all = JSON.stringify(seen) + log + worker.output + api.output;
    assertEquals(all.includes("hush"), false, "it is nowhere");
    assertStringIncludes(all, "${secret:key}");
  },
);
