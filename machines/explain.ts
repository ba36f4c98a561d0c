/** Why an instance is what it is, and what comes next: a pure reading of its state and its newest events. Design §1 promise 10. */
import type { Position, RecordedEvent } from "../events/envelope.ts";
import {
  commandText,
  endText,
  policyText,
  reportText,
  requestText,
  withoutStop,
} from "./explain_words.ts";
import { expectedOf, type ExpectedStep, leftAloneText } from "./explain_next.ts";
import type { InstanceState } from "./lifecycle.ts";
import type { InstanceStatus } from "./requests.ts";
import { statusOf } from "./status.ts";

/**
 * `request` by whom, `command` to whom, `accept` by which worker, its `answer`, an `end` without one, a `report` that
 * nobody asked for, what the restart `policy` decided; `gap`: events that are not told of.
 */
export type StepKind =
  | "request"
  | "command"
  | "accept"
  | "answer"
  | "end"
  | "report"
  | "policy"
  | "gap";

/** One link of the chain; several may stand on one event. */
export interface ExplainedStep {
  /** Epoch milliseconds by the log's clock. */
  at: number;
  version: number;
  position: Position;
  kind: StepKind;
  /** One sentence. */
  text: string;
  event: RecordedEvent["type"];
  requestedBy?: string;
  correlationId?: string;
  commandId?: string;
  workerId?: string;
  site?: string;
  runId?: string;
}

export interface Explanation {
  status: InstanceStatus;
  /** One sentence. */
  summary: string;
  /** Oldest first. */
  steps: ExplainedStep[];
  /** The first due first. */
  next: ExpectedStep[];
}

/** A server that crashes over and over makes a long chain: its begin and its end are told. */
const TOLD_FIRST = 8;
const TOLD_LAST = 24;

/**
 * What led to the present status. Never throws, whatever the history.
 * @param events the newest events up to `state`, oldest first; as far back as `reachesBack` says
 */
export function explain(state: InstanceState, events: readonly RecordedEvent[]): Explanation {
  const begin = beginOf(state, events);
  const before = begin < 0 ? gapBefore(events[0]) : [];
  const told = events.slice(Math.max(0, begin)).filter((event) => stepsOf(event).length > 0);
  const steps = [...before, ...bounded(told), ...leftAlone(state, events.at(-1))];
  const next = expectedOf(state);
  return { status: statusOf(state), summary: summaryOf(state, steps, next), steps, next };
}

/** Whether the request that began it all is among these events. */
export function reachesBack(state: InstanceState, events: readonly RecordedEvent[]): boolean {
  return beginOf(state, events) >= 0;
}

/** Where the last request of a person is, or an earlier one that is still in hand; −1: further back. */
function beginOf({ context }: InstanceState, events: readonly RecordedEvent[]): number {
  const inHand = [
    ...context.commands.map(({ commandId }) => commandId),
    ...(context.queuedStart ? [context.queuedStart.commandId] : []),
  ];
  const asked = inHand.map((id) => events.findIndex((event) => asksFor(event, id)));
  return Math.min(events.findLastIndex(isByPerson), ...asked);
}

function asksFor(event: RecordedEvent, commandId: string): boolean {
  return requestText(event) !== null && "commandId" in event.data &&
    event.data.commandId === commandId;
}

function isByPerson(event: RecordedEvent): boolean {
  if (event.type === "StartRequested") return event.data.cause === "user";
  if (event.type === "RestartRequested") return event.data.cause === undefined;
  return requestText(event) !== null;
}

/** The steps that an event stands for; none for what has no part in the status. */
function stepsOf(event: RecordedEvent): ExplainedStep[] {
  const isPolicy = requestText(event) !== null && !isByPerson(event) &&
    event.type !== "StopRequested";
  const isAnswer = event.type === "CommandSucceeded" || event.type === "CommandFailed";
  const texts: [StepKind, string | null][] = [
    [isPolicy ? "policy" : "request", requestText(event)],
    ["command", commandText(event)],
    ["accept", acceptText(event)],
    [isAnswer ? "answer" : "end", endText(event)],
    ["report", isUseless(event) ? null : reportText(event)],
    ["policy", policyText(event)],
  ];
  return texts.flatMap(([kind, text]) => text === null ? [] : [step(event, kind, text)]);
}

