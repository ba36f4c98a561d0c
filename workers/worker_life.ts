/**
 * One life of a worker, from its registration to its end: takes commands, does them one at a time per instance,
 * answers, beats. What is around a command is here; what the worker finds on its host is in `findings.ts`.
 */
import { type Clock, sleep } from "../events/clock.ts";
import { type Command, isUrgent } from "../events/commands.ts";
import { OperationalError } from "../events/errors.ts";
import type { HealthReport } from "../events/health.ts";
import type { Ids } from "../events/ids.ts";
import type { InstanceResponse } from "../events/responses.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { AcceptOutcome, Dismissal, Held, WorkerChannel } from "../events/worker_channel.ts";
import { execute, fenceOf } from "./execution.ts";
import { Findings } from "./findings.ts";
import type { Lanes } from "./lanes.ts";
import type { Failure, Platform } from "./platform.ts";
import { failure } from "./responses.ts";

export interface WorkerLifeParts {
  /** Of this life's incarnation. */
  channel: WorkerChannel;
  /** Shared with the lives before: what those have in hand comes first. */
  lanes: Lanes;
  /** The life before, while it has anything in hand. */
  before: WorkerLife | null;
  platform: Platform;
  clock: Clock;
  ids: Ids;
  slots: number;
  onBug(error: unknown): void;
  onStranger(found: RuntimeInfo): void;
  /** See `WorkerParts`. */
  aroundCommand?: AroundCommand;
}

/** Called around the work on each command that was accepted, for who measures it; gives what `work` gives. */
export type AroundCommand = (
  command: Command,
  attempt: number,
  work: () => Promise<InstanceResponse>,
) => Promise<InstanceResponse>;

/** Why a life is over. */
export type LifeEnd = Dismissal | "stopped";

const HEARTBEAT_MS = 1_000;
const TAKE_WAIT_MS = 1_000;
/** A call that failed for a passing reason (log away, disk full) is tried again after this, growing to the maximum. */
const RETRY_MS = 100;
/** Below the time after which a command that nobody accepts is offered to another worker. */
const RETRY_MAX_MS = 400;

interface InWork {
  command: Command;
  abort: AbortController;
}

/** An answer to an accept, with the moment from which a lease counts. */
interface Accepting {
  outcome: AcceptOutcome | undefined;
  leaseFromMs: number | null;
}

export class WorkerLife {
  /** Resolves with the first reason for its end. */
  readonly over: Promise<LifeEnd>;
  private readonly inWork = new Map<string, InWork>();
  private readonly ending = new AbortController();
  private readonly registered = Promise.withResolvers<void>();
  private readonly begun = Promise.withResolvers<void>();
  private readonly findings: Findings;
  private readonly tellEnd: (end: LifeEnd) => void;
  private loops: Promise<unknown> = Promise.resolve();
  private freed: () => void = () => {};
  /** The take under way that asks for stops and deletes only. */
  private endings: Promise<void> | null = null;

  constructor(private readonly parts: WorkerLifeParts) {
    const { promise, resolve } = Promise.withResolvers<LifeEnd>();
    this.over = promise;
    this.tellEnd = resolve;
    this.findings = new Findings({
      ...parts,
      persist: (call) => this.persist(call),
      inLane: (instanceId, work) => void this.guard(instanceId, work),
      dismissed: (why) => this.end(why),
    });
  }

  /** Registers, adopts what runs here, and begins to take commands. Gives the reason when it is refused, else null. */
  async begin(): Promise<string | null> {
    const { channel, platform, before } = this.parts;
    channel.whenBack((held) => void this.compareWith(held));
    channel.serveQueries(({ instanceId, tailLines, reading }) =>
      reading ? platform.readLogs(instanceId, reading) : platform.logs(instanceId, tailLines)
    );
    const found = await platform.inventory("live");
    const outcome = await channel.register();
    if (outcome.kind === "refused") return outcome.reason;
    this.registered.resolve();
    const { inherited, placed } = outcome;
    const taken = new Set(inherited.map((command) => command.instanceId));
    const mine = (instanceId: string) => !taken.has(instanceId);
    await this.findings.adopt(found.filter((run) => mine(run.instanceId)));
    for (const command of inherited) this.undertake(command);
    this.findings.check(placed);
    this.findings.settle(before?.inHand().filter(mine) ?? []);
    this.begun.resolve();
    this.loops = Promise.all([this.takeLoop(), this.heartbeatLoop()]).catch((error) =>
      this.parts.onBug(error)
    );
    return null;
  }

