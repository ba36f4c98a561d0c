/** Questions to a server over the network, as probes ask them: an HTTP GET, a TCP connection. */
import type { Clock } from "../events/clock.ts";
import { reasonOf } from "../events/errors.ts";
import { durationText } from "./exit_description.ts";

/** The most that is read of an answer. */
const ANSWER_BYTES_MAX = 1_048_576;

/** One GET that has to answer with a 2xx; and, where it names an instance of drasi-server, with a list that has it. */
export interface HttpCheck {
  url: string;
  listsInstance?: string | undefined;
}

/** What can be asked over a network. All checks have to pass. */
export type NetworkQuestion =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "http"; checks: readonly HttpCheck[] };

/** What is wrong, in words; null for a probe that passed. Never rejects. */
export async function networkProblem(
  plan: NetworkQuestion,
  timeoutMs: number,
  limit: AbortSignal,
): Promise<string | null> {
  if (plan.kind === "tcp") return await tcpProblem(plan.host, plan.port, limit);
  for (const check of plan.checks) {
    const problem = await httpProblem(check, timeoutMs, limit);
    if (problem !== null) return problem;
  }
  return null;
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
