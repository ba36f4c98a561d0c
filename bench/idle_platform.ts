/** A platform that runs nothing and answers at once, so that an ask costs what the control plane costs. */
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { LogPage } from "../events/server_output.ts";
import {
  NO_LEASES,
  type Platform,
  type StartOutcome,
  type StartSpec,
  type StopOutcome,
} from "../workers/platform.ts";

export class IdlePlatform implements Platform {
  readonly name = "process";
  readonly site = "bench-site";
  readonly leases = NO_LEASES;
  private readonly runs = new Map<string, RuntimeInfo>();

  async inventory(): Promise<RuntimeInfo[]> {
    return [...this.runs.values()];
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    return this.runs.get(instanceId) ?? null;
  }

  async start(spec: StartSpec): Promise<StartOutcome> {
    const { instanceId, runId, fence } = spec;
    const runtimeInfo: RuntimeInfo = {
      instanceId,
      status: "Running",
      runId,
      generation: fence.generation,
      site: this.site,
      startedAt: Date.now(),
      processId: "12345",
      runtimeMetadata: {},
    };
    this.runs.set(instanceId, runtimeInfo);
    return { kind: "running", runtimeInfo };
  }

  fence(instanceId: string): Promise<RuntimeInfo | null> {
    return this.inspect(instanceId);
  }

  async stop(instanceId: string): Promise<StopOutcome> {
    const run = this.runs.get(instanceId);
    if (!run) return { kind: "stopped", runtimeInfo: null };
    const runtimeInfo: RuntimeInfo = {
      ...run,
      status: "Stopped",
      stoppedAt: Date.now(),
      exit: { code: null, signal: "SIGTERM", reason: "Stopped", message: "Stopped on request." },
    };
    this.runs.set(instanceId, runtimeInfo);
    return { kind: "stopped", runtimeInfo };
  }

  async remove(instanceId: string): Promise<StopOutcome> {
    const outcome = await this.stop(instanceId);
    this.runs.delete(instanceId);
    return outcome;
  }

  onExit(): void {}

  onHealth(): void {}

  async logs(): Promise<string[]> {
    return [];
  }

  async readLogs(): Promise<LogPage> {
    return { lines: [], cursor: null, hasMore: false };
  }

  async close(): Promise<void> {}
}
