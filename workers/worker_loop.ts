/**
 * The worker: takes commands, does them one at a time per instance, answers, reports. The same loop for every
 * platform, in the control plane's own process or on a far host. Design §3 steps 4-5, §4.
 */
import { type Clock, sleep } from "../events/clock.ts";
import type { Command } from "../events/commands.ts";
import { OperationalError } from "../events/errors.ts";
import type { Ids } from "../events/ids.ts";
import type { InstanceResponse } from "../events/responses.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { AcceptOutcome, WorkerChannel } from "../events/worker_channel.ts";
import { judgeLive } from "./adoption.ts";
import { execute, fenceOf } from "./execution.ts";
import { Lanes } from "./lanes.ts";
import type { Failure, Fence, Platform } from "./platform.ts";
import { failure } from "./responses.ts";

export interface WorkerParts {
  channel: WorkerChannel;
  platform: Platform;
  clock: Clock;
  ids: Ids;
  /** How many instances it works on at once. */
  slots: number;
  /** Called with what can only be a bug; the worker goes on with other instances. */
  onBug(error: unknown): void;
  /** Called when another incarnation of this worker has taken over: this one has left. */
  onSuperseded(): void;
  /** Called with each live server here that is newer than the log: the log was lost or put back, so it is left alone. */
  onStranger(found: RuntimeInfo): void;
}

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

export class Worker {
  private readonly lanes = new Lanes();
  private readonly inWork = new Map<string, InWork>();
  private readonly stopping = new AbortController();
  private loops: Promise<unknown> = Promise.resolve();
  private freed: () => void = () => {};
  /** The take under way that asks for stops and deletes only. */
  private endings: Promise<void> | null = null;

  constructor(private readonly parts: WorkerParts) {}

  /**
   * Registers, adopts what runs here, finishes what an older incarnation had begun, then takes commands.
   * @throws {OperationalError} `worker_refused` when another worker of this id lives elsewhere
   */
  async start(): Promise<void> {
    const { channel, platform } = this.parts;
    // What ends between the inventory and the registration is told after it: before, the log would call us superseded.
    const mayReport = Promise.withResolvers<void>();
    platform.onExit((exited) =>
      void this.guard(
        exited.instanceId,
        () => mayReport.promise.then(() => this.reportExit(exited)),
      )
    );
    channel.serveQueries((query) => platform.logs(query.instanceId, query.tailLines));
    const found = await platform.inventory();
    const registered = await channel.register();
    if (registered.kind === "refused") {
      throw new OperationalError(
        "worker_refused",
        registered.reason,
        false,
        "Give this worker another id.",
      );
    }
    mayReport.resolve();
    const inherited = new Set(registered.inherited.map((command) => command.instanceId));
    await this.adopt(found.filter((run) => !inherited.has(run.instanceId)));
    for (const command of registered.inherited) this.undertake(command);
    for (const run of registered.placed) void this.guard(run.instanceId, () => this.check(run));
    this.loops = Promise.all([this.takeLoop(), this.heartbeatLoop()]).catch((error) =>
      this.parts.onBug(error)
    );
  }

  /** Takes nothing more, waits `patienceMs` for what is in work, and leaves; servers run on. */
  async stop(patienceMs: number): Promise<void> {
    this.stopping.abort();
    this.freed();
    await Promise.race([this.lanes.idle(), sleep(this.parts.clock, patienceMs)]);
    await this.loops;
    await this.parts.channel.leave();
    await this.parts.platform.close();
  }

  /** Of the live servers that no inherited command is about, ends those that the log has given up. */
  private async adopt(found: RuntimeInfo[]): Promise<void> {
    const live = found.filter((run) => run.status === "Running");
    const standing = await this.parts.channel.standing(live.map((run) => run.instanceId));
    for (const run of live) {
      const finding = judgeLive(run, standing.get(run.instanceId));
      if (finding === "stranger") this.parts.onStranger(run);
      if (finding !== "end") continue;
      const fence = { generation: run.generation, attempt: 0 };
      void this.guard(run.instanceId, () => this.endUnknown(run.instanceId, fence));
    }
  }

  /**
   * Reports a run that the log takes for live here and that has ended, or of which nothing is left. In its lane, so
   * after an inherited command of the instance, which may have replaced it.
   */
  private async check(placed: RuntimeInfo): Promise<void> {
    const { channel, platform, clock } = this.parts;
    const { instanceId, runId } = placed;
    const standing = await this.persist(() => channel.standing([instanceId]));
    if (standing?.get(instanceId)?.runId !== runId) return;
    const found = await platform.inspect(instanceId);
    if (found?.runId !== runId) return await this.reportExit(missing(placed, clock.now()));
    if (found.status === "Stopped") await this.reportExit(found);
  }

