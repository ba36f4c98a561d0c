/** A watcher of the fleet: what it says of breaks, gaps and refusals, and where it goes on after them. */
import { assert, assertEquals } from "@std/assert";
import { hostIds } from "../../adapters/host/host_chance.ts";
import type { Availability, FleetNews } from "../../http/client/fleet_port.ts";
import { watchFleet } from "../../http/client/fleet_watch.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";

const TOKEN = "a-token-nobody-must-see";

/** Messages of a stream; it stays open where nothing ends it. */
const open = (...messages: readonly string[]) =>
  new Response(
    new ReadableStream({
      start: (controller) => {
        for (const text of messages) controller.enqueue(new TextEncoder().encode(text));
      },
    }),
  );
const ended = (...messages: readonly string[]) => new Response(messages.join(""));
const message = (event: string, id: string, data: Record<string, unknown> = {}) =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const connected = (at: string) => message("connected", at, { position: at });
const happened = (at: string) => message("StartRequested", at, { position: at });
const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ code, detail: `It is ${code}.`, retryable: false }), { status });

/** A watcher whose server answers with `answers`, one after the other, and refuses connections after them. */
function watching(answers: readonly Response[]) {
  const asked: string[] = [];
  const told: string[] = [];
  const states: Availability[] = [];
  const clock = new ManualClock(0);
  const waiting = [...answers];
  const watch = watchFleet({
    url: "http://127.0.0.1:4700",
    token: TOKEN,
    fetch: ({ url, headers }) => {
      asked.push(headers.get("last-event-id") ?? new URL(url).search);
      const answer = waiting.shift();
      if (answer === undefined) throw new TypeError("client error (Connect): refused");
      return answer;
    },
    clock,
    ids: hostIds,
    randomness: { fraction: () => 0 },
  }, (news: FleetNews) => {
    if (news.kind === "event") told.push(news.event.position);
    else if (news.kind === "gap") told.push(`gap ${news.code}`);
    else states.push(news.availability);
  });
  const kinds = () => states.map(({ kind }) => kind);
  return { watch, asked, told, states, kinds, clock };
}

Deno.test("it goes on after the last event however often and long nobody answers, and says since when", async () => {
  const { watch, asked, told, kinds, states, clock } = watching([
    ended(connected("4-0"), happened("5-0")),
  ]);
  await settled();
  assertEquals([kinds(), told], [["live", "reconnecting"], ["5-0"]]);
  await clock.advance(600_000);
  assert(asked.length > 100, `${asked.length} attempts in ten minutes`);
  assert(asked.slice(1).every((after) => after === "5-0"), "each after the last event");
  const { availability } = watch;
  assert(availability.kind === "reconnecting" && states.length <= 3, "each reason is told once");
  assertEquals(availability.since, 0, "since it was lost, not since the last attempt");
  watch.close();
});

Deno.test("a stream that is not opened yet is no lost one", async () => {
  const { watch, kinds, clock } = watching([]);
  await settled();
  assertEquals(watch.availability.kind, "connecting");
  await clock.advance(60_000);
  assertEquals(kinds(), ["connecting"], "with why");
  watch.close();
});

Deno.test("a log that was put back is told as a gap, and followed from where it was put", async () => {
  const gap = message("gap", "2-0", { code: "HISTORY_ROLLBACK", detail: "It was put back." });
  const { watch, asked, told, clock } = watching([
    ended(connected("4-0"), happened("5-0"), gap),
    open(connected("2-0"), happened("3-0")),
  ]);
  await settled();
  await clock.advance(5_000);
  assertEquals(told, ["5-0", "gap HISTORY_ROLLBACK", "3-0"]);
  assertEquals(asked, ["?after=now", "2-0"]);
  watch.close();
});

Deno.test("where the log was cut beyond what was read, that is told as a gap, and it goes on from now", async () => {
  const { watch, asked, told, clock } = watching([
    ended(connected("4-0"), happened("5-0")),
    problem(410, "log_truncated"),
    open(connected("9-0")),
  ]);
  await settled();
  await clock.advance(1_000);
  assertEquals([asked, told], [["?after=now", "5-0", "?after=now"], ["5-0", "gap log_truncated"]]);
  assertEquals(watch.availability.kind, "live");
  watch.close();
});

Deno.test("who is refused asks again later, as the token may be set right, and shows it nowhere", async () => {
  const { watch, asked, states, clock } = watching([
    problem(401, "unauthorized"),
    problem(401, "unauthorized"),
    open(connected("1-0")),
  ]);
  await settled();
  const [state] = states;
  assert(state?.kind === "connecting" && state.error?.code === "unauthorized");
  assert(!JSON.stringify(states).includes(TOKEN) && !String(state.error).includes(TOKEN));
  await clock.advance(4_000);
  assertEquals(asked.length, 1, "not at once");
  await clock.advance(7_000);
  assertEquals([asked.length, watch.availability.kind], [3, "live"]);
  watch.close();
});

Deno.test("a node that cannot tell the rest is asked again where it ended, later", async () => {
  const error = message("error", "5-0", {
    code: "log_from_newer_version",
    detail: "This node only reads.",
    retryable: false,
  });
  const { watch, asked, kinds, clock } = watching([
    ended(connected("4-0"), happened("5-0"), error),
    open(connected("5-0"), happened("6-0")),
  ]);
  await settled();
  await clock.advance(5_000);
  assertEquals(asked, ["?after=now", "?after=5-0"]);
  assertEquals(kinds(), ["live", "reconnecting", "live"]);
  watch.close();
});

Deno.test("what is no message of DRaaS is not taken for one", async () => {
  const { watch, told, clock } = watching([ended("id: 1-0\nevent: connected\ndata: hello\n\n")]);
  await settled();
  const { availability } = watch;
  assert(availability.kind === "connecting" && availability.error?.code === "unexpected_answer");
  await clock.advance(1_000);
  assertEquals(told, []);
  watch.close();
});

Deno.test("a closed watcher asks nothing more and tells nothing more", async () => {
  const { watch, asked, kinds, clock } = watching([ended(connected("4-0"))]);
  await settled();
  watch.close();
  await clock.advance(600_000);
  assertEquals([asked.length, kinds()], [1, ["live", "reconnecting"]]);
});
