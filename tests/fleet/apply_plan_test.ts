/** Carrying a plan out, over a model of the fleet whose order of events is drawn: bounds, failures, what is done twice. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { setImmediate } from "node:timers";
import type { AskOutcome } from "../../actors/system_port.ts";
import type { Clock } from "../../events/clock.ts";
import { type ApplyEnd, applyPlan, type ApplyProgress } from "../../fleet/apply_plan.ts";
import { isAvailable } from "../../fleet/entry_plan.ts";
import type { Share } from "../../fleet/fleet_file.ts";
import { type FleetPlan, isToServe, planFleet } from "../../fleet/fleet_plan.ts";
import { type FleetWish, readFleetFile } from "../../fleet/fleet_wish.ts";
import type { FleetHands } from "../../fleet/instance_work.ts";
import { budgetsOf, countOf } from "../../fleet/rollout.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { OneInstance } from "./support/one_instance.ts";

/** A fleet in which whatever is asked for takes until `turn` lets one of it end. */
class ModelFleet {
  readonly instances = new Map<string, OneInstance>();
  /** Most that were in work, and most that did not serve of those that `watch` names. */
  mostAtOnce = 0;
  mostAway = 0;
  watched: readonly string[] = [];
  /** Requests that fail. */
  failsAt: (id: string, request: InstanceRequest) => boolean = () => false;
  private readonly waiting: (() => void)[] = [];
  private inWork = 0;

  readonly hands: FleetHands = {
    look: (id) => Promise.resolve(this.instances.get(id)?.state),
    settled: () => Promise.resolve(),
    ask: (id, request, ifMatch) => this.ask(id, request, ifMatch),
  };

  of(id: string): OneInstance {
    const known = this.instances.get(id) ?? new OneInstance(id);
    this.instances.set(id, known);
    return known;
  }

  /** Plans by names, which are ids here. */
  plan(wish: FleetWish, prune = false): FleetPlan {
    const found = wish.instances.map(({ name }) => ({
      id: name,
      state: this.instances.get(name)?.found ?? null,
      predecessor: null,
    }));
    const labelled = [...this.instances.values()].flatMap(({ found }) =>
      found && found.value.pending !== "deleted" ? [{ state: found, isProven: true }] : []
    );
    return planFleet(wish, { found, labelled }, prune);
  }

  /** Lets one of what is in work end; false: nothing is. */
  turn(choice: number): boolean {
    const [end] = this.waiting.splice(choice % Math.max(1, this.waiting.length), 1);
    end?.();
    return end !== undefined;
  }

  private async ask(
    id: string,
    request: InstanceRequest,
    ifMatch: number | undefined,
  ): Promise<AskOutcome> {
    this.inWork++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.inWork);
    const instance = this.of(id);
    const decision = instance.ask(request, ifMatch);
    this.count();
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    const fails = this.failsAt(id, request);
    instance.work(!fails);
    this.count();
    this.inWork--;
    const { state } = instance;
    if (decision.kind === "rejected") {
      return { kind: "rejected", rejection: decision.rejection, state };
    }
    const { position } = state.context;
    return fails
      ? {
        kind: "failed",
        failure: { code: "no", message: "no", retryable: true },
        state,
        position,
      }
      : { kind: "done", changed: true, state, position, event: null };
  }

  private count(): void {
    const away = this.watched.filter((id) => !isAvailable(this.instances.get(id)?.state)).length;
    this.mostAway = Math.max(this.mostAway, away);
  }
}

/** Time that passes only when nothing else can happen. */
class ModelClock implements Clock {
  private at = 0;
  private timers: { due: number; run: () => void }[] = [];
  now = () => this.at;
  monotonic = () => this.at;

  after(delayMs: number, run: () => void): () => void {
    const timer = { due: this.at + delayMs, run };
    this.timers.push(timer);
    return () => this.timers = this.timers.filter((one) => one !== timer);
  }

