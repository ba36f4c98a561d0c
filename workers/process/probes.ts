/** Asks a server one question: over HTTP, TCP, or by a program that is run for it. */
import type { Clock } from "../../events/clock.ts";
import { reasonOf } from "../../events/errors.ts";
import type { HttpCheck, ProbePlan } from "../templates/probe_plan.ts";
import { durationText, signalOf } from "./exit_description.ts";
import type { ProcessTable } from "./process_table.ts";

/** What `setsid` ends with where there is no program, or none that can be run. */
const NOT_RUN_CODES: readonly number[] = [126, 127];
/** The most that is read of an answer. */
const ANSWER_BYTES_MAX = 1_048_576;

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
    switch (plan.kind) {
      case "tcp":
        return await tcpProblem(plan.host, plan.port, limit);
      case "command":
        return await commandProblem(tools, plan, timeoutMs, limit);
      case "http":
        for (const check of plan.checks) {
          const problem = await httpProblem(check, timeoutMs, limit);
          if (problem !== null) return problem;
        }
        return null;
    }
  });
}

/** Runs `work` with a signal that is aborted by `signal` and when the time is over. */
export async function withLimit<T>(
  clock: Clock,
  limitMs: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const abort = () => limit.abort();
  const cancel = clock.after(limitMs, abort);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await work(limit.signal);
  } finally {
    cancel();
    signal.removeEventListener("abort", abort);
  }
}

async function tcpProblem(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    (await Deno.connect({ hostname, port, signal })).close();
    return null;
  } catch (error) {
    return `no TCP connection to ${hostname}:${port} (${reasonOf(error)})`;
  }
}

async function httpProblem(
  check: HttpCheck,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const answer = await get(check.url, signal);
    if (!answer.ok || check.listsInstance === undefined) await answer.body?.cancel();
    if (!answer.ok) return `${check.url} answered ${answer.status}`;
    if (check.listsInstance === undefined) return null;
    const listed = await listOf(answer);
    return listed?.some((item) => item.id === check.listsInstance)
      ? null
      : `another server answers: ${check.url} does not list instance ${check.listsInstance}`;
  } catch (error) {
    return signal.aborted
      ? `${check.url} did not answer within ${durationText(timeoutMs)}`
      : `${check.url} does not answer (${reasonOf(error)})`;
  }
}

/** A GET that follows no redirect. */
export function get(url: string, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    signal,
    redirect: "manual",
    headers: { accept: "application/json, */*" },
  });
}

/** The items of an answer `{data: [{…}]}`; null for any other, for one that is no JSON, and for one that is too large. */
export async function listOf(answer: Response): Promise<Record<string, unknown>[] | null> {
  const size = Number(answer.headers.get("content-length") ?? 0);
  if (size > ANSWER_BYTES_MAX) {
    await answer.body?.cancel();
    return null;
  }
  const body: unknown = await answer.json().catch((error: unknown) => {
    // Its message quotes what the server said.
    if (error instanceof SyntaxError) return null;
    throw error;
  });
  if (body === null || typeof body !== "object" || !("data" in body)) return null;
  return Array.isArray(body.data)
    ? body.data.filter((item) => item !== null && typeof item === "object")
    : null;
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
