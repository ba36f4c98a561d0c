/** Where a client of the event stream has come to: the same place in the same log, a gap in any other, and what is filtered. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { comparePositions, type RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import { eventId, readEventId } from "../../http/event_id.ts";
import { faultLines, type Fetching } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { EventReader } from "./support/event_reader.ts";
import { recorded, scriptedSystem } from "./support/scripted_system.ts";

async function open(app: Fetching, query = "", headers: Record<string, string> = {}) {
  return new EventReader(
    await app.fetch(new Request(`http://localhost/api/events${query}`, { headers })),
  );
}

function eventsOf(count: number, instanceId = "i-1"): RecordedEvent[] {
  const answered = newEvent("RequestAnswered", { request: "stop", commandId: null });
  return recorded(Array.from({ length: count }, () => answered), instanceId);
}

/** An API over a log of these events; what lies before `cutBefore` is cut. */
function over(events: readonly RecordedEvent[], cutBefore = "0-0") {
  return createHttpApp(apiOptions(scriptedSystem(null, {
    position: events.at(-1)?.position ?? "0-0",
    read(after, limit) {
      const hint = `Read from ${cutBefore}.`;
      return comparePositions(after, cutBefore) < 0
        ? Promise.reject(new OperationalError("log_truncated", "It was cut.", false, hint))
        : Promise.resolve(
          events.filter(({ position }) => comparePositions(position, after) > 0).slice(0, limit),
        );
    },
  })));
}

Deno.test("an id says an epoch and a position; a bare position is one too, and nothing else", () => {
  const [event] = eventsOf(1);
  assertMatch(eventId(event!), /^[0-9a-f]{8}:1-0$/);
  assertEquals(readEventId("00ff00ff:12-0"), { epoch: "00ff00ff", position: "12-0" });
  assertEquals(readEventId("12-0"), { epoch: null, position: "12-0" });
  for (const text of ["", "now", "1", "xyz:1-0", "00ff00ff:", "00ff00ff:1-0 ", "00FF00FF:1-0"]) {
    assertEquals(readEventId(text), null, text);
  }
});

Deno.test("a client goes on after its last id in the log that it is from", async () => {
  const events = eventsOf(5);
  const reader = await open(over(events), "", { "last-event-id": eventId(events[2]!) });
  const [connected, ...rest] = await reader.take(3);
  assertEquals([connected!.event, connected!.id], ["connected", eventId(events[2]!)]);
  assertEquals(rest.map(({ data }) => data.version), [4, 5]);
  await reader.close();
});

Deno.test("in another log, one that was put back, or one that is shorter, it is told of a gap, and where to go on", async () => {
  const events = eventsOf(5);
  const id = eventId(events[3]!);
  const others = eventsOf(9, "i-2");
  for (const [what, log] of [["another", others], ["shorter", events.slice(0, 2)]] as const) {
    const head = log.at(-1)!.position;
    const reader = await open(over(log), "?after=0-0", { "last-event-id": id });
    const [gap] = await reader.take(1);
    assertEquals([gap!.event, gap!.id, gap!.data.code], ["gap", head, "HISTORY_ROLLBACK"], what);
    assertEquals(await reader.next(), null);
    const next = await open(over(log), "?after=0-0", { "last-event-id": gap!.id });
    assertEquals((await next.take(1))[0]!.event, "connected");
    await next.close();
  }
  const ahead = await open(over(events), "?after=99-0");
  assertEquals((await ahead.take(1))[0]!.event, "gap");
  const between = await open(over(events.filter(({ version }) => version !== 3)), "?after=3-0");
  assertEquals((await between.take(2)).map(({ data }) => data.version), [undefined, 4]);
  await between.close();
});

Deno.test("the last event that was cut is a place all the same: nothing after it is missing", async () => {
  const events = eventsOf(6);
  const app = over(events.slice(3), "3-0");
  const reader = await open(app, "", { "last-event-id": eventId(events[2]!) });
  assertEquals((await reader.take(2))[1]!.data.version, 4);
  await reader.close();
});

Deno.test("a stream tells of some instances or types alone, and its heart-beats how far it has come", () =>
  withApi(async ({ app, call, create }) => {
    const [one, two] = [await create(), await create()];
    const reader = await open(app, `?after=0-0&instance=${one}`);
    await call(`PATCH /api/server/instances/${two}`, { body: { description: "x" } });
    await call(`DELETE /api/server/instances/${one}`);
    const told = (await reader.take(3)).slice(1);
    assertEquals(told.map(({ event, data }) => [event, data.instanceId]), [
      ["InstanceCreated", one],
      ["DeleteRequested", one],
    ]);
    await call(`PATCH /api/server/instances/${two}`, { body: { description: "y" } });
    const position = await reader.nextHeartbeatId();
    assertEquals(position.split(":")[1], (await call("GET /api/workers")).json.position);
    await reader.close();
    const types = await open(app, "?after=0-0&type=InstanceCreated,DeleteRequested");
    const names = (await types.take(4)).slice(1).map(({ event }) => event);
    assertEquals(names, ["InstanceCreated", "InstanceCreated", "DeleteRequested"]);
    await types.close();
  }, { limits: { heartbeatMs: 20 } }));

Deno.test("a stream by label tells of those that have it, their end too", () =>
  withApi(async ({ app, call, create }) => {
    const one = await create({ labels: { team: "a" } });
    const two = await create({ labels: { team: "b" } });
    await call(`DELETE /api/server/instances/${one}`);
    const reader = await open(app, "?after=0-0&label=team%3Da");
    const told = (await reader.take(3)).slice(1);
    assertEquals(told.map(({ event, data }) => [event, data.instanceId]), [
      ["InstanceCreated", one],
      ["DeleteRequested", one],
    ]);
    const three = await create({ labels: { team: "a" } });
    await call(`DELETE /api/server/instances/${two}`);
    assertEquals((await reader.take(1))[0]!.data.instanceId, three);
    await reader.close();
  }));

Deno.test("filters that are not understood are told with every fault", () =>
  withApi(async ({ call }) => {
    const faults = faultLines(await call("GET /api/events?instance=-&type=Nothing&label=&after=x"));
    assertEquals(faults.map((fault) => fault.slice(0, fault.indexOf(":"))).toSorted(), [
      "?after",
      "?instance",
      "?label",
      "?type",
    ]);
    const answer = await call("GET /api/events", { headers: { "last-event-id": "x" } });
    assertMatch(faultLines(answer)[0]!, /^Last-Event-ID: must be a position/);
  }));

Deno.test("who asks for lines of JSON gets the same messages, one a line", () =>
  withApi(async ({ app, create }) => {
    const id = await create();
    const response = await app.fetch(
      new Request("http://localhost/api/events?after=0-0", {
        headers: { accept: "application/x-ndjson" },
      }),
    );
    assertEquals(response.headers.get("content-type"), "application/x-ndjson");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("heartbeat")) text += (await reader.read()).value;
    await reader.cancel();
    const [connected, created, heartbeat] = text.trimEnd().split("\n").map((one) =>
      JSON.parse(one)
    );
    assertEquals([connected.event, connected.id], ["connected", "0-0"]);
    assertEquals([created.event, created.data.instanceId], ["InstanceCreated", id]);
    assert(created.id.endsWith(`:${created.data.position}`));
    assertEquals(heartbeat, { event: "heartbeat", data: {} });
  }, { limits: { heartbeatMs: 20 } }));
