/** Secrets that servers tell of in answers to probes: they reach no event, failure or capsule. */
import { assert, assertEquals } from "@std/assert";
import type { HealthReport } from "../../events/health.ts";
import { componentsInError } from "../../workers/component_probe.ts";
import { maskedText } from "../../workers/secret_store.ts";
import {
  eventually,
  failureOf,
  type ProcessWorld,
  shell,
  started,
  startIt,
  withWorld,
  writeSecret,
} from "./process_world.ts";

const VALUE = "hunter2-NEW";

function heard({ platform }: ProcessWorld): HealthReport[] {
  const reports: HealthReport[] = [];
  platform.onHealth((report) => reports.push(report));
  return reports;
}

/** What a server that answers every request with `body` has in error. */
async function told(body: string) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response(body),
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const mask = (text: string) => maskedText(text, [VALUE]);
  const found = await componentsInError(url, new AbortController().signal, mask);
  await server.shutdown();
  return { url, found };
}

Deno.test("an answer that is no JSON is told of without its text", async () => {
  const { url, found } = await told(`${VALUE} is bad`);
  assertEquals(found, { problem: `${url}/sources answered no list` });
});

Deno.test("of a part's long reason no half of a secret is left where it is cut", async () => {
  const data = [{ id: "s", status: "Error", error_message: "x".repeat(495) + VALUE }];
  const { found } = await told(JSON.stringify({ data }));
  assert(!JSON.stringify(found).includes(VALUE.slice(0, 3)), JSON.stringify(found));
});

Deno.test("a start that waits, and fails, tells of its probe without the server's secrets", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", VALUE);
    const reports = heard(world);
    const outcome = await startIt(
      world.platform,
      shell("sleep 9", {
        env: { KEY: "${secret:key}" },
        readiness: { logLine: { contains: VALUE }, withinMs: 300 },
      }),
    );
    const { failure, runtimeInfo } = failureOf(outcome);
    const problem = 'no line of its output has "(secret)" yet';
    assertEquals(failure.message, `The server was not ready within 300 ms: ${problem}.`);
    assertEquals(runtimeInfo?.capsule?.probes.map((probe) => probe.problem), [problem]);
    assertEquals(reports.at(-1)?.reason, problem);
  }));

/** Answers as a drasi-server with a source in error. */
const DRASI = `
  const { port, id } = JSON.parse(Deno.readTextFileSync(Deno.args[0]));
  const source = { id: "s", status: "Error", error_message: "login with ${VALUE} was refused" };
  Deno.serve({ port, hostname: "127.0.0.1" }, ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname.endsWith("/instances")) return Response.json({ data: [{ id: "i-1" }, { id }] });
    return Response.json({ data: pathname.endsWith("/sources") ? [source] : [] });
  });`;

Deno.test("what a drasi-server says of a part in error is reported without its secrets", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", VALUE);
    await Deno.writeTextFile(`${world.dataFolder}/drasi.js`, DRASI);
    const bin = `${world.dataFolder}/drasi-server`;
    const run = `exec ${Deno.execPath()} run --allow-all ${world.dataFolder}/drasi.js "$2"`;
    await Deno.writeTextFile(bin, `#!/bin/sh\n${run}\n`, { mode: 0o700 });
    const platform = await world.reopen({
      drasiServer: { drasiServerBin: bin, standIn: "never", standInCommand: null },
    });
    const reports = heard({ ...world, platform });
    await started(platform, {
      sources: [{ kind: "postgres", id: "s", password: "${secret:key}" }],
    }, { template: "drasi-server" });
    const ill = await eventually(
      "its health",
      () => reports.find(({ health }) => health === "unhealthy"),
      60_000,
    );
    const reason = "login with (secret) was refused";
    assertEquals([ill.reason, ill.components], [
      `source s is in Error: ${reason}`,
      [{ kind: "source", name: "s", status: "Error", reason }],
    ]);
  }));
