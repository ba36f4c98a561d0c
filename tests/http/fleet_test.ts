/** Fleet files over HTTP, against the real system: plans, applies, what is owned and what is not. docs/fleet.md */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { assertProblem, faultLines } from "./support/api_client.ts";
import { withApi } from "./support/api_world.ts";
import {
  applied,
  apply,
  diff,
  type Line,
  problemsIn,
  stepsIn,
  webFleet,
} from "./support/fleet_calls.ts";
import { until } from "./support/until.ts";

Deno.test("a file makes its fleet, and asks for nothing more once it is so", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const file = webFleet(3);
    assertEquals(stepsIn(await diff(call, file)), [
      "web-1: create, start",
      "web-2: create, start",
      "web-3: create, start",
    ]);
    const { lines, end, ends } = await apply(call, file);
    assertEquals(lines[0].type, "plan");
    assertEquals(ends.sort(), ["web-1 done", "web-2 done", "web-3 done"]);
    assertEquals([end.outcome, end.summary], ["done", { done: 3, failed: 0, skipped: 0 }]);
    assertMatch(end.position, /^\d+-\d+$/);

    const { json: { items } } = await call("GET /api/server/instances?label=draas/fleet=shop");
    assertEquals(
      items.map(({ name, status }: Line) => `${name} ${status}`).sort(),
      ["web-1 Running", "web-2 Running", "web-3 Running"],
    );
    const plan = await diff(call, file);
    assertEquals([plan.changed, plan.summary.unchanged, stepsIn(plan)], [false, 3, []]);
    const again = await apply(call, file);
    assertEquals([again.lines.length, again.end.summary], [2, { done: 0, failed: 0, skipped: 0 }]);
  }));

Deno.test("every fault is told at once, each where it is written", () =>
  withApi(async ({ call, system }) => {
    const answer = await call("POST /api/fleet/apply?parallel=0&maxUnavailable=0%25&prune=maybe", {
      headers: { "if-match": '"3"' },
      body: {
        fleet: "a shop",
        size: 3,
        bases: { program: { template: "command", restartPolicy: { mode: "often" } } },
        instances: {
          web: { count: -1, labels: { "draas/fleet": "other" } },
          named: { name: "other" },
        },
      },
    });
    assertEquals(faultLines(answer), [
      "?prune: must be true or false",
      "?parallel: must be a whole number from 1 to 64",
      "?maxUnavailable: must be a whole number from 1 on, or a share from 1% to 100%",
      "If-Match: is for one instance; ?plan= says here which plan is meant",
      "fleet: must be 1 to 63 letters, digits, '.', '_' or '-', beginning and ending with a letter or digit",
      "bases.program.restartPolicy.mode: must be one of never, on-failure, always",
      "instances.web.count: must be a whole number from 0 to 5000",
      "instances.web.labels.draas/fleet: must not begin with draas/: those are set by DRaaS",
      "instances.named.name: must stand beside id: else an instance is called as its entry",
      "size: is not a known field",
    ]);
    assertEquals((await system.list({ limit: 10 })).items, []);
  }));

Deno.test("a server that runs with another configuration is restarted, one that only has other labels is not", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    await apply(call, webFleet(1, "1", { api: { from: "program" } }));
    const changed = webFleet(1, "2", {
      api: {
        template: "command",
        labels: { tier: "back" },
        serverConfiguration: { command: ["server"], env: { RELEASE: "1" } },
      },
    });
    const plan = await diff(call, changed);
    assertEquals(stepsIn(plan), ["api: configure", "web-1: configure, restart"]);
    const [api, web] = plan.items;
    assertEquals(api.changes, [{ path: "labels.tier", after: "back" }]);
    assertEquals([web.action, web.changes, web.reasons], [
      "change",
      [{ path: "serverConfiguration.env.RELEASE", before: "1", after: "2" }],
      ["it runs with another serverConfiguration"],
    ]);
    assertEquals((await apply(call, changed)).end.outcome, "done");
    const { json } = await call(`GET /api/server/instances/${web.id}`);
    assertEquals([json.configuration.revision, json.configuration.runningRevision], [2, 2]);
    assertEquals(stepsIn(await diff(call, changed)), []);
  }));

Deno.test("what was configured by others and not restarted since is restarted", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const file = webFleet(1);
    await apply(call, file);
    const [{ id }] = (await diff(call, file)).items;
    const serverConfiguration = { command: ["server"], env: { RELEASE: "2" } };
    await call(`PATCH /api/server/instances/${id}`, { body: { serverConfiguration } });
    assertEquals(stepsIn(await diff(call, webFleet(1, "2"))), ["web-1: restart"]);
    // Back to what it runs with: no need to take it down.
    assertEquals(stepsIn(await diff(call, file)), ["web-1: configure"]);
  }));