  pass(): boolean {
    const [next] = this.timers.sort((a, b) => a.due - b.due);
    if (!next) return false;
    this.timers.shift();
    this.at = next.due;
    next.run();
    return true;
  }
}

interface Ways {
  parallel?: number;
  keepGoing?: boolean;
  maxUnavailable?: Share;
  prune?: boolean;
  order?: readonly number[];
  leaving?: AbortSignal;
}

interface Run {
  end: ApplyEnd;
  told: string[];
  plan: FleetPlan;
}

async function apply(fleet: ModelFleet, wish: FleetWish, ways: Ways = {}): Promise<Run> {
  const { parallel = 8, keepGoing = false, prune = false, order = [0] } = ways;
  const plan = fleet.plan(wish, prune);
  const clock = new ModelClock();
  const told: string[] = [];
  const tell = (progress: ApplyProgress) => {
    if (progress.kind === "ended") told.push(`${progress.item.name} ${progress.end.kind}`);
  };
  let isOver = false;
  const running = applyPlan(plan, {
    hands: fleet.hands,
    clock,
    rules: {
      parallel,
      keepGoing,
      budgets: budgetsOf(plan.items, wish, ways.maxUnavailable),
      patienceMs: 1_000,
    },
    tell,
    leaving: ways.leaving ?? new AbortController().signal,
    onBug: (error) => {
      throw error;
    },
  }).finally(() => isOver = true);
  for (let at = 0; !isOver && at < 100_000; at++) {
    await pause();
    if (!isOver && !fleet.turn(order[at % order.length]!)) clock.pass();
  }
  return { end: await running, told, plan };
}

