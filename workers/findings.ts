/** What a worker does about what it finds on its host: adopts, reports and ends runs, by what the log holds of them. */
import type { Clock } from "../events/clock.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Dismissal, WorkerChannel } from "../events/worker_channel.ts";
import { judgeLive } from "./adoption.ts";
import { lostRun } from "./lost_run.ts";
import type { Fence, Platform } from "./platform.ts";

export interface FindingsParts {
  channel: WorkerChannel;
  platform: Platform;
  clock: Clock;
  /** Repeats a call while it fails for a passing reason; undefined when the worker's life ends first. */
  persist<T>(call: () => Promise<T>): Promise<T | undefined>;
  /** Does it after all that the instance has been given before. */
  inLane(instanceId: string, work: () => Promise<void>): void;
  /** The log does not take this incarnation for the present one. */
  dismissed(why: Dismissal): void;
  onStranger(found: RuntimeInfo): void;
}

/** Strangers are judged anew this often: the log may have come to know that their instance runs nowhere else. */
const LOOK_AGAIN_MS = 5_000;

export class Findings {
  /** Live servers that the log cannot take up, by instance. */
  private readonly strangers = new Map<string, string>();
  private lookedAt: number;

  constructor(private readonly parts: FindingsParts) {
    this.lookedAt = parts.clock.monotonic();
  }

  /** Of the live servers that no inherited command is about, settles those that are not as the log has them. */
  async adopt(found: RuntimeInfo[]): Promise<void> {
    const live = found.filter((run) => run.status === "Running");
    const ids = live.map((run) => run.instanceId);
    const standing = await this.parts.persist(() => this.parts.channel.standing(ids));
    this.settle(
      live.filter((run) => judgeLive(run, standing?.get(run.instanceId)) !== "keep")
        .map((run) => run.instanceId),
    );
  }

  /**
   * Reports each run that the log takes for live here and that has ended, or of which nothing is left. In its lane, so
   * after an inherited command of the instance, which may have replaced it.
   */
  check(placed: RuntimeInfo[]): void {
    for (const run of placed) {
      this.parts.inLane(run.instanceId, async () => {
        // What runs in its place may be newer than the log.
        if (await this.hasEnded(run)) await this.settleOne(run.instanceId);
      });
    }
  }

  /** Looks at what lives of these instances, and does what the log calls for. */
  settle(instanceIds: readonly string[]): void {
    for (const instanceId of instanceIds) {
      this.parts.inLane(instanceId, () => this.settleOne(instanceId));
    }
  }

  /** Judges the strangers anew, now and then. */
  lookAgain(): void {
    const now = this.parts.clock.monotonic();
    if (this.strangers.size === 0 || now - this.lookedAt < LOOK_AGAIN_MS) return;
    this.lookedAt = now;
    this.settle([...this.strangers.keys()]);
  }

  async reportExit(exited: RuntimeInfo): Promise<void> {
    await this.report("Exited", exited);
  }

  /** Ends a live run that the log does not name: nobody would ever stop it. Design §4 rules 7, 9. */
  async endUnknown(instanceId: string, fence: Fence): Promise<void> {
    const { channel, platform, persist } = this.parts;
    const standing = await persist(() => channel.standing([instanceId]));
    const found = await platform.inspect(instanceId);
    if (!standing || found?.status !== "Running") return;
    if (standing.get(instanceId)?.runId !== found.runId) await platform.stop(instanceId, fence);
  }

  private async hasEnded(placed: RuntimeInfo): Promise<boolean> {
    const { channel, platform, clock, persist } = this.parts;
    const { instanceId, runId } = placed;
    const standing = await persist(() => channel.standing([instanceId]));
    if (standing?.get(instanceId)?.runId !== runId) return false;
    const found = await platform.inspect(instanceId);
    if (found?.runId === runId && found.status === "Running") return false;
    await this.reportExit(found?.runId === runId ? found : lostRun(placed, clock.now()));
    return true;
  }

  private async settleOne(instanceId: string): Promise<void> {
    const { channel, platform, persist } = this.parts;
    const standing = await persist(() => channel.standing([instanceId]));
    const found = await platform.inspect(instanceId);
    if (!standing || found?.status !== "Running") return void this.strangers.delete(instanceId);
    const finding = judgeLive(found, standing.get(instanceId));
    if (finding === "stranger") return this.tellOfStranger(found);
    this.strangers.delete(instanceId);
    if (finding === "report") {
      await this.report("Found", found, Math.max(0, this.parts.clock.now() - found.startedAt));
    }
    if (finding === "end") {
      await platform.stop(instanceId, { generation: found.generation, attempt: 0 });
    }
  }

  private tellOfStranger(found: RuntimeInfo): void {
    if (this.strangers.get(found.instanceId) === found.runId) return;
    this.strangers.set(found.instanceId, found.runId);
    this.parts.onStranger(found);
  }

  private async report(
    observation: "Exited" | "Found",
    runtimeInfo: RuntimeInfo,
    ageMs?: number,
  ): Promise<void> {
    const { instanceId } = runtimeInfo;
    const told = {
      instanceId,
      observation,
      runtimeInfo,
      ...(ageMs === undefined ? {} : { ageMs }),
    };
    const answer = await this.parts.persist(() => this.parts.channel.observe(told));
    if (answer && answer !== "recorded") this.parts.dismissed(answer);
  }
}
