/** The platform port over the model host, as one life of a worker sees it. */
import type { HealthReport } from "../../events/health.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { LogPage } from "../../events/server_output.ts";
import { type HealthState, judgeHealth, UNPROBED } from "../../workers/health_judgement.ts";
import type {
  Fence,
  Leases,
  Platform,
  StartOutcome,
  StartSpec,
  StopOutcome,
} from "../../workers/platform.ts";
import type { Chance } from "./chance.ts";
import type { ModelHost, ModelProcess, ShimResult } from "./host_model.ts";
import type { Life } from "./virtual_time.ts";

const SETTLE_MS = 200;
const GRACE_MS = 1_000;
const POLL_MS = 20;
const PROBE_MS = 1_000;

export class ModelPlatform implements Platform {
  readonly name = "process";
  readonly leases: Leases;
  private readonly asked = new Set<string>();
  private readonly probed = new Set<string>();
  private listener: (runtimeInfo: RuntimeInfo) => void = () => {};
  private tellHealth: (report: HealthReport) => void = () => {};

  constructor(
    private readonly host: ModelHost,
    private readonly life: Life,
    private readonly chance: Chance,
    readonly site: string,
  ) {
    this.leases = {
      areHeld: () => host.processes.some((one) => one.isAlive && one.leaseMs !== null),
      now: () => Promise.resolve(host.time.elapsed),
      heard: (asOfMs) => Promise.resolve(host.hear(asOfMs)),
    };
    const notice = (process: ModelProcess) => {
      if (!life.isAlive) host.listeners.delete(notice);
      // An exit is noticed a moment later, if by then somebody is there to notice.
      else if (!process.isAlive) this.later(chance.between(0, 50), () => this.noticeEnd(process));
    };
    host.listeners.add(notice);
  }

  async inventory(): Promise<RuntimeInfo[]> {
    await this.pause(2);
    return this.host.instances().flatMap((instanceId) => {
      const latest = this.host.latest(instanceId);
      // Those of a life before are asked from now on, too; of a start in work, once it is over.
      if (latest?.isAlive && !this.asked.has(latest.runId)) this.probe(latest);
      return latest ? [this.infoOf(latest)] : [];
    });
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    await this.pause(2);
    const latest = this.host.latest(instanceId);
    return latest && this.infoOf(latest);
  }

  async fence(instanceId: string, fence: Fence): Promise<RuntimeInfo | null> {
    for (;;) {
      const latest = this.host.latest(instanceId);
      if (latest?.isAlive || this.host.raiseFence(instanceId, fence)) {
        return latest && this.infoOf(latest);
      }
      this.host.endShim(instanceId);
      await this.pause(POLL_MS);
    }
  }

  async start(spec: StartSpec, signal: AbortSignal): Promise<StartOutcome> {
    const deadline = this.host.time.elapsed + spec.spawnWithinMs;
    if (behaves(spec, "INVALID")) return failed("configuration_invalid", false, null);
    this.host.makeFolder(spec.instanceId);
    this.asked.add(spec.runId);
    const given = {
      ...spec,
      deadline,
      exitsAtOnce: behaves(spec, "CRASHES") && this.chance.happens(0.7),
      isStubborn: behaves(spec, "STUBBORN"),
      isSick: behaves(spec, "SICK"),
      lease: spec.lease ?? null,
    };
    const result = await new Promise<ShimResult>((resolve) => {
      const end = this.host.shim(given, (told) => this.later(0, () => resolve(told)));
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    });
    if (result.kind !== "started") {
      if (signal.aborted) return failed("aborted", true, null);
      const isTooLate = result.kind === "late" || result.kind === "silent";
      return failed(isTooLate ? "spawn_too_late" : result.kind, true, null);
    }
    const outcome = await this.untilStarted(result.process, spec, signal);
    this.asked.delete(spec.runId);
    return outcome;
  }

  private async untilStarted(
    process: ModelProcess,
    spec: StartSpec,
    signal: AbortSignal,
  ): Promise<StartOutcome> {
    const readyMs = SETTLE_MS + (behaves(spec, "SLOW") ? this.chance.between(0, 5_000) : 0);
    for (let waited = 0; waited < readyMs; waited += POLL_MS) {
      await this.pause(POLL_MS);
      if (!process.isAlive) return failed("exited_at_once", true, this.infoOf(process));
      this.tellHealth({ ...startOf(process), health: "starting" });
      if (!signal.aborted) continue;
      await this.end(process);
      return failed("aborted", true, this.infoOf(process));
    }
    this.probe(process);
    return { kind: "running", runtimeInfo: this.infoOf(process) };
  }

