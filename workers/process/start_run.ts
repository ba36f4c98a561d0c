/** Starts one run, from the checks before the spawn to the answer of its readiness probe. */
import { type Clock, sleep } from "../../events/clock.ts";
import { configurationFaults, describeFaults } from "../../events/configuration.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Failure, StartOutcome, StartSpec } from "../platform.ts";
import { knownFailureIn } from "../templates/known_failure.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { ReadinessPlan } from "../templates/probe_plan.ts";
import { launchFacts } from "./crash_capsule.ts";
import { keepGoodLaunch } from "./failure_records.ts";
import { durationText } from "../exit_description.ts";
import { confineRun, dropConfined, limitFailure } from "./confine_run.ts";
import { type Confined, loosened } from "./confinement.ts";
import { endRun } from "./end_run.ts";
import type { WatchedRun } from "./exit_watch.ts";
import { diskFull } from "./host_failure.ts";
import { hiddenRecord } from "./hidden_secrets.ts";
import type { InstanceFolder, LaunchRecord } from "./instance_folder.ts";
import { letGo } from "./let_go.ts";
import { type PreparedLaunch, prepareLaunch } from "./prepare_launch.ts";
import { endLeftovers, folderOf, type ProcessHost, settledStateOf } from "./process_host.ts";
import { handOver } from "./run_as.ts";
import { LogLineProbe } from "./log_line_probe.ts";
import { withProbesIn } from "./probe_programs.ts";
import { probeOnce } from "./probes.ts";
import { ANSWER_WITHIN_MS, waitUntilReady } from "../readiness.ts";
import { liveInfo, withLogTail } from "./run_state.ts";
import { revealed } from "./revealed_plan.ts";
import { runShim, type ShimReport } from "./shim.ts";
import { endStragglers } from "./stragglers.ts";

/** Of the output of a server that failed to start, in the failure's message. */
const MESSAGE_LINES_MAX = 10;
const MESSAGE_CHARACTERS_MAX = 1_500;
/** What a shell exits with when it cannot execute a program, or finds none. */
const SHELL_EXEC_CODES: readonly number[] = [126, 127];

/** One start. Nobody else starts or stops this instance meanwhile. */
export async function startRun(
  host: ProcessHost,
  spec: StartSpec,
  signal: AbortSignal,
): Promise<StartOutcome> {
  // First of all: the limit counts from the call.
  const askedAtCs = host.table.uptimeCs();
  // Awaited below: where the start ends before that, nobody needs to hear that the clock was away.
  askedAtCs.catch(() => {});
  const faults = configurationFaults(spec.template, spec.configuration);
  if (faults.length > 0) {
    return failed({
      code: "configuration_invalid",
      message: `Configuration is invalid: ${describeFaults(faults)}`,
      retryable: false,
    });
  }
  const folder = folderOf(host, spec.instanceId);
  const state = await settledStateOf(host, folder);
  if (state.kind === "live") return failed(lockedBy(`process ${state.run.pid}`));
  // The run before may have ended this instant: its end is reported before the next one begins.
  await host.watch.get(spec.instanceId)?.ended;
  const prepared = await prepareLaunch(host, spec, folder);
  if ("failure" in prepared) return failed(prepared.failure);
  if (signal.aborted) return failed(aborted());
  const confined = await confineRun(host, spec.runId, spec.limits);
  if ("failure" in confined) return failed(confined.failure);
  if (spec.lease) host.leases.hold();
  const undo = async () => {
    host.logs.refused(folder, spec.runId);
    await dropConfined(host, confined.joins);
  };
  const plan = withProbesIn(prepared.plan, confined);
  const launching = { ...prepared, plan };
  const started = await spawnPrepared(host, spec, folder, launching, confined, askedAtCs, signal)
    .catch(async (error) => {
      // What went wrong first is what is told.
      await undo().catch(() => {});
      throw error;
    });
  if ("failure" in started) {
    await undo();
    return failed(signal.aborted ? aborted() : started.failure);
  }
  const { report, launch } = started;
  // At once, and nothing is written before: a server that lives is never left unwatched.
  const watched = host.watch.watch(folder, report.run, report.shim.status);
  // Only now: until the lock was taken, the other folders could have been those of a live run.
  const pruned = keepGoodLaunch(folder, spec.runId)
    .then(() => folder.pruneRuns([spec.runId])).catch(() => undefined);
  const outcome = await untilStarted(host, spec, watched, { plan, launch }, signal);
  await pruned;
  // The server is to outlive the worker, and the worker is not to wait for the server.
  letGo(report.shim);
  return outcome;
}

