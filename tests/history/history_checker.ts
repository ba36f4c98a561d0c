/**
 * Holds a fleet's log against the answers that users got, the commands in hand, the API and the processes that live.
 * Pure: it is given what was seen, and says what cannot be. Each instance has one total order, so no search is needed.
 */
import {
  comparePositions,
  type Position,
  type RecordedEvent,
  START,
} from "../../events/envelope.ts";
import { evolve, initialState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { endedCommandId } from "../../machines/reports.ts";
import { statusOf } from "../../machines/status.ts";

/** What was checked of the log so far. */
export interface History {
  position: Position;
  states: Map<string, InstanceState>;
  commands: Map<string, CommandStory>;
  /** By the id that the asker gave. */
  requests: Map<string, RequestStory>;
  /** By idempotency key: the one request that had its effect. */
  keys: Map<string, string>;
  /** By position. */
  events: Map<Position, EventStory>;
  /** Each instance's newest events in words, for the story of a violation. */
  told: Map<string, string[]>;
}

/** So many of them. */
const TOLD_MAX = 30;

interface CommandStory {
  instanceId: string;
  attempts: number;
  endedAt: Position | null;
  /** A start that waits for a stop: known to the log, not yet on a stream. */
  isQueued: boolean;
}

interface RequestStory {
  instanceId: string;
  first: Position;
  last: Position;
}

interface EventStory {
  instanceId: string;
  type: RecordedEvent["type"];
}

/** One request of a user and what came of it. */
export interface Asked {
  /** Its `X-Request-Id`, in the log as `correlationId`; never used twice. */
  requestId: string;
  /** It repeats another one under its key: what is done, if anything, was done for that one. */
  isRepetition: boolean;
  kind: "create" | "start" | "stop" | "restart" | "delete" | "configure";
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
export function emptyHistory(): History {
  return {
    position: START,
    states: new Map(),
    commands: new Map(),
    requests: new Map(),
    keys: new Map(),
    events: new Map(),
    told: new Map(),
  };
}

/** Takes up the log's next events; says what in them cannot be. */
export function followLog(history: History, events: readonly RecordedEvent[]): string[] {
  return events.flatMap((event) => followEvent(history, event));
}

function followEvent(history: History, event: RecordedEvent): string[] {
  const { instanceId, position } = event;
  const before = history.states.get(instanceId) ?? initialState(instanceId);
  const faults = [
    ...orderFaults(history, before, event),
    ...commandFaults(history, event),
    ...requestFaults(history, event),
  ];
  history.position = position;
  history.states.set(instanceId, evolve(before, event));
  history.events.set(position, { instanceId, type: event.type });
  const told = [...history.told.get(instanceId) ?? [], tell(event)];
  history.told.set(instanceId, told.slice(-TOLD_MAX));
  return faults.map((fault) => `${event.type} at ${position} of ${instanceId}: ${fault}`);
}

function tell({ position, version, at, type, data, meta }: RecordedEvent): string {
  const time = new Date(at).toISOString().slice(11, 23);
  const text = JSON.stringify({ ...data, configuration: undefined, specification: undefined });
  return `${position} v${version} ${time} ${type} ${text} by ${meta.requestedBy} ${
    meta.correlationId ?? ""
  }`;
}

function orderFaults(history: History, before: InstanceState, event: RecordedEvent): string[] {
  const faults: string[] = [];
  const expected = Number.parseInt(history.position) + 1;
  if (Number.parseInt(event.position) !== expected) {
    faults.push(`the log has a gap: after ${history.position} comes ${event.position}`);
  }
  const { version, position } = before.context;
  if (event.version !== version + 1) {
    faults.push(`version ${event.version} follows version ${version}`);
  }
  const previous = version === 0 ? null : position;
  if (event.previous !== previous) {
    faults.push(`it names ${event.previous} as the event before, which is ${previous}`);
  }
  return faults;
}

function commandFaults(history: History, event: RecordedEvent): string[] {
  const { instanceId, position } = event;
  const ended = endedCommandId(event);
  if (ended !== null) {
    const command = history.commands.get(ended);
    if (!command) return [`it ends the command ${ended}, which nobody has asked for`];
    const wasEndedAt = command.endedAt;
    command.endedAt ??= position;
    return wasEndedAt ? [`the command ${ended} ended before, at ${wasEndedAt}`] : [];
  }
  switch (event.type) {
    case "CommandAccepted":
      return acceptFaults(history, event);
    case "StartQueued":
    case "StartRequested":
    case "StopRequested":
    case "RestartRequested":
    case "DeleteRequested": {
      const { commandId } = event.data;
      if (commandId === null) return [];
      const known = history.commands.get(commandId);
      const isReleased = event.type === "StartRequested" && known?.isQueued && !known.endedAt;
      const isQueued = event.type === "StartQueued";
      history.commands.set(commandId, { instanceId, attempts: 0, endedAt: null, isQueued });
      return known && !isReleased ? [`the command ${commandId} was asked for before`] : [];
    }
    default:
      return [];
  }
}

function acceptFaults(
  history: History,
  { data: { commandId, attempt } }: RecordedEvent & { type: "CommandAccepted" },
): string[] {
  const command = history.commands.get(commandId);
  if (!command || command.isQueued) return [`nobody has sent the command ${commandId}`];
  if (command.endedAt) return [`the command ${commandId} had ended at ${command.endedAt}`];
  const expected = ++command.attempts;
  return attempt === expected ? [] : [`attempt ${attempt} of ${commandId} should be ${expected}`];
}

function requestFaults(history: History, event: RecordedEvent): string[] {
  const { requestId: decisionId, correlationId, idempotency } = event.meta;
  // Only decisions carry an id of their own; what a worker reports about them has the asker's id alone.
  if (decisionId === undefined) return [];
  const requestId = correlationId ?? decisionId;
  const { instanceId, position } = event;
  const faults: string[] = [];
  const story = history.requests.get(requestId);
  if (!story) {
    history.requests.set(requestId, { instanceId, first: position, last: position });
  } else {
    const isNext = Number.parseInt(position) === Number.parseInt(story.last) + 1;
    if (!isNext || story.instanceId !== instanceId) {
      faults.push(`the request ${requestId} had its effect before, at ${story.first}`);
    }
    story.last = position;
  }
  if (idempotency) {
    const owner = history.keys.get(idempotency.key);
    if (owner !== undefined && owner !== requestId) {
      faults.push(`the idempotency key of ${owner} had a second effect, by ${requestId}`);
    }
    history.keys.set(idempotency.key, owner ?? requestId);
  }
  return faults;
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
  const story = history.requests.get(requestId);
  if (!story || comparePositions(story.first, floor) > 0) return [];
  return [`its effect at ${story.first} is not after ${floor}, which was told before it was asked`];
}

function answerFault(history: History, request: Asked): string[] {
  const { answer, requestId } = request;
  if (answer === null) return [];
  if (answer.status < 200 || answer.status > 299) {
    const story = history.requests.get(requestId);
    return story && answer.code !== null && REFUSALS.includes(answer.code)
      ? [`it was refused (${answer.code}), and yet it is in the log at ${story.first}`]
      : [];
  }
  const faults: string[] = [];
  const { position, commandId } = answer;
  const instanceId = request.instanceId ?? answer.instanceId;
  const event = position === null ? undefined : history.events.get(position);
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
  const written = history.requests.get(requestId)?.last ?? null;
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
export function inHandFaults(history: History, inHand: readonly string[]): string[] {
  const open = [...history.commands].filter(([, one]) => one.endedAt === null && !one.isQueued)
    .map(([commandId]) => commandId);
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