function acceptText(event: RecordedEvent): string | null {
  if (event.type !== "CommandAccepted") return null;
  const { workerId, site, attempt } = event.data;
  const again = attempt > 1 ? `, as attempt ${attempt}` : "";
  return `Worker ${workerId} at the site ${site} took the command${again}.`;
}

/** Of what workers say of health only what the restart policy acts on. */
function isUseless(event: RecordedEvent): boolean {
  return event.type === "HealthObserved" &&
    !(event.data.health === "unhealthy" && event.data.cause === "liveness");
}

function step(event: RecordedEvent, kind: StepKind, text: string): ExplainedStep {
  const { at, version, position, type, meta, data } = event;
  const ids = data as { commandId?: string | null; workerId?: string; site?: string | null };
  const runId = runIdOf(event);
  return {
    at,
    version,
    position,
    kind,
    text,
    event: type,
    ...(kind === "request" && meta.requestedBy ? { requestedBy: meta.requestedBy } : {}),
    ...(kind === "request" && meta.correlationId ? { correlationId: meta.correlationId } : {}),
    ...(ids.commandId ? { commandId: ids.commandId } : {}),
    ...(ids.workerId ? { workerId: ids.workerId } : {}),
    ...(ids.site ? { site: ids.site } : {}),
    ...(runId ? { runId } : {}),
  };
}

function runIdOf({ type, data }: RecordedEvent): string | undefined {
  if (type === "CommandSucceeded" || type === "CommandFailed") {
    return data.response.runtimeInfo?.runId;
  }
  if (type === "RuntimeObserved") return data.runtimeInfo.runId;
  return "runId" in data ? data.runId : undefined;
}

function gapBefore(first: RecordedEvent | undefined): ExplainedStep[] {
  if (!first || first.version === 1) return [];
  return [
    step(
      first,
      "gap",
      first.type === "Baseline"
        ? "What came before was cut from the log."
        : "What came before is further back than is looked at here.",
    ),
  ];
}

function bounded(told: readonly RecordedEvent[]): ExplainedStep[] {
  const left = told.slice(TOLD_FIRST, -TOLD_LAST);
  if (left.length === 0) return told.flatMap(stepsOf);
  return [
    ...told.slice(0, TOLD_FIRST).flatMap(stepsOf),
    step(left[0]!, "gap", `${left.length} more events are left out here.`),
    ...told.slice(-TOLD_LAST).flatMap(stepsOf),
  ];
}

/** That nothing is tried again is no event; it stands on the last one. */
function leftAlone(state: InstanceState, last: RecordedEvent | undefined): ExplainedStep[] {
  const text = leftAloneText(state);
  return text === null || !last ? [] : [step(last, "policy", text)];
}

/** Who asked for what, what became of it, and what comes next. */
function summaryOf(
  state: InstanceState,
  steps: readonly ExplainedStep[],
  next: readonly ExpectedStep[],
): string {
  const since = steps.slice(Math.max(0, steps.findLastIndex(({ kind }) => kind === "request")));
  const asked = since.find(({ kind }) => kind === "request");
  const happened = since.findLast(({ kind }) => ["answer", "end", "report"].includes(kind));
  const last = since.at(-1);
  const isPlan = last?.event === "RestartScheduled" && next[0]?.kind === "restart";
  const texts = [asked, happened, isPlan ? undefined : last, next[0]].flatMap((one) =>
    one === undefined ? [] : [clause(one.text)]
  );
  const status = statusOf(state);
  return texts.length === 0
    ? `It is ${status}.`
    : `It is ${status}: ${[...new Set(texts)].join("; ")}.`;
}

function clause(text: string): string {
  const isOurWord = /^(An?|The|Worker|Somebody|It|What) /.test(text);
  return withoutStop(isOurWord ? `${text[0]!.toLowerCase()}${text.slice(1)}` : text);
}
