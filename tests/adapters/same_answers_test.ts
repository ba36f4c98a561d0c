/** Memory and SQLite give the same answers to any sequence of calls, and the log that is left keeps its rules. */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { comparePositions, type RecordedEvent } from "../../events/envelope.ts";
import { type EmbeddedWorld, memoryWorld, sqliteWorld } from "./embedded_world.ts";
import { opArbitrary, Player } from "./tape.ts";

/** Of the manual clock, which the tape itself moves on. */
const PACE = {
  acceptSoonMs: 150,
  acceptLateMs: 5_000,
  notBeforeMs: 300,
  keepKeyMs: 500,
  silentMs: 200,
};

const tapeArbitrary = fc.array(
  fc.record({
    together: fc.array(opArbitrary(), { minLength: 1, maxLength: 6 }),
    thenMs: fc.constantFrom(0, 0, 40, 200, 600),
    then: fc.constantFrom("", "", "", "", "", "reopen", "crash"),
  }),
  { minLength: 1, maxLength: 25 },
);

Deno.test("memory and sqlite give the same answers to any tape, and keep the log's rules", async () => {
  await fc.assert(
    fc.asyncProperty(tapeArbitrary, async (tape) => {
      const worlds: EmbeddedWorld<unknown>[] = [await memoryWorld(), await sqliteWorld()];
      const players = worlds.map((world) => new Player(world, () => world.ports.clock.now(), PACE));
      const logs = worlds.map(() => new Map<string, RecordedEvent>());
      try {
        for (const { together, thenMs, then } of tape) {
          const [memory, sqlite] = await Promise.all(players.map(async (player, index) => {
            const world = worlds[index]!;
            const tail = await world.broker.log.tail(await world.broker.log.head(), (events) => {
              for (const event of events) logs[index]!.set(event.position, event);
            });
            const answers = await Promise.all(together.map((one) => player.play(one)));
            tail.close();
            await world.advance(thenMs);
            if (then === "reopen") await world.reopen();
            if (then === "crash") await world.crash();
            await player.settle();
            return answers;
          }));
          assertEquals(plain(memory), plain(sqlite));
        }
        assertEquals(plain([...logs[0]!.values()]), plain([...logs[1]!.values()]));
        await assertLogKeepsItsRules(worlds[0]!.broker, [...logs[0]!.values()]);
      } finally {
        for (const world of worlds) await world.close();
      }
    }),
    { numRuns: 60 },
  );
});

/** Positions, versions and times only grow; links lead back; each command is ended once, and live until then. */
async function assertLogKeepsItsRules(broker: EmbeddedBroker, log: RecordedEvent[]): Promise<void> {
  const last = new Map<string, RecordedEvent>();
  const live = new Set<string>();
  const attempts = new Map<string, number>();
  for (const [index, event] of log.entries()) {
    if (index > 0) {
      assert(comparePositions(log[index - 1]!.position, event.position) < 0, "positions grow");
      assert(log[index - 1]!.at <= event.at, "time does not go back");
    }
    const before = last.get(event.instanceId);
    assertEquals(event.version, (before?.version ?? 0) + 1, "versions have no gaps");
    assertEquals(event.previous, before?.position ?? null, "each event names the one before");
    last.set(event.instanceId, event);
    switch (event.type) {
      case "StartRequested":
        live.add(event.data.commandId);
        break;
      case "CommandAccepted": {
        const { commandId, attempt } = event.data;
        assert(live.has(commandId), "only a live command is accepted");
        assertEquals(attempt, (attempts.get(commandId) ?? 0) + 1, "attempts have no gaps");
        attempts.set(commandId, attempt);
        break;
      }
      case "CommandSucceeded":
      case "CommandFailed":
      case "CommandExpired":
      case "CommandRefused":
      case "CommandForgotten":
      case "CommandCancelled":
        assert(
          live.delete(event.data.commandId),
          "a command is ended once, and only when it lives",
        );
        break;
    }
  }
  const inFlight = (await broker.bus.inFlight()).map((record) => record.command.messageId);
  assertEquals(inFlight.sort(), [...live].sort(), "what nobody has ended is in flight");
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
