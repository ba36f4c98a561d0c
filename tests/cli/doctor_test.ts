/** `draas doctor`: what it looks at, what it says is to be done, and the code that it ends with. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  addressCheck,
  type Check,
  clockCheck,
  instanceChecks,
  readinessChecks,
  streamCheck,
  tokenCheck,
  versionCheck,
  workerChecks,
} from "../../cli/doctor/checks.ts";
import { OperationalError } from "../../events/errors.ts";
import type { InstanceAnswer, WorkerAnswer } from "../../http/client/answers.ts";
import type { ClientSettings } from "../../settings/client_settings.ts";
import { itemsOf, refusedConnection, withCli } from "./support/cli_world.ts";
import { bookOf } from "../http/support/tokens.ts";

const TOKEN = "a-token-nobody-must-see";

Deno.test("a fleet without fault is told check by check, and nothing is changed", () =>
  withCli(async ({ draas, create, startWorker, app }) => {
    await startWorker();
    await create({ name: "web" });
    const methods = new Set<string>();
    const fetch = (request: Request) => {
      methods.add(request.method);
      return app.fetch(request);
    };
    const { code, stdout, stderr } = await draas("doctor", { fetch, version: "0.0.0-test" });
    assertEquals([code, stderr, [...methods]], [0, "", ["GET"]]);
    assertEquals(
      stdout.trimEnd().split("\n").map((line) => line.split(/ +/).slice(0, 2).join(" ")),
      [
        "ok address",
        "ok reach",
        "ok version",
        "ok clock",
        "ok readiness",
        "ok token",
        "ok events",
        "ok workers",
        "ok instances",
      ],
    );
    const items = itemsOf(await draas("doctor --json"));
    assertEquals(items[2], {
      check: "version",
      result: "warning",
      detail: "this command line is 0.0.0-cli, the control plane 0.0.0-test",
      hint: "Bring the older one up to date: what one of them does not know, it cannot show.",
    });
  }));

Deno.test("where nobody answers it ends there, with 6 and what to do", async () => {
  await withCli(async ({ draas }) => {
    const fetch = () => {
      throw refusedConnection();
    };
    const { code, stdout } = await draas("doctor", { fetch });
    assertEquals(code, 6);
    assertMatch(stdout, /^ok +address .*\nfailed +reach +No control plane answers.*\n +hint: /);
    const other = await draas("doctor", { fetch: () => new Response("<html>", { status: 404 }) });
    assertEquals(other.code, 6, "another server is no control plane");
    assertStringIncludes(other.stdout, "DRAAS_URL must be the address of a control plane");
  });
});

Deno.test("a missing and a wrong token are told apart, end with 1, and are not shown", () =>
  withCli(async ({ draas }) => {
    const missing = await draas("doctor");
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.stdout, "one is needed, and none is given");
    const environment = { DRAAS_TOKEN: `${TOKEN}-wrong` };
    const wrong = await draas("doctor", { environment });
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.stdout, "the one by DRAAS_TOKEN is not taken");
    const right = await draas("doctor", { environment: { DRAAS_TOKEN: TOKEN } });
    assertStringIncludes(right.stdout, "it is taken, by DRAAS_TOKEN");
    for (const { stdout, stderr } of [missing, wrong, right]) {
      assert(!`${stdout}${stderr}`.includes(TOKEN), stdout);
    }
  }, { tokens: bookOf(TOKEN, "admin") }));

Deno.test("a platform without a worker is a failure that names it", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    const { code, stdout } = await draas("doctor");
    assertEquals(code, 1);
    assertMatch(stdout, /\nfailed +workers +there are none\n +hint: Start one/);
    assertMatch(stdout, /\nfailed +workers +none is ready for process, where instances are\n/);
  }));

const SETTINGS: ClientSettings = {
  url: "http://127.0.0.1:4700",
  urlFrom: "the default",
  token: TOKEN,
  tokenFile: null,
  tokenFrom: "DRAAS_TOKEN",
};
const results = (checks: readonly Check[]) => checks.map(({ result }) => result);

Deno.test("a token that can be read on the way is a warning, over https and on the loopback it is none", () => {
  const of = (url: string, token: string | null = TOKEN) =>
    addressCheck({ ...SETTINGS, url, token }).result;
  assertEquals(of("http://fleet.example"), "warning");
  assertEquals(of("http://fleet.example", null), "ok");
  assertEquals(
    ["https://fleet.example", "http://localhost:1", "http://127.0.0.9", "http://[::1]:4700"].map(
      (url) => of(url),
    ),
    ["ok", "ok", "ok", "ok"],
  );
  assertEquals(
    tokenCheck(SETTINGS, new OperationalError("busy", "Too many.", true, "")).detail,
    "Too many.",
  );
});

Deno.test("clocks that differ by more than what cannot be told are a warning, with by how much", () => {
  const at = (dateMs: number | null) =>
    clockCheck({ version: "1", dateMs, tookMs: 1_000 }, 1_000_500);
  assertEquals([at(1_000_000).result, at(998_000).result, at(null).result], ["ok", "ok", "ok"]);
  assertEquals(at(1_030_000).detail, "the control plane's is 30 s ahead");
  assertEquals(at(940_000).detail, "the control plane's is 60 s behind");
});

Deno.test("releases, readiness, incidents and streams are judged", () => {
  const life = { version: "1.1.0", dateMs: null, tookMs: 1 };
  assertEquals([versionCheck("1.1.0", life).result, versionCheck("1.0.0", life).result], [
    "ok",
    "warning",
  ]);
  const readiness = {
    ready: true,
    reasons: [],
    durability: null,
    position: "7-0",
    instances: 1,
    commandsInFlight: 0,
    incidents: [],
    version: "1.1.0",
  };
  assertEquals(results(readinessChecks(readiness)), ["ok"]);
  const bad = readinessChecks({
    ...readiness,
    ready: false,
    reasons: ["the log is away", "it recovers"],
    incidents: [{ code: "HISTORY_ROLLBACK", at: "2026-01-01T00:00:00.000Z" }],
  });
  assertEquals(results(bad), ["failed", "warning"]);
  assertEquals(bad[0]!.detail, "it cannot serve now: the log is away; it recovers");
  assertEquals([streamCheck(12, 5_000).result, streamCheck(null, 5_000).result], ["ok", "failed"]);
});

const worker = (id: string, fields: Partial<WorkerAnswer> = {}) =>
  ({
    id,
    platform: "process",
    version: "1",
    draining: false,
    lost: false,
    silent: false,
    ...fields,
  }) as WorkerAnswer;
const instance = (name: string, fields: Record<string, unknown> = {}) =>
  ({
    name,
    platform: "process",
    status: "Running",
    health: "healthy",
    ...fields,
  }) as InstanceAnswer;

Deno.test("workers that are away, drained, of another release, or missing are told with what to do", () => {
  assertEquals(results(workerChecks([worker("a")], [instance("web")], "1")), ["ok"]);
  assertEquals(results(workerChecks([], [], "1")), ["failed"]);
  const mixed = workerChecks(
    [worker("a", { silent: true }), worker("b", { draining: true }), worker("c", { version: "2" })],
    [instance("web"), instance("db", { platform: "docker" })],
    "1",
  );
  assertEquals(mixed.map(({ result, detail }) => `${result}: ${detail}`), [
    "warning: 1 ready, 1 draining, 1 silent: a",
    "failed: none is ready for docker, where instances are",
    "warning: of another release than the control plane: c",
  ]);
  assert(mixed.every(({ hint }) => hint !== undefined), "each says what to do");
});

Deno.test("instances that failed, are ill, or run with an older configuration are named, not all of many", () => {
  assertEquals(results(instanceChecks([instance("web")])), ["ok"]);
  const many = Array.from({ length: 7 }, (_, n) => instance(`f${n}`, { status: "Failed" }));
  const checks = instanceChecks([
    ...many,
    instance("ill", { health: "unhealthy" }),
    instance("old", { configuration: { revision: 5, runningRevision: 3 } }),
    instance("own", { configuration: { revision: 5, runningRevision: null } }),
  ]);
  assertEquals(checks.map(({ detail }) => detail), [
    "7 failed: f0, f1, f2, f3, f4 and 2 more",
    "1 unhealthy: ill",
    "1 run with an older configuration: old",
  ]);
});
