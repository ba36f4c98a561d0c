/**
 * Holds a fleet's log against the answers that users got, the commands in hand, the API and the processes that live.
 * Pure: it is given what was seen, and says what cannot be. Each instance has one total order, so no search is needed.
 */
import { comparePositions, type Position, type RecordedEvent } from "../../events/envelope.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { statusOf } from "../../machines/status.ts";
import { type Entry, Ledger, type PositionForm } from "./ledger.ts";
import { LIFECYCLE_RULES } from "./lifecycle_rules.ts";
import { COMMAND_RULES, ORDER_RULES } from "./log_rules.ts";
import { allBroken } from "./rule.ts";

/** What was checked of the log so far, with each instance's newest events in words for the story of a violation. */
export class History extends Ledger {
  readonly told = new Map<string, string[]>();
}

/** So many of them. */
const TOLD_MAX = 30;

/** One request of a user and what came of it. */
export interface Asked {
  /** Its `X-Request-Id`, in the log as `correlationId`; never used twice. */
  requestId: string;
  /** It repeats another one under its key: what is done, if anything, was done for that one. */
  isRepetition: boolean;
  kind: "create" | "start" | "stop" | "restart" | "delete" | "configure" | "move";
  instanceId: string | null;
  /** The newest position that anyone had been told of this instance before this was asked. */
  floor: Position;
  /** Null: the connection broke, so it may or may not have been done. */
  answer: Answered | null;
}

/** An answer, as far as it can be held against the log. */
export interface Answered {
  status: number;
  /** The problem's code. */
  code: string | null;
  position: Position | null;
  instanceId: string | null;
  commandId: string | null;
}

/** A live process that carries the marks of a run; shims left out. */
export interface LiveServer {
  pid: number;
  instanceId: string;
  runId: string;
  /** The server itself, not one of its children. */
  leads: boolean;
  /** Its program and arguments, for people. */
  command: string;
}

/** A history of which nothing is known. */
export function emptyHistory(form: PositionForm = "counting"): History {
  return new History(form);
}

/** Takes up the log's next events; says what in them cannot be. Their times are those of the log's clock. */
export function followLog(history: History, events: readonly RecordedEvent[]): string[] {
  return events.flatMap((event) => followEvent(history, event));
}

function followEvent(history: History, event: RecordedEvent): string[] {
  const { instanceId, position } = event;
  const entry = history.prepare({ event, writtenAt: event.at, clockAt: event.at });
  const faults = allBroken(LOG_RULES, history, entry);
  history.add(entry);
  const told = [...history.told.get(instanceId) ?? [], tell(event)];
  history.told.set(instanceId, told.slice(-TOLD_MAX));
  return faults.map(({ invariant, found }) =>
    `${event.type} at ${position} of ${instanceId}: ${found} (${invariant})`
  );
}

const LOG_RULES = { ...ORDER_RULES, ...COMMAND_RULES, ...LIFECYCLE_RULES };

function tell({ position, version, at, type, data, meta }: RecordedEvent): string {
  const time = new Date(at).toISOString().slice(11, 23);
  const text = JSON.stringify({ ...data, configuration: undefined, specification: undefined });
  return `${position} v${version} ${time} ${type} ${text} by ${meta.requestedBy} ${
    meta.correlationId ?? ""
  }`;
}

/** What in the answers the log does not bear out. The log must be followed beyond all of them. */
export function answerFaults(history: History, asked: readonly Asked[]): string[] {
  return asked.flatMap((request) => {
    const faults = [...orderOfRequest(history, request), ...answerFault(history, request)];
    return faults.map((fault) => `${request.kind} ${request.requestId}: ${fault}`);
  });
}

/** Answers that say that nothing was done. */
const REFUSALS: readonly string[] = [
  "conflict",
  "not_found",
  "already_exists",
  "deleted",
  "stale_version",
  "key_reused",
  "invalid",
  "busy",
];

function orderOfRequest(history: History, { requestId, floor }: Asked): string[] {
  const first = effectOf(history, requestId)[0]?.event.position;
  if (first === undefined || comparePositions(first, floor) > 0) return [];
  return [`its effect at ${first} is not after ${floor}, which was told before it was asked`];
}

function effectOf(history: History, requestId: string): readonly Entry[] {
  return history.effects.get(requestId)?.entries ?? [];
}

