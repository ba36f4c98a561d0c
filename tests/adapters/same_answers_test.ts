/** Memory and SQLite give the same answers to any sequence of calls, and the log that is left keeps its rules. */
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import type { Command } from "../../events/commands.ts";
import { comparePositions, type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { type NewEvent, newEvent } from "../../events/instance_events.ts";
import {
  answered,
  command,
  observed,
  registration,
  running,
  startRequested,
  stopped,
  success,
} from "../contracts/broker_samples.ts";
import { type EmbeddedWorld, memoryWorld, sqliteWorld } from "./embedded_world.ts";

type Op = { do: string } & Record<string, number>;

const INSTANCES = ["a", "b", "c"];
const TYPES = [
  "StartInstanceCommand",
  "StopInstanceCommand",
  "RestartInstanceCommand",
  "DeleteInstanceCommand",
] as const;
const CONDITIONS = ["unaccepted", "due", "always"] as const;
const OBSERVATIONS = ["Exited", "Found", "Lost"] as const;

const digit = (max: number) => fc.integer({ min: 0, max });
const op = (name: string, weight: number, fields: Record<string, fc.Arbitrary<number>>) => ({
  arbitrary: fc.record({ do: fc.constant(name), ...fields }) as unknown as fc.Arbitrary<Op>,
  weight,
});
const worker = { worker: digit(2), life: digit(2) };
const opArbitrary = fc.oneof(
  op("append", 8, {
    instance: digit(2),
    behind: fc.constantFrom(0, 0, 0, 0, 1),
    events: digit(2),
    enqueue: digit(3),
    end: digit(6),
    condition: digit(2),
    key: digit(4),
    newer: digit(1),
    notBefore: fc.constantFrom(0, 0, 0, 300),
  }),
  op("accept", 8, { ...worker, command: digit(6) }),
  op("complete", 7, {
    ...worker,
    command: digit(6),
    attempt: fc.constantFrom(1, 1, 1, 2),
    ok: digit(1),
    run: digit(2),
  }),
  op("take", 4, { ...worker, max: digit(3) }),
  op("observe", 3, { ...worker, instance: digit(2), run: digit(2), kind: digit(2) }),
  op("register", 3, worker),
  op("retarget", 2, { command: digit(6), site: digit(2) }),
  op("drain", 1, { worker: digit(2), on: digit(1) }),
  op("leave", 1, worker),
  op("heartbeat", 1, worker),
  op("forget", 1, { worker: digit(2) }),
  op("lose", 2, { ...worker, silent: digit(2) }),
  op("trim", 1, { instance: digit(2) }),
  op("baseline", 1, { instance: digit(2) }),
  op("look", 3, { key: digit(4), instance: digit(2) }),
);
const tapeArbitrary = fc.array(
  fc.record({
    together: fc.array(opArbitrary, { minLength: 1, maxLength: 6 }),
    thenMs: fc.constantFrom(0, 0, 40, 200, 600),
    then: fc.constantFrom("", "", "", "", "", "reopen", "crash"),
  }),
  { minLength: 1, maxLength: 25 },
);

/** Plays a tape on one world; gives every answer. What the calls are made of is counted, never drawn. */
class Player {
  #commands: Command[] = [];
  readonly #versions = new Map<string, number>();
  readonly #generations = new Map<string, number>();

  constructor(private readonly world: EmbeddedWorld<unknown>) {}

  get #broker(): EmbeddedBroker {
    return this.world.broker;
  }

  async play(one: Op): Promise<unknown> {
    try {
      return await this.#answer(one);
    } catch (error) {
      return `threw ${error instanceof OperationalError ? error.code : reasonOf(error)}`;
    }
  }

  /** What the actors would have folded by now. */
  async settle(): Promise<void> {
    for (const id of INSTANCES) {
      const [last] = await this.#broker.log.history(id, 1);
      this.#versions.set(id, last?.version ?? 0);
    }
  }

  async #answer(one: Op): Promise<unknown> {
    const { bus, log, retention, leadership } = this.#broker;
    const channel = () =>
      this.#broker.workerChannel(
        registration(`w${one.worker}`, {
          incarnation: `w${one.worker}-life-${one.life}`,
          site: `site-${one.worker! % 2}`,
        }),
      );
    const fence = (await leadership.acquire("node", 1_000))!;
    const sent = () =>
      this.#commands.at(-1 - (one.command ?? one.end ?? 0)) ?? command("a", "none");
    const instanceId = INSTANCES[one.instance ?? 0]!;
    switch (one.do) {
      case "append":
        return await log.append(this.#batch(one, instanceId, sent()));
      case "baseline":
        return await log.append(
          this.#plain(instanceId, [newEvent("Baseline", { state: { instanceId } })]),
        );
      case "accept":
        return await channel().accept(sent().messageId);
      case "complete":
        return await channel().complete(sent().messageId, one.attempt!, response(sent(), one));
      case "take":
        return await channel().take(one.max!, 0);
      case "observe": {
        const kind = OBSERVATIONS[one.kind!]!;
        const info = (kind === "Exited" ? stopped : running)(instanceId, `run-${one.run}`);
        return await channel().observe(observed(kind, info));
      }
      case "register":
        return await channel().register();
      case "retarget":
        return await bus.retarget(
          sent().messageId,
          one.site === 2 ? null : `site-${one.site}`,
          fence,
        );
      case "drain":
        return await bus.drain(`w${one.worker}`, one.on === 1);
      case "leave":
        return await channel().leave();
      case "heartbeat":
        return await channel().heartbeat(1);
      case "forget":
        return await bus.forget(`w${one.worker}`, fence);
      case "lose":
        return await bus.lose({
          workerId: `w${one.worker}`,
          incarnation: `w${one.worker}-life-${one.life}`,
          silentMs: one.silent! * 200,
          instanceIds: INSTANCES.slice(0, 2),
        }, fence);
      case "trim": {
        const [last] = await log.history(instanceId, 1);
        return await retention.trim(last?.position ?? START, fence);
      }
      case "look":
        return {
          key: await log.findKey(`key-${one.key}`),
          history: await log.history(instanceId, 20),
          inFlight: await bus.inFlight(),
          workers: await bus.workers(),
          standing: [...await channel().standing(INSTANCES)],
        };
      default:
        throw new Error(`no such operation: ${one.do}`);
    }
  }

  #plain(instanceId: string, events: NewEvent[]) {
    return {
      instanceId,
      expectedVersion: this.#versions.get(instanceId) ?? 0,
      events,
      meta: { requestedBy: "tester" },
      commands: [] as Command[],
      ends: [] as { commandId: string; eventIndex: number; condition: typeof CONDITIONS[number] }[],
      generation: this.#generations.get(instanceId) ?? 0,
    };
  }

  #batch(one: Op, instanceId: string, target: Command) {
    const generation = (this.#generations.get(instanceId) ?? 0) + one.newer!;
    this.#generations.set(instanceId, generation);
    const events = Array.from({ length: one.events! + 1 }, () => answered());
    const batch = this.#plain(instanceId, events);
    batch.expectedVersion -= one.behind!;
    if (one.enqueue! > 0) {
      const type = TYPES[(one.enqueue! + one.events!) % 4]!;
      const site = one.newer === 1 ? null : "site-1";
      const fresh = command(instanceId, `c-${this.#commands.length}`, {
        type,
        site,
        generation,
        acceptWithinMs: one.enqueue === 1 ? 150 : 5_000,
      });
      this.#commands.push(fresh);
      batch.commands.push(fresh);
      batch.events.push(startRequested(fresh));
    }
    if (one.end! < 4 && target.instanceId === instanceId) {
      const commandId = target.messageId;
      batch.events.push(newEvent("CommandCancelled", { commandId, reason: "test" }));
      const eventIndex = batch.events.length - 1;
      batch.ends.push({ commandId, eventIndex, condition: CONDITIONS[one.condition!]! });
    }
    return {
      ...batch,
      ...(one.notBefore ? { notBefore: this.world.ports.clock.now() + one.notBefore } : {}),
      ...(one.key! < 2
        ? {
          meta: { idempotency: { key: `key-${one.key}`, digest: `${this.#commands.length}` } },
          keepKeyMs: 500,
        }
        : {}),
    };
  }
}

function response(sent: Command, one: Op) {
  const run = `run-${one.run}`;
  const info = sent.type === "StopInstanceCommand" || sent.type === "DeleteInstanceCommand"
    ? stopped(sent.instanceId, run)
    : running(sent.instanceId, run);
  return { ...success(sent.type, sent.instanceId, info), success: one.ok === 1 };
}

Deno.test("memory and sqlite give the same answers to any tape, and keep the log's rules", async () => {
  await fc.assert(
    fc.asyncProperty(tapeArbitrary, async (tape) => {
      const worlds: EmbeddedWorld<unknown>[] = [await memoryWorld(), await sqliteWorld()];
      const players = worlds.map((world) => new Player(world));
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