/** Until all that can go on by itself has. */
function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function wishOf(release: string, count: number, more: Record<string, unknown> = {}): FleetWish {
  const parsed = readFleetFile({
    fleet: "shop",
    instances: {
      web: {
        template: "command",
        serverConfiguration: { command: ["server"], env: { RELEASE: release } },
        count,
      },
    },
    ...more,
  });
  assert(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

Deno.test("never more are down than allowed, never more in work than at once, and it ends with all of them changed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 6 }),
      fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom("1%", "34%", "100%")),
      fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 0, max: 3 }),
      async (count, parallel, maxUnavailable, order, grown) => {
        const fleet = new ModelFleet();
        assertEquals((await apply(fleet, wishOf("1", count), { order })).end, "done");
        fleet.watched = fleet.plan(wishOf("2", count)).items.filter(isToServe).map(({ id }) => id);
        assertEquals(fleet.watched.length, count);
        fleet.mostAtOnce = 0;
        const wish = wishOf("2", count + grown);
        const { end } = await apply(fleet, wish, { parallel, maxUnavailable, order });
        assertEquals(end, "done");
        assert(fleet.mostAway <= countOf(maxUnavailable, count), `${fleet.mostAway} were down`);
        assert(fleet.mostAtOnce <= parallel, `${fleet.mostAtOnce} were in work`);
        assert(fleet.plan(wish).items.every(({ action }) => action === "unchanged"));
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("entries that say how many of them may be down are held to that, beside the whole fleet", async () => {
  const fleet = new ModelFleet();
  const more = (release: string) => ({
    maxUnavailable: 3,
    instances: Object.fromEntries(["a", "b"].map((name) => [name, {
      template: "command",
      serverConfiguration: { command: [release] },
      count: 3,
      ...(name === "a" ? { maxUnavailable: 1 } : {}),
    }])),
  });
  await apply(fleet, wishOf("", 0, more("1")));
  fleet.watched = ["a-1", "a-2", "a-3"];
  await apply(fleet, wishOf("", 0, more("2")));
  assertEquals(fleet.mostAway, 1);
});

Deno.test("it stops at the first failure, leaves the rest as it was, and applied again it does the rest", async () => {
  const fleet = new ModelFleet();
  await apply(fleet, wishOf("1", 5));
  fleet.failsAt = (id, { type }) => id === "web-3" && type === "restart";
  const failed = await apply(fleet, wishOf("2", 5), { parallel: 1 });
  assertEquals([failed.end, failed.told], ["failed", [
    "web-1 done",
    "web-2 done",
    "web-3 failed",
    "web-4 skipped",
    "web-5 skipped",
  ]]);
  const untouched = fleet.of("web-4").state.context;
  assertEquals(untouched.revision, 1, "what was not begun is not even configured");
  fleet.failsAt = () => false;
  const again = await apply(fleet, wishOf("2", 5), { parallel: 1 });
  assertEquals([again.end, again.told], ["done", ["web-3 done", "web-4 done", "web-5 done"]]);
});

Deno.test("told to go on it goes on, but takes nothing more down than may be down", async () => {
  const fleet = new ModelFleet();
  await apply(fleet, wishOf("1", 6));
  fleet.watched = [1, 2, 3, 4, 5, 6].map((at) => `web-${at}`);
  fleet.failsAt = (_, { type }) => type === "restart";
  const { end, told } = await apply(fleet, wishOf("2", 6), { keepGoing: true, maxUnavailable: 2 });
  assertEquals(end, "failed");
  assertEquals(fleet.mostAway, 2, "a bad release takes down two, not six");
  assertEquals(told.filter((one) => one.endsWith("failed")).length, 6);
});

Deno.test("deletes come last, and not after a failure", async () => {
  const fleet = new ModelFleet();
  await apply(fleet, wishOf("1", 4));
  const smaller = wishOf("2", 2);
  fleet.failsAt = (id, { type }) => id === "web-2" && type === "restart";
  const failed = await apply(fleet, smaller, { prune: true });
  assertEquals(failed.told, ["web-1 done", "web-2 failed", "web-3 skipped", "web-4 skipped"]);
  fleet.failsAt = () => false;
  const again = await apply(fleet, smaller, { prune: true, parallel: 1 });
  assertEquals(again.told, ["web-2 done", "web-3 done", "web-4 done"]);
});

Deno.test("what somebody else has changed since it was planned is left as it is, and told", async () => {
  const fleet = new ModelFleet();
  await apply(fleet, wishOf("1", 2));
  const plan = fleet.plan(wishOf("2", 2));
  fleet.of("web-2").ask({ type: "configure", changes: { description: "mine" } });
  const told: string[] = [];
  const running = applyPlan(plan, {
    hands: fleet.hands,
    clock: new ModelClock(),
    rules: { parallel: 2, keepGoing: true, budgets: [], patienceMs: 0 },
    tell: (progress) => {
      if (progress.kind !== "ended") return;
      const { item, end } = progress;
      const code = end.kind === "failed" && "code" in end.failure ? end.failure.code : "";
      told.push(`${item.name} ${end.kind} ${code}`.trim());
    },
    leaving: new AbortController().signal,
    onBug: (error) => {
      throw error;
    },
  });
  for (let at = 0; at < 20; at++) {
    await pause();
    fleet.turn(0);
  }
  assertEquals(await running, "failed");
  assertEquals(told.sort(), ["web-1 done", "web-2 failed changed_meanwhile"]);
  assertEquals(fleet.of("web-2").state.context.revision, 1);
});

Deno.test("who leaves has begun what was begun, and nothing more", async () => {
  const fleet = new ModelFleet();
  const leaving = new AbortController();
  fleet.failsAt = () => {
    leaving.abort();
    return false;
  };
  const { end, told } = await apply(fleet, wishOf("1", 3), {
    parallel: 1,
    leaving: leaving.signal,
  });
  assertEquals([end, told], ["stopped", ["web-1 done", "web-2 skipped", "web-3 skipped"]]);
});

Deno.test("a percentage is rounded down, and is never less than one", () => {
  assertEquals(["10%", "50%", "100%", "1%"].map((one) => countOf(one, 5)), [1, 2, 5, 1]);
  assertEquals(countOf(7, 5), 7);
});