function answerFault(history: History, request: Asked): string[] {
  const { answer, requestId } = request;
  if (answer === null) return [];
  if (answer.status < 200 || answer.status > 299) {
    const first = effectOf(history, requestId)[0]?.event.position;
    return first !== undefined && answer.code !== null && REFUSALS.includes(answer.code)
      ? [`it was refused (${answer.code}), and yet it is in the log at ${first}`]
      : [];
  }
  const faults: string[] = [];
  const { position, commandId } = answer;
  const instanceId = request.instanceId ?? answer.instanceId;
  const event = position === null ? undefined : history.events.get(position)?.event;
  if (position === null) faults.push("its answer names no position");
  else if (!event) faults.push(`it was answered with ${position}, which is not in the log`);
  else if (event.instanceId !== instanceId) {
    faults.push(`it was answered with ${position}, which is about ${event.instanceId}`);
  }
  if (position !== null && comparePositions(position, request.floor) < 0) {
    faults.push(`it was answered with ${position}, though ${request.floor} had been told before`);
  }
  if (answer.status === 202 && commandId !== null && !history.commands.has(commandId)) {
    faults.push(`its command ${commandId} is not in the log`);
  }
  if (request.kind === "create" && event && event.type !== "InstanceCreated") {
    faults.push(`it was created by ${event.type}`);
  }
  const isOneWrite = request.kind === "create" || request.kind === "configure";
  const written = effectOf(history, requestId).at(-1)?.event.position ?? null;
  if (isOneWrite && !request.isRepetition && written !== position) {
    faults.push(`it was answered with ${position}, but what it wrote is at ${written}`);
  }
  return faults;
}

/** How a repetition under the same key differs from the first answer; empty when it may not be compared. */
export function repetitionFaults(first: Asked, again: Asked): string[] {
  if (!isKept(first.answer) || !isKept(again.answer)) return [];
  const expected = comparable(first.answer);
  const actual = comparable(again.answer);
  if (expected === actual) return [];
  return [
    `${first.kind} ${first.requestId} was answered ${expected}, and under the same key ` +
    `${again.requestId} was answered ${actual}`,
  ];
}

function isKept(answer: Answered | null): answer is Answered {
  if (answer === null) return false;
  const { code } = answer;
  const passing = ["outcome_unknown", "shutting_down", "unavailable", "log_closed"];
  return code === null || !(REFUSALS.includes(code) || passing.includes(code));
}

/** An accepted request's position is that of the state that is shown with it, which moves on. */
function comparable({ status, code, position, instanceId, commandId }: Answered): string {
  return JSON.stringify(
    status === 202 ? { status, commandId } : { status, code, instanceId, position },
  );
}

/** Commands that the log has not ended and nobody has in hand, and the reverse. */
export function inHandFaults(history: Ledger, inHand: readonly string[]): string[] {
  const open = history.openCommands().map(({ commandId }) => commandId);
  return [
    ...open.filter((id) => !inHand.includes(id)).map((id) =>
      `the command ${id} is lost: open in the log, in nobody's hand`
    ),
    ...inHand.filter((id) => !open.includes(id)).map((id) =>
      `the command ${id} is in hand, but not open in the log`
    ),
  ];
}

/** Instances with more than one live run. Needs no log: it must never be. */
export function neverTwoFaults(servers: readonly LiveServer[]): string[] {
  const runs = Map.groupBy(servers, ({ instanceId }) => instanceId);
  return [...runs].flatMap(([instanceId, own]) => {
    const runIds = new Set(own.map(({ runId }) => runId));
    const named = own.map(({ runId, pid, command }) => `${runId} (process ${pid}, ${command})`)
      .join(" and ");
    return runIds.size > 1 ? [`two live runs of ${instanceId}: ${named}`] : [];
  });
}

/** Whether nothing is under way for this instance: only then do log and processes have to agree at once. */
export function isAtRest({ context, value }: InstanceState): boolean {
  if (context.commands.length > 0) return false;
  return value.pending === "deleted" ||
    context.queuedStart === null && context.nextStart === null && value.run !== "starting";
}

/** How the live processes differ from what the log says of one instance that is at rest. */
export function ownerFaults(
  instanceId: string,
  state: InstanceState | undefined,
  servers: readonly LiveServer[],
): string[] {
  const own = servers.filter((server) => server.instanceId === instanceId);
  const run = state?.value.run === "running" && state.value.pending !== "deleted"
    ? state.context.run
    : null;
  const strangers = own.filter(({ runId }) => runId !== run?.runId);
  const status = state ? statusOf(state) : "unknown to the log";
  const faults = strangers.map(({ pid, runId }) =>
    `process ${pid} of ${instanceId} lives as run ${runId}, but the instance is ${status}` +
    (run ? ` as run ${run.runId}` : "")
  );
  const pid = run?.runtimeInfo?.processId;
  if (run && !own.some((server) => server.leads && String(server.pid) === pid)) {
    faults.push(`${instanceId} is Running as run ${run.runId}, but there is no process ${pid}`);
  }
  return faults;
}
