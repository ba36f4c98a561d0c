/**
 * Judges a run of the simulation as it goes: each thing that happens is held against what it touches, the whole world
 * every now and then. Each answer is the first invariant that does not hold, or null.
 */
import {
  type CommandStory,
  type Entry,
  Ledger,
  type PositionForm,
  requestIdOf,
} from "../../history/ledger.ts";
import { LIFECYCLE_RULES } from "../../history/lifecycle_rules.ts";
import { COMMAND_RULES, ORDER_RULES } from "../../history/log_rules.ts";
import { type ProcessChange, ProcessLives } from "../../history/process_lives.ts";
import { reportedRun } from "../../../machines/reports.ts";
import { firstBroken } from "../../history/rule.ts";
import { Telling } from "../../history/telling.ts";
import type { Violation } from "../run_result.ts";
import type {
  Disturbance,
  FencedStep,
  Operation,
  Read,
  Registration,
  RestingView,
  RollbackSeen,
  SpawnOrder,
  Surroundings,
  WorldView,
  Written,
} from "./evidence.ts";
import { compareFences, overstay, SPAWN_RULES } from "./process_rules.ts";
import { FENCE_RULES, ROLLBACK_RULES } from "./retention_rules.ts";
import { SETTLED_AFTER_MS, WORKER_RULES } from "./worker_rules.ts";
import { REST_RULES, type Seen, WORLD_RULES } from "./world_rules.ts";

const EVENT_RULES = { ...ORDER_RULES, ...COMMAND_RULES, ...LIFECYCLE_RULES };

export class Judge {
  readonly ledger: Ledger;
  readonly lives = new ProcessLives();
  private readonly telling: Telling;
  private readonly registrations = new Map<string, Registration>();
  private readonly newest = new Map<string, string>();
  /** By instance and generation, also those that a rollback has taken. */
  private readonly commands = new Map<string, CommandStory[]>();
  /** By host and instance. */
  private readonly fences = new Map<string, SpawnOrder & { commands: readonly CommandStory[] }>();
  /** By run: its worker, whose silence ends a leased one. */
  private readonly workers = new Map<string, string>();
  /** By run: the commands that it may be of. */
  private readonly spawned = new Map<string, readonly CommandStory[]>();
  private readonly compared = new WeakSet<object>();
  private disturbedAt = -Infinity;
  private readonly clocks = new Clocks();

  /** @param form of the log's positions: `counting` when it is embedded */
  constructor(form: PositionForm, private readonly surroundings: Surroundings) {
    this.ledger = new Ledger(form);
    this.telling = new Telling(this.ledger);
  }

  /** Events that the log has taken, in order, before anybody hears of them. */
  onEvents(events: readonly Written[]): Violation | null {
    for (const written of events) {
      const found = this.onEvent(written);
      if (found) return found;
    }
    return null;
  }

  private onEvent(written: Written): Violation | null {
    const { ledger, surroundings, registrations, newest, disturbedAt } = this;
    const { event } = written;
    const entry = ledger.prepare(written);
    const haveClocksAgreed = this.clocks.haveAgreed(written.writtenAt, written.clockAt);
    const known = {
      ledger,
      entry,
      registrations,
      newest,
      disturbedAt,
      surroundings,
      haveClocksAgreed,
    };
    const found = firstBroken(EVENT_RULES, ledger, entry) ?? firstBroken(WORKER_RULES, known);
    ledger.add(entry);
    const reported = reportedRun(event);
    if (reported && !this.isBegunElsewhere(event.instanceId, reported.site)) {
      this.lives.recall(reported.runId);
    }
    if ("generation" in event.data && event.data.commandId !== null) {
      const story = ledger.commands.get(event.data.commandId)!;
      const key = `${event.instanceId} ${event.data.generation}`;
      this.commands.set(key, [...this.commands.get(key) ?? [], story]);
    }
    const refused = this.telling.wrote(requestIdOf(event));
    const broken = found ?? refused;
    return broken && {
      invariant: broken.invariant,
      found: `${event.type} at ${event.position} of ${event.instanceId}: ${broken.found}`,
    };
  }