  /** Asks a server that can be sick until it ends, once for each life of a worker. */
  private probe(process: ModelProcess): void {
    if (process.sick === null || this.probed.has(process.runId)) return;
    this.probed.add(process.runId);
    let state: HealthState = UNPROBED;
    const look = () => {
      if (!process.isAlive) return;
      const { elapsed } = this.host.time;
      const isSick = elapsed >= process.sick!.fromMs && elapsed < process.sick!.untilMs;
      state = judgeHealth(
        state,
        isSick ? { problem: "sick" } : { problem: null, components: [] },
        { failures: 2, successes: 1 },
      );
      const { health, cause, reason } = state;
      const { start: _, ...run } = startOf(process);
      if (health !== null) {
        this.tellHealth({
          ...run,
          health,
          ...(cause === null ? {} : { cause }),
          ...(reason === null ? {} : { reason }),
        });
      }
      this.later(PROBE_MS, look);
    };
    this.later(0, look);
  }

  async stop(instanceId: string, fence: Fence): Promise<StopOutcome> {
    for (;;) {
      const found = await this.fence(instanceId, fence);
      if (found?.status !== "Running") return { kind: "stopped", runtimeInfo: found };
      this.asked.add(found.runId);
      const process = this.host.latest(instanceId);
      if (process) await this.end(process);
    }
  }

  async remove(instanceId: string, fence: Fence): Promise<StopOutcome> {
    const outcome = await this.stop(instanceId, fence);
    if (outcome.kind === "stopped") this.host.removeFolder(instanceId);
    return outcome;
  }

  onExit(listener: (runtimeInfo: RuntimeInfo) => void): void {
    this.listener = listener;
  }

  onHealth(listener: (report: HealthReport) => void): void {
    this.tellHealth = listener;
  }

  async logs(): Promise<string[]> {
    return [];
  }

  async readLogs(): Promise<LogPage> {
    return { lines: [], cursor: null, hasMore: false };
  }

  async close(): Promise<void> {}

  private noticeEnd(process: ModelProcess): void {
    if (this.asked.has(process.runId)) return;
    this.asked.add(process.runId);
    this.listener(this.infoOf(process));
  }

  /** The signal reaches a willing server even if this life ends; the kill after the grace period needs a worker. */
  private async end(process: ModelProcess): Promise<void> {
    if (!process.isStubborn) {
      this.host.after(this.chance.between(0, 50), () => this.host.end(process, 0));
    }
    for (let waited = 0; process.isAlive && waited < GRACE_MS; waited += POLL_MS) {
      await this.pause(POLL_MS);
    }
    this.host.end(process, null);
  }

  private infoOf(process: ModelProcess): RuntimeInfo {
    return infoOf(process, this.site);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve));
  }

  private later(ms: number, run: () => void): void {
    this.host.time.after(ms, run, this.life);
  }
}

function startOf({ instanceId, runId, generation, startedAt }: ModelProcess) {
  return {
    instanceId,
    runId,
    runGeneration: generation,
    start: { step: "settling" as const, since: startedAt },
  };
}

function infoOf(process: ModelProcess, site: string): RuntimeInfo {
  return {
    instanceId: process.instanceId,
    status: process.isAlive ? "Running" : "Stopped",
    runId: process.runId,
    generation: process.generation,
    site,
    startedAt: process.startedAt,
    processId: String(process.processId),
    ...(process.leaseMs === null ? {} : { leaseMs: process.leaseMs }),
    runtimeMetadata: {},
    ...(process.endedAt === null ? {} : {
      stoppedAt: process.endedAt,
      exit: {
        code: process.exitCode,
        signal: null,
        reason: reasonOf(process),
        message: `exited with ${process.exitCode}`,
      },
    }),
  };
}

function reasonOf({ isLapsed, isRebooted }: ModelProcess) {
  if (isRebooted) return "HostRebooted" as const;
  return isLapsed ? "LeaseLapsed" as const : "Exited" as const;
}

/** How this server behaves is in its environment. */
function behaves(spec: StartSpec, name: string): boolean {
  return (spec.configuration.env as Record<string, string> | undefined)?.[name] === "1";
}

function failed(code: string, retryable: boolean, runtimeInfo: RuntimeInfo | null): StartOutcome {
  return { kind: "failed", failure: { code, message: code, retryable }, runtimeInfo };
}
