/** Asks a server one question: over HTTP, TCP, or by a program that is run for it. */
import type { Clock } from "../../events/clock.ts";
import { reasonOf } from "../../events/errors.ts";
import { durationText, signalOf } from "../exit_description.ts";
import { networkProblem, withLimit } from "../network_probe.ts";
import type { ProbePlan } from "../templates/probe_plan.ts";
import type { ProcessTable } from "./process_table.ts";

/** What `setsid` ends with where there is no program, or none that can be run. */
const NOT_RUN_CODES: readonly number[] = [126, 127];
/** What probes need of the host. */
export interface ProbeTools {
  clock: Clock;
  table: ProcessTable;
  /** The host's `setsid`, absolute: a program that is asked leads a group of its own, which ends as a whole. */
  setsidPath: string;
}

/** What is wrong, in words; null for a probe that passed. Never rejects. What an abort has cut off says nothing. */
export async function probeOnce(
  tools: ProbeTools,
  plan: ProbePlan,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  return await withLimit(tools.clock, timeoutMs, signal, async (limit) => {
    return plan.kind === "command"
      ? await commandProblem(tools, plan, timeoutMs, limit)
      : await networkProblem(plan, timeoutMs, limit);
  });
}

/** What it writes is not kept: it may be a secret, or without end. */
async function commandProblem(
  { table, setsidPath }: ProbeTools,
  plan: ProbePlan & { kind: "command" },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  const name = plan.name ?? plan.argv[0]!;
  if (signal.aborted) return `${name} was not run`;
  try {
    const child = new Deno.Command(setsidPath, {
      args: [...plan.argv],
      env: plan.env,
      clearEnv: true,
      cwd: plan.workingDirectory,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const end = () => void endGroup(table, child);
    signal.addEventListener("abort", end, { once: true });
    const status = await child.status;
    signal.removeEventListener("abort", end);
    if (signal.aborted) return `${name} did not end within ${durationText(timeoutMs)}`;
    if (status.success) return null;
    if (NOT_RUN_CODES.includes(status.code)) return `${name} is not there, or cannot be run`;
    const killed = status.signal ?? signalOf(status.code);
    return killed === null
      ? `${name} ended with ${status.code}`
      : `${name} was killed by ${killed}`;
  } catch (error) {
    return `${name} could not be run (${reasonOf(error)})`;
  }
}

async function endGroup(table: ProcessTable, child: Deno.ChildProcess): Promise<void> {
  const { pid } = child;
  const startTicks = await table.startTicksOf(pid).catch(() => null);
  const bootId = await table.bootId().catch(() => null);
  const isEnded = startTicks !== null && bootId !== null &&
    await table.signalGroup({ pid, startTicks, bootId }, "SIGKILL").catch(() => false);
  if (isEnded) return;
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}