  /** The log came back without its newest events; what is told from now on is judged by what is left. */
  onRollback(rollback: RollbackSeen): Violation | null {
    const { ledger } = this;
    const taken = ledger.rollBack(rollback.lost, rollback.at);
    for (const [runId, commands] of this.spawned) this.forgetIfLost(runId, commands);
    // Which incarnation is the newest may be forgotten with the rest, or alone: a registration is no event.
    this.newest.clear();
    this.telling.rolledBack();
    return firstBroken(ROLLBACK_RULES, rollback, taken);
  }

  /** An order to spawn that a shim carries out, just before the process begins. */
  onSpawn(order: SpawnOrder): Violation | null {
    const { ledger } = this;
    const lost = [...ledger.lost.values()].flat();
    const ofGeneration = (this.commands.get(`${order.instanceId} ${order.generation}`) ?? [])
      .map((story) => ledger.commands.get(story.commandId) ?? story);
    // A generation that a rollback took is given once more: it is of that which its own worker had accepted.
    const ofWorker = ofGeneration.filter((story) => wasAccepted(order, story, lost));
    const commands = ofWorker.length > 0 ? ofWorker : ofGeneration;
    const key = `${order.host} ${order.instanceId}`;
    const last = this.fences.get(key) ?? null;
    // A generation that was lost with a rollback is given again.
    const before = last?.commands.some(isLost) || this.isBesideTheLock(order, commands)
      ? null
      : last;
    this.workers.set(order.runId, order.workerId);
    this.spawned.set(order.runId, commands);
    this.forgetIfLost(
      order.runId,
      commands,
      (story) => isLost(story) || isAcceptLost(order, story, lost),
    );
    if (!before || compareFences(order, before) > 0) this.fences.set(key, { ...order, commands });
    const found = firstBroken(SPAWN_RULES, { ledger, order, commands, before, lost });
    return found && { ...found, found: `${order.runId} of ${order.instanceId}: ${found.found}` };
  }

  /** A process began or ended, a host stands still or goes on. */
  onProcess(change: ProcessChange): Violation | null {
    return this.lives.take(change);
  }

  /** A request is asked: before it is, so that its floor is what was told by then. */
  onAsked(operation: Operation): Violation | null {
    return this.telling.asked(operation);
  }

  /** It was answered (`outcome` is set); `info` when its node died or an error came. */
  onTold(operation: Operation): Violation | null {
    return this.telling.told(operation);
  }

  /** A client has read one instance. */
  onRead(read: Read): Violation | null {
    return this.telling.read(read);
  }

  /** A new incarnation of a worker is registered. */
  onRegistered(registration: Registration): void {
    this.registrations.set(registration.incarnation, registration);
    this.newest.set(registration.workerId, registration.incarnation);
  }

  /** From here on nobody is lost for one lease. */
  onDisturbance({ at }: Disturbance): void {
    this.disturbedAt = Math.max(this.disturbedAt, at);
  }

  /** A step under a leader's token was done. */
  onFenced(step: FencedStep): Violation | null {
    return firstBroken(FENCE_RULES, step, this.ledger);
  }

  /** Looks at the whole world: every hundred steps, and whenever something is doubtful. */
  atIntervals(view: WorldView): Violation | null {
    return this.lives.overdue(view.at) ?? this.lapsed(view.at) ??
      firstBroken(WORLD_RULES, this.seen(view), view);
  }

  /** The world at rest: everything that holds always, and what must have come to its end. */
  atRest(view: RestingView): Violation | null {
    return this.atIntervals(view) ?? firstBroken(REST_RULES, this.seen(view), view);
  }

