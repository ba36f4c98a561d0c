/** What the leader does with what is owed when the fleet changes under it. Design §3. */
import { assertEquals } from "@std/assert";
import { Leader } from "../../actors/leader.ts";
import { OperationalError } from "../../events/errors.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import type { CommandBus } from "../../events/command_bus.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { History } from "../support/recorded.ts";
import { InstanceTable } from "../../actors/instance_table.ts";

Deno.test("what was owed to an instance that a rollback has lost is forgotten, and is no fault", async () => {
  const clock = new ManualClock();
  const table = new InstanceTable();
  const bugs: unknown[] = [];
  let fail!: () => void;
  const refused = new OperationalError("log_unavailable", "It is away.", true, "Wait.");
  const leader = new Leader({
    clock,
    ids: { next: (kind) => `${kind}-1` },
    randomness: { fraction: () => 0 },
    bus: {} as CommandBus,
    queueTimeoutMs: 1_000,
    takeTurn: () => new Promise((_, reject) => fail = () => reject(refused)),
    fleet: () => ({ workers: [], at: clock.now() }),
    onBug: (error) => bugs.push(error),
  }, (id): InstanceState | undefined => table.state(id));
  table.fold(new History().created().startRequested().events);
  leader.lead(table.all());
  await clock.advance(600_000);
  leader.stop();
  table.reset();
  leader.lead(table.all());
  fail();
  await settled();
  await clock.advance(600_000);
  assertEquals(bugs, []);
  leader.stop();
});

/** A clock whose wall is wrong by so much, as a host's that was set badly. */
class WrongClock extends ManualClock {
  constructor(private readonly wrongByMs: number, at: number) {
    super(at);
  }

  override now(): number {
    return super.now() + this.wrongByMs;
  }
}

const NODES = [
  { what: "whose clock is an hour behind the log's", wrongByMs: -3_600_000, heardAfterMs: 0 },
  { what: "whose clock is an hour ahead of the log's", wrongByMs: 3_600_000, heardAfterMs: 0 },
  { what: "that hears late of a crash, after an outage,", wrongByMs: 0, heardAfterMs: 300 },
];

for (const { what, wrongByMs, heardAfterMs } of NODES) {
  Deno.test(`a node ${what} pays a restart when its delay is over`, async () => {
    const history = History.running().exited();
    history.add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 400 });
    const clock = new WrongClock(wrongByMs, history.at);
    const table = new InstanceTable();
    const turns: number[] = [];
    const leader = new Leader({
      clock,
      ids: { next: (kind) => `${kind}-1` },
      randomness: { fraction: () => 0 },
      bus: {} as CommandBus,
      queueTimeoutMs: 1_000,
      takeTurn: (_, { notBefore }) => {
        const dueInMs = notBefore! - (clock.now() - wrongByMs);
        if (dueInMs > 0) return Promise.resolve({ kind: "notDue", dueInMs });
        turns.push(clock.monotonic());
        return new Promise(() => {});
      },
      fleet: () => ({ workers: [], at: clock.now() }),
      onBug: () => {},
    }, (id): InstanceState | undefined => table.state(id));
    leader.lead([]);
    table.fold(history.events);
    await clock.advance(heardAfterMs);
    leader.consider(history.state);
    await clock.advance(399 - heardAfterMs);
    assertEquals(turns, [], "before its delay is over");
    await clock.advance(1);
    assertEquals(turns, [400]);
    leader.stop();
  });
}

Deno.test("a node that begins to lead with a clock behind the log's pays in time, once it hears of the log's", async () => {
  const history = new History().created().startRequested();
  const { commands: [command] } = history.state.context;
  const recoveredAt = history.at + 10_000;
  const clock = new WrongClock(-5_000, recoveredAt);
  const turns: number[] = [];
  const leader = new Leader({
    clock,
    ids: { next: (kind) => `${kind}-1` },
    randomness: { fraction: () => 0 },
    bus: {} as CommandBus,
    queueTimeoutMs: 1_000,
    takeTurn: () => {
      turns.push(clock.now() + 5_000);
      return new Promise(() => {});
    },
    fleet: () => ({ workers: [], at: clock.now() }),
    onBug: () => {},
  }, () => history.state);
  leader.lead([history.state]);
  const { context } = new History().created().state;
  leader.consider({
    ...history.state,
    context: { ...context, instanceId: "instance-2", lastModifiedAt: recoveredAt },
  });
  await clock.advance(command!.acceptBy - recoveredAt - 1);
  assertEquals(turns, []);
  await clock.advance(1);
  assertEquals(turns, [command!.acceptBy]);
  leader.stop();
});
