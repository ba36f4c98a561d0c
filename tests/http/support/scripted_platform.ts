/** A platform that runs nothing: it says what it was told to say, so that the API's answers can be compared whole. */
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import type { LogPage, LogReading, OutputLine } from "../../../events/server_output.ts";
import {
  NO_LEASES,
  type Platform,
  type StartOutcome,
  type StartSpec,
  type StopOutcome,
} from "../../../workers/platform.ts";

export const STARTED_AT = 1_700_000_000_000;
export const STOPPED_AT = 1_700_000_060_000;

export class ScriptedPlatform implements Platform {
  readonly name = "process";
  readonly site = "site-1";
  readonly leases = NO_LEASES;
  readonly lines: string[] = [];
  /** What a page of an output has; nothing: no output can be followed. */
  page: readonly OutputLine[] = [];
  /** Starts wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** What every start fails with, while set. */
  failure: { code: string; message: string; retryable: boolean } | null = null;
  /** Of the last start. */
  lastSignal: AbortSignal | null = null;
  private readonly runs = new Map<string, RuntimeInfo>();

  async inventory(): Promise<RuntimeInfo[]> {
    return [...this.runs.values()];
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    return this.runs.get(instanceId) ?? null;
  }

  /** A run that is here without having been started here. */
  remember(run: RuntimeInfo): void {
    this.runs.set(run.instanceId, run);
  }

  /** A run and its records are gone. */
  forget(instanceId: string): void {
    this.runs.delete(instanceId);
  }

  async start(spec: StartSpec, signal: AbortSignal | null = null): Promise<StartOutcome> {
    this.lastSignal = signal;
    await this.gate;
    if (this.failure) return { kind: "failed", failure: this.failure, runtimeInfo: null };
    const { host, port } = spec.configuration;
    const runtimeInfo: RuntimeInfo = {
      instanceId: spec.instanceId,
      status: "Running",
      runId: spec.runId,
      generation: spec.fence.generation,
      site: this.site,
      startedAt: STARTED_AT,
      processId: "12345",
      ...(typeof host === "string" ? { host } : {}),
      ...(typeof port === "number" ? { port } : {}),
      ...(spec.lease ? { leaseMs: spec.lease.leaseMs } : {}),
      runtimeMetadata: { standIn: "true" },
    };
    this.runs.set(spec.instanceId, runtimeInfo);
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
      stoppedAt: STOPPED_AT,
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

  async logs(_instanceId: string, tailLines: number): Promise<string[]> {
    return this.lines.slice(-tailLines);
  }

  async readLogs(_instanceId: string, { cursor }: LogReading): Promise<LogPage> {
    if (this.page.length === 0) return { lines: [], cursor: null, hasMore: false };
    if (cursor === undefined) return { lines: [...this.page], cursor: "1.2.3", hasMore: false };
    // Nothing more comes: it takes as long as a short question may.
    await new Promise((resolve) => setTimeout(resolve, 10));
    return { lines: [], cursor, hasMore: false };
  }

  async close(): Promise<void> {}
}