  private async takeLoop(): Promise<void> {
    const { channel, slots } = this.parts;
    while (!this.stopping.signal.aborted) {
      const free = slots - this.lanes.busy;
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
    if (!commands) await sleep(this.parts.clock, TAKE_WAIT_MS, this.stopping.signal);
    this.endings = null;
    for (const command of commands ?? []) this.undertake(command);
  }

  private async heartbeatLoop(): Promise<void> {
    const { channel, clock } = this.parts;
    while (!this.stopping.signal.aborted) {
      const answer = await this.persist(() => channel.heartbeat(this.lanes.busy));
      if (answer && answer !== "ok") this.leave();
      await sleep(clock, HEARTBEAT_MS, this.stopping.signal);
    }
  }

  private leave(): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort();
    this.freed();
    this.parts.onSuperseded();
  }

  /** Accepts at once, so that a stop is ours before the start that it ends is over; then works in the lane's order. */
  private undertake(command: Command): void {
    if (this.inWork.has(command.messageId)) return;
    const abort = new AbortController();
    this.inWork.set(command.messageId, { command, abort });
    const acceptedAt = this.parts.clock.monotonic();
    const accepted = this.accept(command);
    // In the lane it may wait for long; whoever waits there hears of a failure.
    accepted.catch(() => {});
    void this.guard(command.instanceId, async () => {
      try {
        const outcome = await accepted;
        if (outcome?.kind === "accepted") {
          await this.work(command, outcome, acceptedAt, abort.signal);
        } else if (outcome?.reason === "superseded" || outcome?.reason === "unknown") {
          this.leave();
        }
      } finally {
        this.inWork.delete(command.messageId);
      }
    });
  }

  /** Once a stop or delete is ours, a start of the instance that is in work is aborted: at once, not in its turn. */
  private async accept(command: Command): Promise<AcceptOutcome | undefined> {
    const outcome = await this.persist(() => this.parts.channel.accept(command.messageId));
    const isEnd = command.type === "StopInstanceCommand" ||
      command.type === "DeleteInstanceCommand";
    if (isEnd && outcome?.kind === "accepted") this.abortStarts(command);
    return outcome;
  }

  private abortStarts(by: Command): void {
    for (const { command, abort } of this.inWork.values()) {
      if (command.instanceId === by.instanceId && command.generation < by.generation) abort.abort();
    }
  }

  private async work(
    command: Command,
    accepted: AcceptOutcome & { kind: "accepted" },
    acceptedAt: number,
    signal: AbortSignal,
  ): Promise<void> {
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
    if (completed?.kind !== "refused") return;
    if (completed.reason !== "ended") return this.leave();
    await this.endUnknown(command.instanceId, fenceOf({ command, attempt }));
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

  private async reportExit(exited: RuntimeInfo): Promise<void> {
    const { instanceId } = exited;
    const answer = await this.persist(() =>
      this.parts.channel.observe({ instanceId, observation: "Exited", runtimeInfo: exited })
    );
    if (answer && answer !== "recorded") this.leave();
  }

  /** Ends a live run that the log does not name: nobody would ever stop it. Design §4 rules 7, 9. */
  private async endUnknown(instanceId: string, fence: Fence): Promise<void> {
    const { channel, platform } = this.parts;
    const standing = await this.persist(() => channel.standing([instanceId]));
    const found = await platform.inspect(instanceId);
    if (!standing || found?.status !== "Running") return;
    if (standing.get(instanceId)?.runId !== found.runId) await platform.stop(instanceId, fence);
  }

  private guard(instanceId: string, work: () => Promise<void>): Promise<void> {
    return this.lanes.run(instanceId, work).catch((error) => this.parts.onBug(error)).finally(() =>
      this.freed()
    );
  }

  /** Repeats a call while it fails for a passing reason; undefined when the worker leaves first. */
  private async persist<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let wait = RETRY_MS;; wait = Math.min(wait * 2, RETRY_MAX_MS)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        if (!error.retryable || this.stopping.signal.aborted) return undefined;
        await sleep(this.parts.clock, wait, this.stopping.signal);
      }
    }
  }
}

/** A run without a trace, as an exit of which nothing is known. */
function missing(run: RuntimeInfo, at: number): RuntimeInfo {
  const message = "is gone, and so are its records: nobody can say how it ended";
  return {
    ...run,
    status: "Stopped",
    stoppedAt: at,
    exit: { code: null, signal: null, reason: "Unknown", message },
  };
}