interface Started {
  report: Extract<ShimReport, { kind: "started" }>;
  /** With the limits that hold after all. */
  launch: LaunchRecord;
}

/** Writes down how the run is launched, and spawns it; or says why nothing was spawned. */
async function spawnPrepared(
  host: ProcessHost,
  spec: StartSpec,
  folder: InstanceFolder,
  { plan, program, account, secrets, hidden }: PreparedLaunch,
  confined: Confined,
  askedAtCs: Promise<number>,
  signal: AbortSignal,
): Promise<Started | { failure: Failure }> {
  // The one form of the plan that holds secrets: for what is written and spawned, and for nothing else.
  const open = revealed(plan, secrets);
  const output = host.logs.prepare(folder, spec.runId);
  const launch = folder.prepare(spec.runId, open, {
    leaseMs: spec.lease?.leaseMs ?? null,
    output,
    confined,
    hidden: hiddenRecord(hidden, output),
    facts: launchFacts(plan, program, spec.configuration, spec.configurationRevision),
  });
  if (account) handOver(host, plan, folder, spec.runId, account);
  const deadlineCs = await askedAtCs + Math.floor(spec.spawnWithinMs / 10);
  host.health.tellStart(spec, "spawning", host.clock.now(), null);
  const report = await spawnOnce(host, spec, open, confined, deadlineCs, signal);
  if (report.kind !== "started") return { failure: await refusal(host, spec, report) };
  const held = launch.confined && loosened(launch.confined, report.loose);
  return { report, launch: { ...launch, ...(held && { confined: held }) } };
}

/** A held lock of an instance without a live run is looked into, once. */
async function spawnOnce(
  host: ProcessHost,
  spec: StartSpec,
  plan: LaunchPlan,
  confined: Confined,
  deadlineCs: number,
  signal: AbortSignal,
): Promise<ShimReport> {
  const report = await runShim(host, spec, plan, confined, deadlineCs, signal);
  if (report.kind !== "locked") return report;
  const folder = folderOf(host, spec.instanceId);
  const state = await settledStateOf(host, folder);
  if (state.kind === "live" || !await endLeftovers(host, folder)) return report;
  return await runShim(host, spec, plan, confined, deadlineCs, signal);
}

async function untilStarted(
  host: ProcessHost,
  spec: StartSpec,
  watched: WatchedRun,
  { plan, launch }: { plan: LaunchPlan; launch: LaunchRecord },
  signal: AbortSignal,
): Promise<StartOutcome> {
  const waiting = new AbortController();
  const abort = () => waiting.abort();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const ended = watched.ended.then((info) => (abort(), info));
  const problem = await problemAtStart(host, spec, watched, { plan, launch }, waiting.signal);
  signal.removeEventListener("abort", abort);
  if (signal.aborted) return await giveUp(host, watched, plan, aborted());
  // Its shim tells of its end within a millisecond or two; one that ends later than that has started, and ended.
  if (waiting.signal.aborted) return exitedAtOnce(await ended, plan);
  if (problem !== null) {
    host.health.giveUp(watched);
    return await giveUp(host, watched, plan, notReady(problem, plan));
  }
  watched.isStarting = false;
  host.health.follow(watched, plan.liveness);
  return {
    kind: "running",
    runtimeInfo: liveInfo(host.site, watched.folder.instanceId, watched.run, launch),
  };
}

async function problemAtStart(
  host: ProcessHost,
  spec: StartSpec,
  watched: WatchedRun,
  { plan, launch }: { plan: LaunchPlan; launch: LaunchRecord },
  signal: AbortSignal,
): Promise<string | null> {
  const { clock, health } = host;
  health.tellStart(spec, "settling", clock.now(), null);
  await settle(clock, plan.settleMs, signal);
  const { readiness } = plan;
  if (!readiness) return null;
  const since = clock.now();
  const ask = readinessQuestion(host, readiness, watched, launch, signal);
  return await waitUntilReady(readiness, clock, signal, async () => {
    const problem = await health.askReadiness(watched, ask);
    if (problem !== null) health.tellStart(spec, "waiting-for-readiness", since, problem);
    return problem;
  });
}

