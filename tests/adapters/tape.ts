/** Tapes: random sequences of calls to a broker, and who plays them; brokers that differ in technology only give the same answers. */
import fc from "fast-check";
import type { HealthReport } from "../../events/health.ts";
import type { Observation } from "../../events/observations.ts";
import type { Command } from "../../events/commands.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { type NewEvent, newEvent } from "../../events/instance_events.ts";
import type { Broker } from "../contracts/broker_world.ts";
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

/** One call, in numbers that the player makes its arguments of. */
export type Op = { do: string } & Record<string, number>;

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
/** The times that a tape's calls are made with. A real clock needs wide ones, so that no answer hangs on its pace. */
export interface Pace {
  /** A command's, when it is to be accepted soon. */
  acceptSoonMs: number;
  acceptLateMs: number;
  notBeforeMs: number;
  keepKeyMs: number;
  /** One step of a worker's silence; a loss asks for 0 to 2 of them. */
  silentMs: number;
}

/** Any call. `takes`: how many starts are asked for at once. */
export const opArbitrary = (takes: fc.Arbitrary<number> = digit(3)): fc.Arbitrary<Op> =>
  fc.oneof(
    op("append", 8, {
      instance: digit(2),
      behind: fc.constantFrom(0, 0, 0, 0, 1),
      events: digit(2),
      enqueue: digit(3),
      end: digit(6),
      condition: digit(2),
      key: digit(4),
      newer: digit(1),
      notBefore: fc.constantFrom(0, 0, 0, 1),
    }),
    op("accept", 8, { ...worker, command: digit(6) }),
    op("complete", 7, {
      ...worker,
      command: digit(6),
      attempt: fc.constantFrom(1, 1, 1, 2),
      ok: digit(1),
      run: digit(2),
    }),
    op("take", 4, { ...worker, max: takes }),
    op("observe", 3, { ...worker, instance: digit(2), run: digit(2), kind: digit(2) }),
    op("tellHealth", 2, { ...worker, instance: digit(2), run: digit(2), ok: digit(1) }),
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

function told(one: Op, instanceId: string): Observation | HealthReport {
  const runId = `run-${one.run}`;
  if (one.do === "tellHealth") {
    return { instanceId, runId, runGeneration: 1, health: one.ok === 1 ? "healthy" : "unhealthy" };
  }
  const kind = OBSERVATIONS[one.kind!]!;
  return observed(kind, (kind === "Exited" ? stopped : running)(instanceId, runId));
}

/** Plays a tape on one world; gives every answer. What the calls are made of is counted, never drawn. */
export class Player {
  #commands: Command[] = [];
  readonly #versions = new Map<string, number>();
  readonly #generations = new Map<string, number>();

  /** `now`: the time by the log's clock. */
  constructor(
    private readonly world: { readonly broker: Broker },
    private readonly now: () => number,
    private readonly pace: Pace,
  ) {}

  get #broker(): Broker {
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
      case "observe":
      case "tellHealth":
        return await channel().observe(told(one, instanceId));
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
          silentMs: one.silent! * this.pace.silentMs,
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
        acceptWithinMs: one.enqueue === 1 ? this.pace.acceptSoonMs : this.pace.acceptLateMs,
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
      ...(one.notBefore ? { notBefore: this.now() + this.pace.notBeforeMs } : {}),
      ...(one.key! < 2
        ? {
          meta: { idempotency: { key: `key-${one.key}`, digest: `${this.#commands.length}` } },
          keepKeyMs: this.pace.keepKeyMs,
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