Deno.test("only what this fleet has made is pruned: neither what a user has made, nor what bears its label only", () =>
  withApi(async ({ call, startWorker, create }) => {
    await startWorker();
    await apply(call, webFleet(3));
    await apply(call, { ...webFleet(1), fleet: "other" });
    const byHand = await create({ name: "web-9" });
    const labelled = await create({ name: "web-8", labels: { "draas/fleet": "shop" } });
    const smaller = webFleet(1);
    const kept = await diff(call, smaller);
    assertEquals([stepsIn(kept), kept.summary.extra], [[], 3]);
    assertEquals((await apply(call, smaller)).end.summary.done, 0);

    const plan = await diff(call, smaller, "prune=true");
    assertEquals(stepsIn(plan), ["web-2: delete", "web-3: delete"]);
    assertEquals((await apply(call, smaller, "prune=true")).ends.sort(), [
      "web-2 done",
      "web-3 done",
    ]);
    const { json: { items } } = await call("GET /api/server/instances");
    const names = items.map(({ name }: { name: string }) => name).sort();
    assertEquals(names, ["web-1", "web-1", "web-8", "web-9"]);
    for (const id of [byHand, labelled]) {
      assertEquals((await call(`GET /api/server/instances/${id}`)).status, 200);
    }
  }));

Deno.test("one that was deleted is made anew, under another id", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const file = webFleet(1);
    await apply(call, file);
    const [{ id }] = (await diff(call, file)).items;
    await call(`DELETE /api/server/instances/${id}`);
    assertEquals(stepsIn(await diff(call, file)), ["web-1: create, start"]);
    await apply(call, file);
    const [now] = (await diff(call, file)).items;
    assert(now.id !== id);
    assertEquals(now.status, "Running");
  }));

Deno.test("an apply whose plan is another one by now does nothing", () =>
  withApi(async ({ call, system }) => {
    const { plan } = await diff(call, webFleet(2));
    const other = await call(`POST /api/fleet/apply?plan=${plan}`, { body: webFleet(3) });
    const problem = assertProblem(other, 412, "plan_changed");
    assertMatch(problem.plan, /^[0-9a-f]{64}$/);
    assertEquals((await system.list({ limit: 10 })).items, []);
    const stopped = { ...webFleet(2) };
    assertEquals((await apply(call, stopped, `plan=${plan}&timeout=50ms`)).end.outcome, "failed");
  }));

Deno.test("a dry run tells the plan and appends nothing", () =>
  withApi(async ({ call, system }) => {
    const { position } = await system.status();
    const answer = await call("POST /api/fleet/apply?dryRun=true", { body: webFleet(2) });
    assertEquals([answer.status, stepsIn(answer.json).length], [200, 2]);
    assertEquals((await system.status()).position, position);
  }));

Deno.test("what a file names by its id is that instance, and is never pruned", () =>
  withApi(async ({ call, startWorker, create }) => {
    await startWorker();
    const id = await create({ name: "old", labels: { env: "test" } });
    const entry = {
      id,
      template: "drasi-server",
      serverConfiguration: { host: "127.0.0.1", port: 8080, logLevel: "debug" },
    };
    const file = { fleet: "shop", instances: { old: entry } };
    const [item] = (await diff(call, file)).items;
    assertEquals([item.id, item.steps], [id, ["configure", "start"]]);
    assertEquals(item.changes, [
      { path: "description", before: "Test instance", after: "" },
      { path: "labels.env", before: "test" },
      { path: "serverConfiguration.logLevel", before: "info", after: "debug" },
    ]);
    assertEquals((await apply(call, file)).end.outcome, "done");
    const empty = { fleet: "shop", instances: {} };
    assertEquals((await apply(call, empty, "prune=true")).end.summary.done, 0);
    await call(`DELETE /api/server/instances/${id}`);
    assertEquals(faultLines(await call("POST /api/fleet/diff", { body: file })), [
      "instances.old.id: is of an instance that was deleted; without it a new one is made",
    ]);
  }));

Deno.test("the fleet as files asks for nothing when it is applied", () =>
  withApi(async ({ call, startWorker, create }) => {
    await startWorker();
    await apply(call, webFleet(3, "1", { api: { from: "program", desired: "stopped" } }));
    const id = await create({ name: "by hand", labels: { env: "test" } });
    const { json: { items } } = await call("GET /api/fleet");
    const program = {
      template: "command",
      serverConfiguration: { command: ["server"], env: { RELEASE: "1" } },
    };
    const [shop, rest] = items;
    assertEquals(shop, {
      fleet: "shop",
      instances: { api: { ...program, desired: "stopped" }, web: { count: 3, ...program } },
    });
    assertEquals([rest.fleet, rest.instances["by hand"].id], ["adopted", id]);
    for (const file of items) {
      const plan = await diff(call, file, "prune=true");
      assertEquals([plan.changed, stepsIn(plan)], [false, []]);
    }
    assertEquals((await call("GET /api/fleet?fleet=shop")).json.items, [shop]);
    assertEquals((await call("GET /api/fleet?fleet=none")).json.items, []);
  }));