  /**
   * The folder of an instance that was deleted, or moved, is gone with its fence, so a former life of the worker that
   * still is about to spawn does. Only in the model: on a host the site's lock keeps a second process of a worker out.
   */
  private isBesideTheLock(
    { instanceId, workerId, attempt }: SpawnOrder,
    commands: readonly CommandStory[],
  ): boolean {
    const { ledger } = this;
    const isRemoved = ledger.states.get(instanceId)?.value.pending === "deleted" ||
      [...ledger.commands.values()].some((one) =>
        one.instanceId === instanceId && one.kind === "move" && one.accepts.length > 0
      );
    return isRemoved &&
      commands.some(({ accepts }) =>
        accepts.some(({ event: { data } }) =>
          data.workerId === workerId && data.attempt === attempt &&
          data.incarnation !== this.newest.get(workerId)
        )
      );
  }

  /** What was accepted at another site before anybody told of a run that a rollback took may come to life beside it. */
  private isBegunElsewhere(instanceId: string, site: string): boolean {
    return this.ledger.openCommands().some((one) =>
      one.instanceId === instanceId && (one.kind === "start" || one.kind === "restart") &&
      one.accepts.some(({ event }) => event.data.site !== site)
    );
  }

  private forgetIfLost(
    runId: string,
    commands: readonly CommandStory[],
    isGone: (story: CommandStory) => boolean = isLost,
  ): void {
    if (commands.length > 0 && commands.every(isGone)) this.lives.forget(runId);
  }

  private seen({ at, logAt }: WorldView): Seen {
    const { ledger, lives, surroundings, compared } = this;
    const haveClocksAgreed = this.clocks.haveAgreed(at, logAt);
    const { unanswered } = this.telling;
    return { ledger, lives, surroundings, compared, unanswered, haveClocksAgreed };
  }

  private lapsed(at: number): Violation | null {
    const { lives, surroundings } = this;
    for (const [instanceId, own] of lives.live) {
      for (const life of own) {
        if (lives.isFrozen(life.host)) continue;
        const heardAt = surroundings.heardAt(this.workers.get(life.runId) ?? "");
        const found = overstay(life, heardAt, lives.thawed(life.host), at);
        if (found) {
          return { invariant: "leasesAreKept", found: `${life.runId} of ${instanceId} ${found}` };
        }
      }
    }
    return null;
  }
}

/** Whether a rollback took the accept that a spawn goes by, before the spawn. */
function isAcceptLost(order: SpawnOrder, story: CommandStory, lost: readonly Entry[]): boolean {
  const isIts = isAcceptOf(order, story);
  return lost.some(isIts) && !story.accepts.some(isIts);
}

/** Whether a command was accepted by who ordered a spawn, also where a rollback took that. */
function wasAccepted(order: SpawnOrder, story: CommandStory, lost: readonly Entry[]): boolean {
  const isIts = isAcceptOf(order, story);
  return story.accepts.some(isIts) || lost.some(isIts);
}

function isAcceptOf({ workerId, attempt }: SpawnOrder, { commandId }: CommandStory) {
  return ({ event }: Entry) =>
    event.type === "CommandAccepted" && event.data.commandId === commandId &&
    event.data.workerId === workerId && event.data.attempt === attempt;
}

/** Whether what a spawn was for is gone: no part of it is in the log any more. */
function isLost({ asked, accepts }: CommandStory): boolean {
  return asked.lostAt !== null || accepts.some(({ lostAt }) => lostAt !== null);
}

/** Whether the log's clock goes as it did at first: after a jump nobody can say what is soon. */
class Clocks {
  private ahead: number | null = null;
  private disagreedAt = -Infinity;

  haveAgreed(at: number, logAt: number): boolean {
    const ahead = logAt - at;
    this.ahead ??= ahead;
    if (Math.abs(ahead - this.ahead) > CLOCKS_APART_MS) this.disagreedAt = at;
    return at - this.disagreedAt > SETTLED_AFTER_MS;
  }
}

/** A clock that is off by more than this has jumped. */
const CLOCKS_APART_MS = 100;
