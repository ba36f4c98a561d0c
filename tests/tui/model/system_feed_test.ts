/** What the shell makes of the fleet's news: a list first, each change read once, and nothing brought back that went. */
import { assertEquals } from "@std/assert";
import { type Clock } from "../../../events/clock.ts";
import { OperationalError } from "../../../events/errors.ts";
import type { EventAnswer, InstanceAnswer } from "../../../http/client/answers.ts";
import type { FleetNews, FleetPort } from "../../../http/client/fleet_port.ts";
import type { SystemAction } from "../../../tui/model/action.ts";
import { joined } from "../../../tui/shell/store.ts";
import { openFeed } from "../../../tui/shell/system_feed.ts";
import { answerOf } from "../support/fleet_models.ts";

Deno.test("once it is heard the fleet is listed, and what is told meanwhile is read after that", () =>
  withFeed(async ({ tell, posted, list, turn }) => {
    tell(LIVE);
    await turn();
    tell(event("a"));
    tell(event("a"));
    await turn();
    assertEquals(posted(), ["availability", "events", "events"], "the list is still to come");
    list.answer([answerOf("a"), answerOf("b")]);
    await turn();
    assertEquals(posted(), ["listed", "changed a"]);
  }));

Deno.test("an instance that was told of many times is read once more, not as often", () =>
  withFeed(async ({ tell, posted, list, reads, turn }) => {
    tell(LIVE);
    await turn();
    list.answer([answerOf("a")]);
    await turn();
    posted();
    for (let at = 0; at < 50; at++) tell(event("a"));
    await turn();
    assertEquals(posted().filter((one) => one.startsWith("changed")), ["changed a", "changed a"]);
    assertEquals(reads(), 2, "at the first event, and after the others");
  }));

Deno.test("one that was deleted is gone, also when it was on the list", () =>
  withFeed(async ({ tell, posted, list, remove, turn }) => {
    tell(LIVE);
    await turn();
    remove("a");
    tell(event("a"));
    list.answer([answerOf("a"), answerOf("b")]);
    await turn();
    assertEquals(posted(), ["availability", "events", "listed", "gone a"]);
  }));

Deno.test("a gap is told, and the fleet is listed anew", () =>
  withFeed(async ({ tell, posted, list, turn }) => {
    tell(LIVE);
    await turn();
    list.answer([]);
    await turn();
    tell({ kind: "gap", code: "log_truncated", detail: "" });
    await turn();
    list.answer([]);
    await turn();
    assertEquals(posted(), ["availability", "listed", "gap", "listed"]);
  }));

Deno.test("what comes of one kind in a row is one action, of an instance only the last", () => {
  const items = [1, 2, 3].map((version) => answerOf("a", { version }));
  const actions: SystemAction[] = [
    { type: "events", events: [EVENT] },
    { type: "changed", items: [items[0]!] },
    { type: "events", events: [EVENT] },
    { type: "changed", items: [items[1]!] },
    { type: "gone", instanceId: "b" },
    { type: "changed", items: [items[2]!] },
  ];
  assertEquals(joined(actions), [
    { type: "events", events: [EVENT, EVENT] },
    { type: "changed", items: [items[1]] },
    { type: "gone", instanceId: "b" },
    { type: "changed", items: [items[2]] },
  ]);
});

const LIVE: FleetNews = { kind: "availability", availability: { kind: "live", since: 0 } };
const EVENT: EventAnswer = {
  position: "1-0",
  instanceId: "a",
  version: 1,
  type: "StartRequested",
  at: "",
  data: {},
};
const event = (instanceId: string): FleetNews => ({
  kind: "event",
  event: { ...EVENT, instanceId },
});

interface Feed {
  tell(news: FleetNews): void;
  /** What came since the last look, without ticks. */
  posted(): string[];
  list: { answer(items: InstanceAnswer[]): void };
  reads(): number;
  remove(id: string): void;
  /** Everything that can happen now has happened. */
  turn(): Promise<void>;
}

async function withFeed(test: (feed: Feed) => Promise<void>): Promise<void> {
  let hear: (news: FleetNews) => void = () => {};
  let actions: SystemAction[] = [];
  let answer: (items: InstanceAnswer[]) => void = () => {};
  const removed = new Set<string>();
  let reads = 0;
  const fleet = {
    watch: (listener: typeof hear) => {
      hear = listener;
      return { availability: { kind: "connecting", since: 0, error: null }, close: () => {} };
    },
    instances: {
      list: () =>
        new Promise((resolve) =>
          answer = (items) => resolve({ items, position: "1-0", isStale: false })
        ),
      get: async (id: string) => {
        reads++;
        if (removed.has(id)) throw new OperationalError("deleted", "It was deleted.", false, "");
        return answerOf(id);
      },
    },
  } as unknown as FleetPort;
  const ending = new AbortController();
  const post = (action: SystemAction) => void actions.push(action);
  openFeed({ fleet, clock: STILL, post }, ending.signal);
  await test({
    tell: (news) => hear(news),
    posted: () => actions.splice(0).filter(({ type }) => type !== "tick").map(nameOf),
    list: { answer: (items) => answer(items) },
    reads: () => reads,
    remove: (id) => void removed.add(id),
    turn: async () => {
      for (let at = 0; at < 20; at++) await Promise.resolve();
    },
  });
  ending.abort();
  actions = [];
}

/** Time does not pass. */
const STILL: Clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };

function nameOf(action: SystemAction): string {
  if (action.type === "changed") return `changed ${action.items.map(({ id }) => id).join()}`;
  return action.type === "gone" ? `gone ${action.instanceId}` : action.type;
}