/** How the server is asked whether it is ready. */
function readinessQuestion(
  host: ProcessHost,
  readiness: ReadinessPlan,
  { folder }: WatchedRun,
  { logOffset, errorOffset }: LaunchRecord,
  signal: AbortSignal,
): () => Promise<string | null> {
  if (readiness.kind !== "log") {
    return () => probeOnce(host, readiness, ANSWER_WITHIN_MS, signal);
  }
  const begin = { stdout: logOffset, stderr: errorOffset };
  const probe = new LogLineProbe(readiness, folder.path, begin);
  return () => Promise.resolve(probe.problem());
}

/** Waits for `settleMs`, to the millisecond: timers are late by one or two, so it aims before the end. */
async function settle(clock: Clock, settleMs: number, signal: AbortSignal): Promise<void> {
  const until = clock.monotonic() + settleMs;
  for (let left = settleMs; left >= 1 && !signal.aborted; left = until - clock.monotonic()) {
    await sleep(clock, Math.max(1, left - 2), signal);
  }
}

async function giveUp(
  host: ProcessHost,
  watched: WatchedRun,
  plan: LaunchPlan,
  failure: Failure,
): Promise<StartOutcome> {
  const request = { signal: plan.bootStopSignal, graceMs: plan.stopGraceMs };
  const result = await endRun(host, watched, request);
  if ("failure" in result) {
    const { code, message, retryable } = result.failure;
    return failed({ code, message: `${failure.message} ${message}`, retryable });
  }
  // It ended on our request, which is no failure to the record of its end; to its owner it is one.
  const ended = await withLogTail(watched.folder, result.ended);
  return failed(withOutput(failure, ended), ended);
}

function exitedAtOnce(info: RuntimeInfo, plan: LaunchPlan): StartOutcome {
  const code = info.exit?.code ?? null;
  const isFinal = code !== null &&
    (plan.finalExitCodes.includes(code) || SHELL_EXEC_CODES.includes(code));
  const known = knownFailureIn(info.logTail ?? "", plan.knownFailures);
  if (known) return failed(withOutput(known, info), info);
  const failure: Failure = {
    code: "exited_at_once",
    message: `The server ${info.exit?.message ?? "ended"}, before it counted as started.`,
    retryable: !isFinal,
  };
  return failed(withOutput(failure, info), info);
}

/** What to say where the shim spawned nothing; what a silent one may have spawned is ended. */
async function refusal(
  host: ProcessHost,
  spec: StartSpec,
  report: Exclude<ShimReport, { kind: "started" }>,
): Promise<Failure> {
  switch (report.kind) {
    case "locked":
      return lockedBy("a process that could not be ended");
    case "stale":
      return {
        code: "stale_generation",
        message: "A newer command, or a newer attempt at this one, has overtaken this start.",
        retryable: false,
      };
    case "late":
      return tooLate(spec);
    case "unconfined":
      return limitFailure(report.what, "the host did not let the server in");
    case "unrecorded":
      return diskFull(host.instancesFolder);
    case "unsupported":
      return {
        code: "host_unsupported",
        message: "The host's flock does not work. Install the one of util-linux.",
        retryable: false,
      };
    case "silent": {
      const { instanceId, runId } = spec;
      await endStragglers(host.table, host.clock, { site: host.site, instanceId, runId });
      return tooLate(spec);
    }
  }
}

function tooLate(spec: StartSpec): Failure {
  return {
    code: "spawn_too_late",
    message:
      `The server was not spawned within ${durationText(spec.spawnWithinMs)}: the host was ` +
      "too slow, or asleep. Start it again.",
    retryable: true,
  };
}

function lockedBy(holder: string): Failure {
  return {
    code: "locked",
    message: `The instance is in use on this host by ${holder}. Stop it first.`,
    retryable: true,
  };
}

function aborted(): Failure {
  return { code: "aborted", message: "The start was cancelled.", retryable: true };
}

function notReady(problem: string, plan: LaunchPlan): Failure {
  const limit = durationText(plan.readiness?.withinMs ?? 0);
  return {
    code: "not_ready",
    message: `The server was not ready within ${limit}: ${problem}.`,
    retryable: true,
  };
}

function withOutput(failure: Failure, info: RuntimeInfo): Failure {
  const lines = (info.logTail ?? "").split("\n").slice(-MESSAGE_LINES_MAX).join("\n");
  const text = lines.slice(-MESSAGE_CHARACTERS_MAX);
  if (text === "") return failure;
  return { ...failure, message: `${failure.message} Its last output:\n${text}` };
}

function failed(failure: Failure, runtimeInfo: RuntimeInfo | null = null): StartOutcome {
  return { kind: "failed", failure, runtimeInfo };
}
