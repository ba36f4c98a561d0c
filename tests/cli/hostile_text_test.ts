/** What a server says of itself reaches the terminal as text alone, wherever it is shown: nothing moves the cursor. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { instanceDetails } from "../../cli/output/instance_details.ts";
import { logLineText } from "../../cli/output/log_text.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { beginDraas, scriptedApp } from "./support/cli_world.ts";

const EVIL = "x\u001b[2Jy";
const TAME = "x [2Jy";
const event = { position: EVIL, instanceId: EVIL, type: "A", at: "", data: {} };

Deno.test("ids, names, positions and releases are made printable where they are data for other commands", async () => {
  const calls: [string, unknown[]][] = [
    ["list -o name", [{ items: [{ id: EVIL, name: "web" }] }]],
    ["workers -o name", [{ items: [{ id: EVIL }] }]],
    ["version -o name", [{ version: EVIL }]],
    ["create web", [{ id: EVIL, name: EVIL }]],
    ["drain worker -o name", [{ items: [{ id: `worker${EVIL}` }] }, { id: "w" }]],
    ["start web", [{ items: [{ id: EVIL, name: "web" }] }, { position: "1-0" }]],
    ["start web --no-wait", [
      { items: [{ id: EVIL, name: "web" }] },
      Response.json({ position: "1-0" }, { status: 202 }),
    ]],
    ["events web -o name", [{ id: "web", name: "web" }, { items: [event], position: "1-0" }]],
  ];
  for (const [line, answers] of calls) {
    const app = scriptedApp([
      ...(line.startsWith("start") ? [notFound()] : []),
      ...answers.map((one) => one instanceof Response ? one : Response.json(one)),
    ]);
    const { code, stdout, stderr } = await beginDraas(app, line.split(" ")).ended;
    assertEquals([code, stderr], [0, ""], line);
    assertStringIncludes(stdout, TAME);
    assert(!stdout.includes("\u001b"), JSON.stringify(stdout));
  }
});

Deno.test("what is told of the past, of revisions, of waits and of what is wrong is made printable", async () => {
  const known = { id: "web", name: EVIL, labels: {} };
  const step = { at: EVIL, kind: EVIL, text: EVIL, version: 1 };
  const why = { id: "web", status: EVIL, summary: EVIL, steps: [step], next: [step] };
  const past = { ...known, at: EVIL, event: { type: EVIL, requestedBy: EVIL, version: 1 } };
  const revision = { revision: 1, at: EVIL, by: EVIL };
  const ready = {
    ready: false,
    reasons: [EVIL],
    position: EVIL,
    incidents: [{ code: EVIL, at: EVIL }],
  };
  const worker = { id: EVIL, platform: EVIL, silent: true, version: EVIL };
  const calls: [string, unknown[]][] = [
    ["why web", [known, why]],
    ["why web -o wide", [known, why]],
    ["at web --version 1", [known, { ...past, status: EVIL, desired: EVIL, health: EVIL }]],
    ["revisions web", [known, { id: "web", items: [revision] }, { id: "web" }]],
    ["revisions web -o name", [known, { id: "web", items: [{ revision: EVIL }] }, { id: "web" }]],
    ["rollback web --to 1", [known, { id: "web", revision: EVIL, changed: true }]],
    ["wait web", [known, { outcome: "reached", reason: EVIL, instance: { status: EVIL } }]],
    ["top", [{ items: [{ ...known, status: EVIL, health: EVIL, restarts: 0 }], position: "" }]],
    ["doctor", [
      { version: EVIL },
      ready,
      { items: [worker] },
      notFound(),
      { items: [{ ...known, status: "Failed", platform: EVIL }], position: "" },
    ]],
  ];
  for (const [line, answers] of calls) {
    const told = answers.map((one) => one instanceof Response ? one : Response.json(one));
    const { stdout, stderr } = await beginDraas(scriptedApp(told), line.split(" ")).ended;
    assert(stdout.includes(TAME), `${line}: ${stdout}${stderr}`);
    assert(!`${stdout}${stderr}`.includes("\u001b"), JSON.stringify([line, stdout, stderr]));
  }
});

Deno.test("a configuration is shown on a terminal without what some of them obey", async () => {
  const answers = [{ id: "web", name: "web" }, {
    id: "web",
    revision: 1,
    configuration: { text: "\u009b2J" },
  }].map((one) => Response.json(one));
  const line = "revisions web --show 1".split(" ");
  const { stdout } = await beginDraas(scriptedApp(answers), line, { isTerminal: true }).ended;
  assertEquals(stdout, '{\n  "text": " 2J"\n}\n');
});

Deno.test("the positions of events that are followed are made printable", async () => {
  const app = scriptedApp([
    Response.json({ id: "web", name: "web" }),
    Response.json({ items: [event], position: "1-0" }),
    notFound(),
  ]);
  const { stdout } = await beginDraas(app, "events web -f -o name".split(" ")).ended;
  assertEquals(stdout, `${TAME}\n`);
});

Deno.test("why a request is sent again is made printable", async () => {
  const busy = Response.json({ code: "busy", detail: EVIL, retryable: true }, {
    status: 503,
    headers: { "retry-after": "0" },
  });
  const { stderr } = await beginDraas(scriptedApp([busy, Response.json({ items: [] })]), [
    "workers",
  ])
    .ended;
  assertStringIncludes(stderr, `${TAME} Trying again …`);
});

Deno.test("a state that no control plane of ours has, and the time of a line, are made printable", () => {
  const instance = {
    id: "i-1",
    name: "web",
    labels: {},
    status: EVIL,
    desired: EVIL,
    health: EVIL,
  };
  const text = instanceDetails(instance as unknown as InstanceAnswer, 0);
  assertStringIncludes(text, `${TAME}, wanted ${TAME}`);
  assert(!text.includes("\u001b"), JSON.stringify(text));
  const style = { isTerminal: true, hasColours: true, withTimes: true, name: "" };
  assertEquals(logLineText({ stream: "stdout", at: EVIL, text: "a" }, style), `${TAME} a\n`);
});

Deno.test("a shell is told no id that it would take apart", async () => {
  for (const [command, name] of [["drain", ""], ["start", "two words"]] as const) {
    const app = scriptedApp([Response.json({ items: [{ id: EVIL, name }, { id: "ok-1", name }] })]);
    const { stdout } = await beginDraas(app, ["__complete", "--", command, ""]).ended;
    assertEquals(stdout, "ok-1\n");
  }
});

function notFound(): Response {
  return Response.json({ code: "not_found", detail: "" }, { status: 404 });
}