  /** Takes nothing more and repeats nothing more; what is in hand is done to its end. */
  end(why: LifeEnd): void {
    this.ending.abort();
    this.freed();
    this.tellEnd(why);
  }

  /** Takes leave of the log, after the loops have ended. */
  async leave(): Promise<void> {
    await this.loops;
    await this.parts.channel.leave();
  }

  /** The instances that it has in hand. */
  inHand(): string[] {
    return [...new Set([...this.inWork.values()].map(({ command }) => command.instanceId))];
  }

  /** Reports that a server has ended: after its registration, since the log would not know who speaks before. */
  tell(exited: RuntimeInfo): void {
    void this.guard(exited.instanceId, async () => {
      await Promise.race([this.registered.promise, this.over]);
      await this.findings.reportExit(exited);
    });
  }

  /** Tells how a server is: not in its lane, where a start that takes long would hold it up. False: it was not told. */
  async tellHealth(report: HealthReport): Promise<boolean> {
    await Promise.race([this.registered.promise, this.over]);
    if (this.ending.signal.aborted) return false;
    const answer = await this.persist(() => this.parts.channel.observe(report));
    if (answer && answer !== "recorded") this.end(answer);
    return answer === "recorded";
  }

  private async takeLoop(): Promise<void> {
    const { channel, slots, lanes } = this.parts;
    while (!this.ending.signal.aborted) {
      const free = slots - lanes.busy;
      if (free <= 0) {
        const freed = new Promise<void>((resolve) => this.freed = resolve);
        this.endings ??= this.takeEndings();
        await Promise.race([freed, this.endings]);
        continue;
      }
      const commands = await this.persist(() => channel.take(free, TAKE_WAIT_MS));
      // Refused for good (the log has failed or is closed): there is nothing to do but wait for the end.
      if (commands === undefined) return;
      for (const command of commands) this.undertake(command);
    }
  }

  /** With no slot free, stops and deletes are taken all the same: they may be what frees one. */
  private async takeEndings(): Promise<void> {
    const commands = await this.persist(() => this.parts.channel.take(0, TAKE_WAIT_MS))
      .catch((error) => void this.parts.onBug(error));
    // Refused for good: nothing more comes, and asking again at once would spin.
    if (!commands) await sleep(this.parts.clock, TAKE_WAIT_MS, this.ending.signal);
    this.endings = null;
    for (const command of commands ?? []) this.undertake(command);
  }

  private async heartbeatLoop(): Promise<void> {
    while (!this.ending.signal.aborted) {
      const answer = await this.persist(() => this.beat());
      if (answer && answer !== "ok") return this.end(answer);
      this.findings.lookAgain();
      await sleep(this.parts.clock, HEARTBEAT_MS, this.ending.signal);
    }
  }

  /**
   * A log that lost its end holds for open what was answered, and for live what has ended, since nobody tells it twice.
   * An answer is owed again by a new life, which inherits it and looks at what became of it.
   */
  private async compareWith({ accepted, left, placed }: Held): Promise<void> {
    const { channel } = this.parts;
    try {
      // What it inherits is in work from then on.
      await Promise.race([this.begun.promise, this.over]);
      for (const [id, { abort }] of [...this.inWork].filter(([id]) => !accepted.includes(id))) {
        const again = await this.persist(() => channel.accept(id));
        const isLost = again?.kind === "refused" && ["ended", "taken"].includes(again.reason);
        // Our accept is lost: whoever does it in our place must not meet what we start.
        if (isLost && this.inWork.has(id)) abort.abort();
      }
      for (const id of [...accepted, ...left].filter((id) => !this.inWork.has(id))) {
        // It may have been answered since the log was asked.
        const again = await this.persist(() => channel.accept(id));
        if (again?.kind === "accepted" && !this.inWork.has(id)) return this.end("unknown");
      }
      // A forced delete, for one, may have come and gone without us.
      const found = await this.persist(() => this.parts.platform.inventory("live"));
      if (!found) return;
      const running = found.filter(({ status }) => status === "Running");
      const live = new Set(running.map(({ runId }) => runId));
      this.findings.check(placed.filter(({ runId }) => !live.has(runId)));
      await this.findings.adopt(found);
    } catch (error) {
      this.parts.onBug(error);
    }
  }

