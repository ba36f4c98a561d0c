/** Waits until a new server answers. */
import { type Clock, sleep } from "../../events/clock.ts";
import { reasonOf } from "../../events/errors.ts";
import type { HttpCheck, ReadinessPlan } from "../templates/launch_plan.ts";

const PAUSE_MS_FIRST = 10;
const PAUSE_MS_MAX = 200;
const ANSWER_WITHIN_MS = 2_000;
const ANSWER_BYTES_MAX = 1_048_576;

/** The probe's outcome: null when the server is ready, otherwise what was last wrong. */
export async function waitUntilReady(
  plan: ReadinessPlan,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  const end = clock.monotonic() + plan.withinMs;
  let pauseMs = PAUSE_MS_FIRST;
  let problem = "was not asked";
  while (!signal.aborted) {
    const found = await problemNow(plan, clock, signal);
    if (found === null) return null;
    // A probe that was cut off says nothing; the one before it does.
    if (!signal.aborted) problem = found;
    const leftMs = end - clock.monotonic();
    if (leftMs <= 0) break;
    await sleep(clock, Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
  }
  return problem;
}

async function problemNow(
  plan: ReadinessPlan,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | null> {
  const limit = new AbortController();
  const abort = () => limit.abort();
  const cancel = clock.after(ANSWER_WITHIN_MS, abort);
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (plan.kind === "tcp") return await tcpProblem(plan.host, plan.port, limit.signal);
    for (const check of plan.checks) {
      const problem = await httpProblem(check, limit.signal);
      if (problem !== null) return problem;
    }
    return null;
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

async function httpProblem(check: HttpCheck, signal: AbortSignal): Promise<string | null> {
  try {
    const answer = await fetch(check.url, {
      signal,
      redirect: "manual",
      headers: { accept: "application/json, */*" },
    });
    if (!answer.ok || check.listsInstance === undefined) await answer.body?.cancel();
    if (!answer.ok) return `${check.url} answered ${answer.status}`;
    if (check.listsInstance === undefined) return null;
    return await lists(answer, check.listsInstance)
      ? null
      : `another server answers: ${check.url} does not list instance ${check.listsInstance}`;
  } catch (error) {
    return signal.aborted
      ? `${check.url} did not answer within ${ANSWER_WITHIN_MS / 1_000} s`
      : `${check.url} does not answer (${reasonOf(error)})`;
  }
}

/** Whether the answer, `{data: [{id}]}`, has the instance. */
async function lists(answer: Response, instanceId: string): Promise<boolean> {
  const size = Number(answer.headers.get("content-length") ?? 0);
  if (size > ANSWER_BYTES_MAX) {
    await answer.body?.cancel();
    return false;
  }
  const body: unknown = await answer.json();
  if (body === null || typeof body !== "object" || !("data" in body)) return false;
  return Array.isArray(body.data) && body.data.some((item) => item?.id === instanceId);
}