Deno.test("another platform is a move: it is stopped, moved and started, and said to lose what it kept", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    await apply(call, webFleet(1));
    const file = {
      fleet: "shop",
      instances: {
        "web-1": { platform: "docker", template: "image", serverConfiguration: { image: "web:2" } },
      },
    };
    const [item] = (await diff(call, file)).items;
    assertEquals([item.action, item.steps, item.grave, item.reasons], [
      "move",
      ["stop", "move", "start"],
      true,
      ["what it has kept where it was is lost"],
    ]);
    // There is no worker for images: it has moved, and waits for one.
    const { ends, lines } = await apply(call, file, "timeout=300ms");
    assertEquals(ends, ["web-1 failed"]);
    assertEquals(lines.find(({ type }) => type === "ended").problem.code, "no_worker");
    const { json } = await call(`GET /api/server/instances/${item.id}`);
    assertEquals([json.platform, json.template, json.desired], ["docker", "image", "running"]);
  }));

Deno.test("an apply whose client has gone begins nothing more, and applied again it does the rest", () =>
  withApi(async ({ call, app, startWorker, platform }) => {
    await startWorker();
    const opened = Promise.withResolvers<void>();
    platform.gate = opened.promise;
    const request = new Request("http://localhost/api/fleet/apply?parallel=1", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(webFleet(3)),
    });
    const reader = (await app.fetch(request)).body!.getReader();
    let told = "";
    while (!told.includes('"step":"start"')) {
      told += new TextDecoder().decode((await reader.read()).value);
    }
    await reader.cancel();
    opened.resolve();
    const names = async () =>
      (await call("GET /api/server/instances?status=Running")).json.items
        .map(({ name }: { name: string }) => name);
    await until("what was begun goes on", async () => (await names()).length === 1);
    assertEquals((await call("GET /api/server/instances")).json.items.length, 1);
    assertEquals((await apply(call, webFleet(3))).ends.sort(), ["web-2 done", "web-3 done"]);
    assertEquals((await names()).length, 3);
  }));

Deno.test("the end of the node ends the apply at once, and says so", async () => {
  const closing = new AbortController();
  await withApi(async ({ call, startWorker, platform }) => {
    await startWorker();
    const opened = Promise.withResolvers<void>();
    platform.gate = opened.promise;
    const applying = apply(call, webFleet(3), "parallel=1");
    await until(
      "one is being started",
      async () => (await call("GET /api/server/instances?status=Starting")).json.items.length === 1,
    );
    closing.abort();
    const { end } = await applying;
    assertEquals([end.type, end.outcome], ["end", "stopped"]);
    opened.resolve();
  }, { closing: closing.signal });
});

Deno.test("two applies at once make one fleet", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const both = await Promise.all([apply(call, webFleet(4)), apply(call, webFleet(4))]);
    assertEquals(both.map(problemsIn), [[], []]);
    assertEquals((await call("GET /api/server/instances")).json.items.length, 4);
    const restarts = await Promise.all([
      apply(call, webFleet(4, "2")),
      apply(call, webFleet(4, "2")),
    ]);
    assertEquals(restarts.map(problemsIn), [[], []]);
    assertEquals(stepsIn(await diff(call, webFleet(4, "2"))), []);
  }));

Deno.test("the same apply asked again under its key gives the same answers", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const headers = { "idempotency-key": "once" };
    const send = async () =>
      applied((await call("POST /api/fleet/apply", { body: webFleet(2), headers })).text);
    assertEquals((await send()).end.summary.done, 2);
    assertEquals((await send()).end.summary.done, 0);
  }));

Deno.test("only so many applies go on at once", () =>
  withApi(async ({ call, app }) => {
    const request = new Request("http://localhost/api/fleet/apply", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(webFleet(1)),
    });
    const going = await app.fetch(request);
    assertProblem(await call("POST /api/fleet/apply", { body: webFleet(1) }), 429, "busy");
    await going.body!.cancel();
    const [{ id }] = (await diff(call, webFleet(1))).items;
    await until("its start was asked for", async () =>
      (await call(`GET /api/server/instances/${id}`)).json.desired === "running");
    await call(`POST /api/server/instances/${id}/stop`);
    await until(
      "the first has let go",
      async () =>
        (await call("POST /api/fleet/apply?timeout=1ms", { body: webFleet(1) })).status === 200,
    );
  }, { limits: { fleetAppliesMax: 1 } }));

Deno.test("an apply says that it lives while nothing happens", () =>
  withApi(async ({ call }) => {
    const { lines } = await apply(call, webFleet(1), "timeout=100ms");
    assert(lines.filter(({ type }) => type === "heartbeat").length > 1);
    const { problem } = lines.find(({ type }) => type === "ended");
    assertEquals(problem.code, "no_worker");
    assertStringIncludes(problem.hint, "GET /api/workers");
  }, { limits: { heartbeatMs: 10 } }));
