/** Who leads: one node at a time, another when it dies or cannot renew, and nothing is done twice. Design §3. */
import { assert, assertEquals } from "@std/assert";
import { LeadershipLoop } from "../../actors/leadership_loop.ts";
import { OperationalError } from "../../events/errors.ts";
import { statusOf } from "../../machines/status.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { withNodes } from "./nodes_world.ts";

const LEASE_MS = 10_000;
const POLL_MS = LEASE_MS / 3;

Deno.test("the first node leads; when it dies the other leads within a lease and one second, and pays what is owed", () =>
  withNodes(async (world) => {
    const first = await world.node("first");
    const second = await world.node("second");
    assert(first.system.fence !== null && second.system.fence === null, "one of them leads");
    const id = await first.create();
    await second.ask(id, { type: "start" }, { wait: false });
    await world.clock.advance(60_000);
    assert(first.system.fence !== null && second.system.fence === null, "it was renewed");
    const token = first.system.fence!;
    first.die();
    await world.clock.advance(LEASE_MS + 1_001);
    assert(
      second.system.fence !== null && second.system.fence > token,
      "the other has a newer token",
    );
    // The command of nobody's wait is over after the queue's limit: only a leader ends it, and once.
    await world.clock.advance(600_000);
    assertEquals(statusOf((await second.system.get(id))!), "Created");
    const expired = (await second.system.history(id, 100)).filter((event) =>
      event.type === "CommandExpired"
    );
    assertEquals(expired.length, 1);
  }));

Deno.test("a node that lost the lead and has it again pays what is owed, as if it had led all along", () =>
  withNodes(async (world) => {
    let isCut = false;
    const node = await world.node("node", {
      leadership: {
        acquire: (nodeId, ttlMs) =>
          isCut
            ? Promise.reject(new OperationalError("log_unavailable", "No.", true, "Wait."))
            : world.broker.leadership.acquire(nodeId, ttlMs),
        release: (nodeId) => world.broker.leadership.release(nodeId),
      },
    });
    const id = await node.create();
    const asked = node.ask(id, { type: "start" }, { timeoutMs: 40_000 });
    await settled();
    isCut = true;
    await world.clock.advance(20_000);
    assertEquals(node.system.fence, null);
    isCut = false;
    await world.clock.advance(21_000);
    assert(node.system.fence !== null, "it leads again");
    const outcome = await asked;
    assertEquals(outcome.kind === "failed" && outcome.failure.code, "workers_unreachable");
  }));

Deno.test("a node that shuts down hands the lead over at once", () =>
  withNodes(async (world) => {
    const first = await world.node("first");
    const second = await world.node("second");
    await first.system.shutdown();
    await world.clock.advance(1_001);
    assert(second.system.fence !== null, "it need not wait for the lease to lapse");
  }));

Deno.test("at no moment do two nodes lead, whoever cannot renew", () =>
  withNodes(async (world) => {
    const isCut = { first: false, second: false };
    const nodes = [];
    for (const name of ["first", "second"] as const) {
      nodes.push(
        await world.node(name, {
          leadership: {
            acquire: (nodeId, ttlMs) =>
              isCut[name] ? new Promise(() => {}) : world.broker.leadership.acquire(nodeId, ttlMs),
            release: (nodeId) => world.broker.leadership.release(nodeId),
          },
        }),
      );
    }
    let changes = 0;
    let before: string | null = null;
    for (let ms = 0; ms < 60_000; ms += 100) {
      if (ms === 5_000) isCut.first = true;
      await world.clock.advance(100);
      const leading = nodes.map(({ system }) => system.fence !== null);
      assert(!(leading[0] && leading[1]), `both lead after ${ms} ms`);
      const now = leading[0] ? "first" : leading[1] ? "second" : null;
      if (now !== null && now !== before) changes++;
      before = now ?? before;
    }
    assertEquals([changes, before], [2, "second"]);
  }));

function loopOver(acquire: () => Promise<number | null>) {
  const clock = new ManualClock();
  const story: string[] = [];
  const loop = new LeadershipLoop({
    leadership: { acquire, release: () => Promise.resolve() },
    clock,
    nodeId: "n",
    leaseMs: LEASE_MS,
    lead: (fence) => story.push(`leads with ${fence} at ${clock.monotonic()}`),
    stop: () => story.push(`stops at ${clock.monotonic()}`),
    onBug: (error) => {
      throw error;
    },
  });
  return { clock, story, loop };
}

Deno.test("a lease that is not renewed is given up before it lapses, and a new one is led with its own token", async () => {
  let answer: () => Promise<number | null> = () => Promise.resolve(1);
  const { clock, story, loop } = loopOver(() => answer());
  await loop.begin();
  answer = () => new Promise(() => {});
  await clock.advance(LEASE_MS);
  assertEquals([story, loop.fence], [["leads with 1 at 0", "stops at 9000"], null]);
});

Deno.test("a process that was frozen beyond its lease has no token, before it hears a single timer", async () => {
  const { clock, loop } = loopOver(() => Promise.resolve(1));
  await loop.begin();
  assertEquals(loop.fence, 1);
  const frozenAt = clock.monotonic();
  clock.monotonic = () => frozenAt + LEASE_MS;
  assertEquals(loop.fence, null);
});

Deno.test("a new token is a new leadership: what was begun with the old one is stopped first", async () => {
  let token = 1;
  const { clock, story, loop } = loopOver(() => Promise.resolve(token));
  await loop.begin();
  token = 2;
  await clock.advance(POLL_MS + 1);
  const at = Math.ceil(POLL_MS * 1_000) / 1_000;
  assertEquals(story.map((line) => line.split(" at ")[0]), [
    "leads with 1",
    "stops",
    "leads with 2",
  ]);
  assert(at > 0 && loop.fence === 2);
});

Deno.test("an answer that comes after its lease is over is not led with", async () => {
  let resolve!: (token: number) => void;
  const { clock, story, loop } = loopOver(() => new Promise((done) => resolve = done));
  void loop.begin();
  await clock.advance(LEASE_MS);
  resolve(1);
  await settled();
  assertEquals([story, loop.fence], [[], null]);
});

Deno.test("a paused loop neither leads nor asks; begun again, it does", async () => {
  let asked = 0;
  const { clock, story, loop } = loopOver(() => Promise.resolve(++asked > 0 ? 7 : null));
  await loop.begin();
  loop.pause();
  const before = asked;
  await clock.advance(3 * LEASE_MS);
  assertEquals([asked, loop.fence], [before, null]);
  await loop.begin();
  assertEquals([story.at(-1)?.split(" at ")[0], loop.fence], ["leads with 7", 7]);
});