  /** Once the log has heard us, the servers with a lease may live on: from before we spoke, not from its answer. */
  private async beat(): Promise<"ok" | Dismissal> {
    const { channel, lanes, platform } = this.parts;
    const { leases } = platform;
    const asOfMs = leases.areHeld() ? await leases.now() : null;
    const answer = await channel.heartbeat(lanes.busy, platform.metrics?.());
    if (answer === "ok" && asOfMs !== null) await leases.heard(asOfMs);
    return answer;
  }

  /** Accepts at once, so that a stop is ours before the start that it ends is over; then works in the lane's order. */
  private undertake(command: Command): void {
    if (this.ending.signal.aborted || this.inWork.has(command.messageId)) return;
    const abort = new AbortController();
    this.inWork.set(command.messageId, { command, abort });
    const acceptedAt = this.parts.clock.monotonic();
    const accepted = this.accept(command);
    // In the lane it may wait for long; whoever waits there hears of a failure.
    accepted.catch(() => {});
    void this.guard(command.instanceId, async () => {
      try {
        const { outcome, leaseFromMs } = await accepted;
        if (outcome?.kind === "accepted") {
          const work = () => this.work(command, outcome, acceptedAt, leaseFromMs, abort.signal);
          await (this.parts.aroundCommand?.(command, outcome.attempt, work) ?? work());
        } else if (outcome?.reason === "superseded" || outcome?.reason === "unknown") {
          this.end(outcome.reason);
        }
      } finally {
        this.inWork.delete(command.messageId);
      }
    });
  }

  /** Once a stop or delete is ours, a start of the instance that is in work is aborted: at once, not in its turn. */
  private async accept(command: Command): Promise<Accepting> {
    const { channel, platform } = this.parts;
    // Before the first try: the log may count the lease from that, also if its answer is lost.
    const leaseFromMs = command.leaseMs === undefined
      ? null
      : await this.persist(() => platform.leases.now());
    if (leaseFromMs === undefined) return { outcome: undefined, leaseFromMs: null };
    const outcome = await this.persist(() => channel.accept(command.messageId));
    if (isUrgent(command) && outcome?.kind === "accepted") this.abortStarts(command);
    return { outcome, leaseFromMs };
  }

  private abortStarts(by: Command): void {
    for (const { command, abort } of this.inWork.values()) {
      if (command.instanceId === by.instanceId && command.generation < by.generation) abort.abort();
    }
    this.parts.before?.abortStarts(by);
  }

  private async work(
    command: Command,
    accepted: AcceptOutcome & { kind: "accepted" },
    acceptedAt: number,
    leaseFromMs: number | null,
    signal: AbortSignal,
  ): Promise<InstanceResponse> {
    const { channel } = this.parts;
    const { settle, attempt } = accepted;
    const reaccept = async () => {
      const again = await this.persist(() => channel.accept(command.messageId));
      return again?.kind === "accepted" && again.attempt === attempt;
    };
    let response: InstanceResponse;
    try {
      response = await execute(this.parts, {
        command,
        attempt,
        settle,
        acceptedAt,
        leaseFromMs,
        signal,
        reaccept,
      });
    } catch (error) {
      const found = await this.parts.platform.inspect(command.instanceId).catch(() => null);
      response = failure(command, this.failureOf(error), found);
    }
    const completed = await this.persist(() =>
      channel.complete(command.messageId, attempt, response)
    );
    if (completed?.kind !== "refused") return response;
    if (completed.reason !== "ended") this.end(completed.reason);
    else await this.findings.endUnknown(command.instanceId, fenceOf({ command, attempt }));
    return response;
  }

  /** What the host did wrong goes on as it is; what the platform did wrong is told, and the asker gets an answer too. */
  private failureOf(error: unknown): Failure {
    if (error instanceof OperationalError) {
      const { code, message, hint, retryable } = error;
      return { code, message: `${message} ${hint}`, retryable };
    }
    this.parts.onBug(error);
    return { code: "worker_bug", message: "The worker failed; see its output.", retryable: false };
  }

  private guard(instanceId: string, work: () => Promise<void>): Promise<void> {
    return this.parts.lanes.run(instanceId, work).catch((error) => this.parts.onBug(error))
      .finally(() => this.freed());
  }

  /** Repeats a call while it fails for a passing reason; undefined when the life ends first. */
  private async persist<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let wait = RETRY_MS;; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        if (!error.retryable || this.ending.signal.aborted) return undefined;
        await sleep(this.parts.clock, wait, this.ending.signal);
      }
    }
  }
}
