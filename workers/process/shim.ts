/** Runs the shim: the one way in which this platform starts a server. Design §4 rule 6. */
import { OperationalError } from "../../events/errors.ts";
import type { StartSpec } from "../platform.ts";
import type { Confined } from "./confinement.ts";
import { fenceNumber } from "./fence_number.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { RunRecord } from "./instance_folder.ts";
import { readLines } from "./line_reader.ts";
import type { ProcessHost } from "./process_host.ts";
import { endStragglers } from "./stragglers.ts";

/** What a shim says about its start. */
export type ShimReport =
  | { kind: "started"; run: RunRecord; shim: Deno.ChildProcess; loose: string[] }
  /** Someone holds the instance's lock. */
  | { kind: "locked" }
  /** The folder has seen a higher fence. */
  | { kind: "stale" }
  /** The spawn deadline had passed. */
  | { kind: "late" }
  /** The run could not be written down, so nothing was run: mostly a full disk. */
  | { kind: "unrecorded" }
  /** The host demands limits, and did not let it set this one. */
  | { kind: "unconfined"; what: string }
  /** The host's `flock` does not work. */
  | { kind: "unsupported" }
  /** It ended without a word, or was ended with all that came of it: it froze, or the start was aborted. */
  | { kind: "silent" };

/** A shim that froze is given this much past the spawn deadline, after which it starts nothing. */
const REPORT_SLACK_MS = 2_000;

/** Our marks, by which the shim is found too. All others are passed around its shell, which uses and sets some itself. */
const MARK = /^DRAAS_/;

/**
 * Spawns a shim and waits for its report.
 * @param deadlineCs the spawn deadline on the boot clock, see `ProcessTable.uptimeCs`
 * @param signal ends it as long as it has not reported: what it would start may be another's to start by then
 */
export async function runShim(
  host: ProcessHost,
  spec: StartSpec,
  plan: LaunchPlan,
  confined: Confined,
  deadlineCs: number,
  signal: AbortSignal,
): Promise<ShimReport> {
  const startedAt = host.clock.now();
  const bootId = await host.table.bootId();
  const folder = `${host.instancesFolder}/${spec.instanceId}`;
  const child = spawn(host, plan, shimEnvironment(host, plan.env, confined), [
    host.shimPath,
    folder,
    spec.runId,
    String(spec.fence.generation),
    String(fenceNumber(spec.fence)),
    String(deadlineCs),
    String(startedAt),
    bootId,
    ...leaseArguments(spec, plan),
    host.setsidPath,
    ...plan.argv,
  ]);
  const limitMs = spec.spawnWithinMs + REPORT_SLACK_MS;
  const end = () => void giveUp(host, spec);
  const cancel = host.clock.after(limitMs, end);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const loose: string[] = [];
  try {
    for await (const line of readLines(child.stdout)) {
      const report = parseReport(line);
      if (report === null) continue;
      if (report.kind === "loose") {
        loose.push(report.what);
        continue;
      }
      if (report.kind !== "started") return report;
      const { pid, startTicks } = report;
      const { runId, fence: { generation } } = spec;
      const fence = fenceNumber(spec.fence);
      const run = { runId, pid, startTicks, bootId, generation, fence, startedAt };
      return { kind: "started", run, shim: child, loose };
    }
    return { kind: "silent" };
  } finally {
    cancel();
    signal.removeEventListener("abort", end);
  }
}

/** The lease, from when it counts, and what asks the server to end when it is over; 0 for a run without one. */
function leaseArguments({ lease }: StartSpec, { stopSignal }: LaunchPlan): string[] {
  const [leaseMs, fromMs] = lease ? [lease.leaseMs, lease.fromMs] : [0, 0];
  const centiseconds = [leaseMs, fromMs].map((ms) => String(Math.floor(ms / 10)));
  return [...centiseconds, stopSignal.replace("SIG", "")];
}

/** Ends a shim that is not to go on: all of its processes, since the last of them holds the report's pipe. */
async function giveUp(host: ProcessHost, spec: StartSpec): Promise<void> {
  const { instanceId, runId } = spec;
  await endStragglers(host.table, host.clock, { site: host.site, instanceId, runId })
    // Without the process table nothing can be ended; the start's own limit is its caller's.
    .catch(() => false);
}

type ParsedReport =
  | Exclude<ShimReport, { kind: "started" | "silent" }>
  | { kind: "started"; pid: number; startTicks: string }
  | { kind: "loose"; what: string };

function parseReport(line: string): ParsedReport | null {
  const [kind, first = "", second = ""] = line.split(" ");
  switch (kind) {
    case "started":
      return { kind, pid: Number(first), startTicks: second };
    case "loose":
    case "unconfined":
      return { kind, what: first };
    case "stale":
    case "locked":
    case "late":
    case "unrecorded":
    case "unsupported":
      return { kind };
    default:
      // `lock`: it has the lock, and goes on.
      return null;
  }
}

function spawn(
  host: ProcessHost,
  plan: LaunchPlan,
  env: Record<string, string>,
  args: string[],
): Deno.ChildProcess {
  try {
    // A session of its own by setsid, not by `detached`, which forks this whole process: the larger it is, the longer
    // every start would hold the event loop. A child of ours leads no group, so setsid becomes the shim in place.
    return new Deno.Command(host.setsidPath, {
      args: ["sh", ...args],
      cwd: plan.workingDirectory,
      clearEnv: true,
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new OperationalError(
      "host_unsupported",
      "the host's setsid is gone",
      false,
      "Install a POSIX shell and util-linux.",
      { cause: error },
    );
  }
}

function shimEnvironment(
  host: ProcessHost,
  env: Readonly<Record<string, string>>,
  { joins, ulimits }: Confined,
): Record<string, string> {
  const carried = Object.keys(env).filter((name) => !MARK.test(name));
  const entries = Object.entries(env).map(([name, value]): [string, string] =>
    MARK.test(name) ? [name, value] : [`DRAAS_SET_${name}`, value]
  );
  return {
    ...Object.fromEntries(entries),
    PATH: host.hostEnvironment.PATH ?? "",
    DRAAS_SHIM: "1",
    DRAAS_SET: carried.join(" "),
    // Always, so that no variable of the server's own is taken for them.
    DRAAS_JOINS: joins.join(" "),
    DRAAS_ULIMITS: ulimits.join(" "),
    DRAAS_MUST: host.policy.limitsMustHold ? "1" : "",
  };
}
