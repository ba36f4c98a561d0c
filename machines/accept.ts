/** An accepted decision: its events, and the commands that the machine's transitions over them call for. Pure. */
import { type Command, type CommandType, isUrgent } from "../events/commands.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import type { CommandEnd } from "../events/event_log.ts";
import type { NewEvent } from "../events/instance_events.ts";
import { step } from "./evolve.ts";
import type { Launch } from "./facts.ts";
import type { InstanceState } from "./lifecycle.ts";
import type { CommandAction } from "./moves.ts";
import { type Fleet, platformAt } from "./placement.ts";
import type { Decision } from "./requests.ts";

/** What a decision needs from outside: fresh ids and limits, drawn by the caller. */
export interface Deciding {
  /** For the command, if one is needed. */
  commandId: string;
  correlationId: string;
  replyChannel?: string;
  /** How long a command may wait to be accepted. Design §4 rule 3. */
  acceptWithinMs: number;
  /** `If-Match`. */
  ifMatch?: number;
  /** The workers as they were last seen; a start is placed by them. Absent: it goes where it was, or anywhere. */
  fleet?: Fleet;
  /** Keep an answer even when nothing changes: the request carries an idempotency key. */
  keepsAnswer: boolean;
}

/**
 * An accepted decision for `events`: the machine's transitions say which commands go along.
 * Used by requests here and by the leader's reactions (`reconcile.ts`).
 */
export function accept(
  state: InstanceState,
  events: NewEvent[],
  given: Deciding,
  ends: CommandEnd[] = [],
): Decision & { kind: "accepted" } {
  let next = state;
  const commands: Command[] = [];
  let awaits: string | null = null;
  for (const event of events) {
    const recorded = asRecorded(event, next);
    const stepped = step(next, recorded);
    next = stepped.state;
    for (const action of stepped.actions) commands.push(commandFor(action, recorded, next, given));
    if (event.type === "StartQueued") awaits = event.data.commandId;
  }
  awaits ??= commands.at(-1)?.messageId ?? null;
  if (commands[0] && events.some((event) => event.type === "DeleteRequested" && event.data.force)) {
    awaits = null;
  }
  return { kind: "accepted", events, commands, ends, generation: next.context.generation, awaits };
}

const COMMAND_TYPES: Record<CommandAction, CommandType> = {
  sendStartCommand: "StartInstanceCommand",
  sendStopCommand: "StopInstanceCommand",
  sendRestartCommand: "RestartInstanceCommand",
  sendDeleteCommand: "DeleteInstanceCommand",
};

/** The command that a transition's action stands for. */
function commandFor(
  action: CommandAction,
  event: RecordedEvent,
  state: InstanceState,
  given: Deciding,
): Command {
  const { instanceId, specification, generation } = state.context;
  const type = COMMAND_TYPES[action];
  const data = event.data as
    & { site: string | null; acceptWithinMs: number; leaseMs?: number }
    & Partial<Launch>;
  return {
    messageId: (event.data as { commandId: string }).commandId,
    type,
    instanceId,
    platform: (isUrgent({ type }) ? platformAt(data.site, given.fleet) : undefined) ??
      specification?.platform ?? "process",
    site: data.site,
    ...(given.replyChannel === undefined ? {} : { replyChannel: given.replyChannel }),
    correlationId: given.correlationId,
    generation,
    acceptWithinMs: data.acceptWithinMs,
    ...(data.configuration
      ? {
        template: specification?.template ?? "drasi-server",
        configuration: data.configuration,
        configurationRevision: data.configurationRevision ?? null,
      }
      : {}),
    ...(data.leaseMs === undefined ? {} : { leaseMs: data.leaseMs }),
    ...(data.limits === undefined ? {} : { limits: data.limits }),
    ...(event.type === "MoveRequested"
      ? { keepsNewer: true, ...(event.data.mayComeLate ? { mayComeLate: true } : {}) }
      : {}),
  };
}

/** The event as the log would hold it next, so that the machine can say what follows from it. */
function asRecorded(event: NewEvent, state: InstanceState): RecordedEvent {
  const { instanceId, version, position, lastModifiedAt } = state.context;
  return {
    ...event,
    instanceId,
    version: version + 1,
    position,
    previous: version === 0 ? null : position,
    schema: 1,
    at: lastModifiedAt,
    meta: {},
  } as RecordedEvent;
}
