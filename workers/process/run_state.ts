/** Finds out what has become of an instance's latest run, from its records and the process table. */
import type { Exit, RuntimeInfo } from "../../events/runtime_info.ts";
import { describeExit, isFailure } from "../exit_description.ts";
import type {
  ExitRecord,
  InstanceFolder,
  LaunchRecord,
  RunRecord,
  StopRecord,
} from "./instance_folder.ts";
import { maskOfRun } from "./hidden_secrets.ts";
import type { ProcessIdentity, ProcessTable } from "./process_table.ts";
import { SECRET_BYTES_MAX } from "../secret_store.ts";
import { endOfRun } from "./logs/log_reader.ts";
import { openOutput } from "./logs/log_store.ts";
import { redacted } from "../redaction.ts";
import type { ProbeRecord } from "./probe_record.ts";
import { capsuleFor } from "./failure_records.ts";

const LOG_TAIL_BYTES_MAX = 8_192;

/** The latest run as it is now. */
export type RunState =
  | { kind: "none" }
  | { kind: "live"; run: RunRecord }
  /** Its process is gone, and its exit is not on record (yet). */
  | { kind: "gone"; run: RunRecord }
  | { kind: "ended"; run: RunRecord; exit: ExitRecord; stoppedAt: number };

/** Looks at records, then at the process. Changes nothing. */
export async function runStateOf(folder: InstanceFolder, table: ProcessTable): Promise<RunState> {
  const run = await folder.readRun();
  if (run === null) return { kind: "none" };
  const recorded = await folder.readExit(run.runId);
  if (recorded) return { kind: "ended", run, exit: recorded.record, stoppedAt: recorded.at };
  return { kind: await isAlive(run, table) ? "live" : "gone", run };
}

/** Whether the very process of this run is there: pid, start time and boot. */
export async function isAlive(run: RunRecord, table: ProcessTable): Promise<boolean> {
  return run.bootId === await table.bootId() &&
    run.startTicks === await table.startTicksOf(run.pid);
}

/** What a run's process is known by. */
export function identityOf(run: RunRecord): ProcessIdentity {
  return { pid: run.pid, startTicks: run.startTicks, bootId: run.bootId };
}

/** What is said of a live run. */
export function liveInfo(
  site: string,
  instanceId: string,
  run: RunRecord,
  launch: LaunchRecord | null,
): RuntimeInfo {
  return { ...commonInfo(site, instanceId, run, launch), status: "Running" };
}

/**
 * What is said of an ended run, with the end of its output if it failed.
 * @param asked the stop that was asked for, where it may not be on record (a full disk)
 * @param probes what its probes have said; only who saw its end knows
 */
export async function endedInfo(
  site: string,
  folder: InstanceFolder,
  ended: { run: RunRecord; exit: ExitRecord; stoppedAt: number },
  asked: StopRecord | null = null,
  probes: ProbeRecord | null = null,
): Promise<RuntimeInfo> {
  const { run } = ended;
  const launch = await folder.readLaunch(run.runId);
  const stop = asked ?? await folder.readStop(run.runId);
  const info = bareEndedInfo(site, folder.instanceId, run, ended, launch, stop);
  const isBad = isFailure(info.exit) || probes?.isFailed === true;
  const capsule = await capsuleFor(folder, run.runId, launch, isBad, probes);
  if (capsule === null && !isBad) return info;
  return await withLogTail(folder, capsule === null ? info : { ...info, capsule });
}

/** The end of a run with the last of what it said; for an end that somebody will want to understand. */
export async function withLogTail(
  folder: InstanceFolder,
  info: RuntimeInfo,
): Promise<RuntimeInfo> {
  const launch = await folder.readLaunch(info.runId);
  // More than is kept, so that no secret is cut at its front and then not known any more.
  const bytesMax = LOG_TAIL_BYTES_MAX + (launch?.secrets.length === 0 ? 0 : SECRET_BYTES_MAX);
  const output = openOutput(folder.path, false, 0);
  const begin = { stdout: launch?.logOffset ?? 0, stderr: launch?.errorOffset ?? 0 };
  const mask = await maskOfRun(folder, info.runId);
  const logTail = redacted(mask(endOfRun(output, begin, bytesMax))).slice(-LOG_TAIL_BYTES_MAX);
  return logTail === "" ? info : { ...info, logTail };
}

/** As `endedInfo`, from what is at hand: reads nothing. */
export function bareEndedInfo(
  site: string,
  instanceId: string,
  run: RunRecord,
  ended: { exit: ExitRecord; stoppedAt: number },
  launch: LaunchRecord | null = null,
  stop: StopRecord | null = null,
): RuntimeInfo & { exit: Exit } {
  return {
    ...commonInfo(site, instanceId, run, launch),
    status: "Stopped",
    stoppedAt: ended.stoppedAt,
    exit: describeExit(
      ended.exit,
      stop,
      ended.stoppedAt - run.startedAt,
      launch?.confined?.limits.memoryBytes,
    ),
  };
}

function commonInfo(
  site: string,
  instanceId: string,
  run: RunRecord,
  launch: LaunchRecord | null,
): Omit<RuntimeInfo, "status"> {
  return {
    instanceId,
    runId: run.runId,
    generation: run.generation,
    site,
    startedAt: run.startedAt,
    processId: String(run.pid),
    ...(launch === null || launch.host === null ? {} : { host: launch.host }),
    ...(launch === null || launch.port === null ? {} : { port: launch.port }),
    ...(launch === null || launch.leaseMs === null ? {} : { leaseMs: launch.leaseMs }),
    ...(launch?.confined ? limitsInfo(launch.confined) : {}),
    runtimeMetadata: launch?.runtimeMetadata ?? {},
  };
}

function limitsInfo(
  { limits, notSet }: NonNullable<LaunchRecord["confined"]>,
): Pick<RuntimeInfo, "limits" | "limitsNotSet"> {
  return { limits, ...(Object.keys(notSet).length === 0 ? {} : { limitsNotSet: notSet }) };
}
