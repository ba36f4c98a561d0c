/** One ask from end to end: a turn of the instance's actor, then the wait for its command's end. Design §3. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import type { EventLog, EventPlace, KeyRecord } from "../events/event_log.ts";
import type { Ids } from "../events/ids.ts";
import type { Deciding } from "../machines/accept.ts";
import { decide } from "../machines/decide.ts";
import { evolve, initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { Fleet } from "../machines/placement.ts";
import { endedCommandId } from "../machines/reports.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { OperationalError } from "../events/errors.ts";
import { answerFor } from "./answers.ts";
import type { Freshness } from "./freshness.ts";
import type { Turn, TurnOutcome } from "./instance_actor.ts";
import type { InstanceTable } from "./instance_table.ts";
import type { Reads } from "./reads.ts";
import type { AskOptions, AskOutcome } from "./system_port.ts";
import { KEYS_KEPT_MS } from "./system_parts.ts";
import { Waiting } from "./waiting.ts";

export interface AskerParts {
  log: EventLog;
  bus: CommandBus;
  clock: Clock;
  ids: Ids;
  table: InstanceTable;
  freshness: Freshness;
  reads: Reads;
  /** See `SystemParts`. */
  queueTimeoutMs: number;
  keysKeptMs?: number;
  deriveId(key: string): string;
  takeTurn(instanceId: string, turn: Turn): Promise<TurnOutcome>;
  /** The workers as they were last seen. */
  fleet(): Fleet | undefined;
}

/** The caller waits this much longer than its command, so that it hears why the command expired. */
const EXPIRY_GRACE_MS = 500;
const HISTORY_PAGE = 256;
/** A reply may be here before the tail: it is waited for this long, then the instance's own history is read. */
const TAIL_PATIENCE_MS = 25;
/** For a last look at the log when the caller's time is over. */
const LAST_LOOK_MS = 250;

export class Asker {
  constructor(private readonly parts: AskerParts) {}

  /** See `InstanceSystem.ask`. */
  async ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome> {
    const { idempotency } = options;
    const deadline = this.parts.clock.monotonic() + options.timeoutMs;
    const known = await this.kept(options, deadline);
    if (known) return await this.repeated(known, options, deadline);
    const id = instanceId ??
      (idempotency ? this.parts.deriveId(idempotency.key) : this.parts.ids.next("instance"));
    const given = this.given(request, options);
    if (options.dryRun) {
      // A plan appends nothing that could find out how old the state is.
      if (instanceId !== null) await this.parts.freshness.catchUp(id, deadline);
      return this.plan(id, request, given);
    }
    return await this.askOnce(id, request, options, given, deadline);
  }

  /** Where the first answer to a repeated request is; also one that another node gave. */
  private async kept(
    { idempotency }: AskOptions,
    deadline: number,
  ): Promise<KeyRecord | null> {
    const { log, reads } = this.parts;
    return idempotency ? await reads.run(() => log.findKey(idempotency.key), deadline) : null;
  }

  private async isKept(options: AskOptions, deadline: number): Promise<boolean> {
    return !options.idempotency || await this.kept(options, deadline) !== null;
  }

  private given(request: InstanceRequest, options: AskOptions): Deciding {
    const fleet = this.parts.fleet();
    return {
      commandId: this.parts.ids.next("command"),
      correlationId: options.correlationId ?? this.parts.ids.next("request"),
      acceptWithinMs: options.wait ? options.timeoutMs : this.parts.queueTimeoutMs,
      ...(options.ifMatch === undefined ? {} : { ifMatch: options.ifMatch }),
      ...(fleet ? { fleet } : {}),
      keepsAnswer: options.idempotency !== undefined &&
        (request.type !== "configure" || request.ifDifferent === true),
    };
  }

  private async askOnce(
    instanceId: string,
    request: InstanceRequest,
    options: AskOptions,
    given: Deciding,
    deadline: number,
  ): Promise<AskOutcome> {
    const { table, bus } = this.parts;
    const platform = await this.platformOf(instanceId, request, deadline);
    // Listens before anything is sent: a fast worker may answer before the append's own answer is here.
    const reply = options.wait && platform && request.type !== "configure"
      ? await bus.expectReply(platform)
      : null;
    const waiting = new Waiting(table, given.commandId, reply);
    const replying = reply ? { ...given, replyChannel: reply.replyChannel } : given;
    try {
      const outcome = await this.parts.takeTurn(instanceId, {
        decide: (state) => decide(state, request, replying),
        ...this.turnOf(options, given.correlationId),
        deadline,
      });
      return await this.afterTurn(outcome, options, deadline, waiting);
    } finally {
      waiting.close();
      reply?.close();
    }
  }

  /** Where the answer will be heard. An instance that is new on another node is not folded here yet. */
  private async platformOf(
    instanceId: string,
    request: InstanceRequest,
    deadline: number,
  ): Promise<string | undefined> {
    const { table, freshness } = this.parts;
    const known = () => table.state(instanceId)?.context.specification?.platform;
    if (known() === undefined && request.type !== "create") {
      await freshness.catchUp(instanceId, deadline);
    }
    return known();
  }

  /** The request's id is our own: a correlation id comes from the client, who may use it twice. */
  private turnOf(options: AskOptions, correlationId: string): Omit<Turn, "decide" | "deadline"> {
    return {
      meta: {
        requestId: this.parts.ids.next("request"),
        requestedBy: options.requestedBy,
        correlationId,
        ...(options.idempotency ? { idempotency: options.idempotency } : {}),
      },
      ...(options.idempotency ? { keepKeyMs: this.parts.keysKeptMs ?? KEYS_KEPT_MS } : {}),
    };
  }

  private plan(instanceId: string, request: InstanceRequest, given: Deciding): AskOutcome {
    const state = this.parts.table.state(instanceId) ?? null;
    const decision = decide(state ?? initialState(instanceId), request, given);
    if (decision.kind === "rejected") {
      return { kind: "rejected", rejection: decision.rejection, state };
    }
    return { kind: "plan", events: decision.kind === "accepted" ? decision.events : [], state };
  }

  private async afterTurn(
    outcome: TurnOutcome,
    options: AskOptions,
    deadline: number,
    waiting: Waiting,
  ): Promise<AskOutcome> {
    switch (outcome.kind) {
      case "appended": {
        const { state, events, decision } = outcome;
        const event = events.at(-1)!;
        const { position } = event;
        if (decision.awaits === null) {
          return {
            kind: "done",
            changed: event.type !== "RequestAnswered",
            state,
            position,
            event,
          };
        }
        if (!options.wait) return { kind: "accepted", commandId: decision.awaits, state, position };
        if (decision.awaits === waiting.commandId && !waiting.isLost) {
          return await this.awaitEnd(waiting, state, deadline);
        }
        const answer = await this.join(decision.awaits, state, deadline);
        if (!waiting.isLost || await this.isKept(options, deadline)) return answer;
        // A rollback took what was kept under its key; only the command that it joined was another's, and lives on.
        return { kind: "unknown", commandId: decision.awaits, state, position };
      }
      case "decided":
        return await this.afterDecision(outcome, options, deadline);
      case "duplicate":
        return await this.repeated(outcome.record, options, deadline);
      default:
        return { kind: "rejected", rejection: { code: "busy", retryAfterMs: 1_000 }, state: null };
    }
  }

  private async afterDecision(
    { decision, state }: TurnOutcome & { kind: "decided" },
    options: AskOptions,
    deadline: number,
  ): Promise<AskOutcome> {
    const { position, specification } = state.context;
    if (decision?.kind === "rejected") {
      // The same request may have been answered between our look and our turn.
      const known = await this.kept(options, deadline);
      if (known) return await this.repeated(known, options, deadline);
      return {
        kind: "rejected",
        rejection: decision.rejection,
        state: specification ? state : null,
      };
    }
    if (decision?.kind !== "joined") {
      return { kind: "done", changed: false, state, position, event: null };
    }
    if (!options.wait) return { kind: "accepted", commandId: decision.commandId, state, position };
    return await this.join(decision.commandId, state, deadline);
  }

  /** Waits for a command that someone else asked for; it may have ended since it was seen. */
  private async join(
    commandId: string,
    state: InstanceState,
    deadline: number,
  ): Promise<AskOutcome> {
    const waiting = new Waiting(this.parts.table, commandId, null);
    try {
      const { instanceId } = state.context;
      // Its end may be in the log already, appended elsewhere: then nobody will tell of it again.
      await this.parts.freshness.catchUp(instanceId, deadline).catch(passOver);
      const latest = this.parts.table.state(instanceId) ?? state;
      const ended = isPending(latest, commandId) ? null : await this.findEnd(instanceId, commandId);
      return ended ? answerFor(ended, latest) : await this.awaitEnd(waiting, state, deadline);
    } finally {
      waiting.close();
    }
  }

  /** Waits for the end of a command, at most until the caller's deadline and a little longer. */
  private async awaitEnd(
    waiting: Waiting,
    state: InstanceState,
    deadline: number,
  ): Promise<AskOutcome> {
    const { clock, table } = this.parts;
    const { instanceId } = state.context;
    const event = await waiting.end(
      clock,
      Math.max(0, deadline - clock.monotonic()) + EXPIRY_GRACE_MS,
    );
    if (event) await this.foldedUpTo(event);
    const found = event ?? await this.lastLook(instanceId, waiting.commandId);
    const latest = table.state(instanceId) ?? state;
    if (found) return answerFor(found, latest);
    return {
      kind: "unknown",
      commandId: waiting.commandId,
      state: latest,
      position: latest.context.position,
    };
  }

  /** The reply channel is often ahead of the tail: the answer is to show the instance as it is after the event. */
  private async foldedUpTo({ instanceId, version, position }: RecordedEvent): Promise<void> {
    const { table, clock, freshness } = this.parts;
    if (table.versionOf(instanceId) >= version) return;
    if (await table.reached(position, clock, TAIL_PATIENCE_MS)) return;
    // The event itself is the answer; where this fails, only the state beside it is an older one.
    await freshness.foldUpTo(instanceId, version, clock.monotonic() + LAST_LOOK_MS)
      .catch(passOver);
  }

  /** How the command ended, if the log knows and the tail has not told yet. */
  private async lastLook(instanceId: string, commandId: string): Promise<RecordedEvent | null> {
    const { table, clock, freshness } = this.parts;
    try {
      if (!await freshness.catchUp(instanceId, clock.monotonic() + LAST_LOOK_MS)) return null;
      const state = table.state(instanceId);
      return state && isPending(state, commandId)
        ? null
        : await this.findEnd(instanceId, commandId);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      return null;
    }
  }

  /** The first answer to a request that is asked again under its key. Design §4 rule 11. */
  private async repeated(
    { instanceId, key, digest, version }: KeyRecord,
    options: AskOptions,
    deadline: number,
  ): Promise<AskOutcome> {
    const { table, freshness, reads, log } = this.parts;
    if (digest !== options.idempotency?.digest) {
      return { kind: "rejected", rejection: { code: "key_reused", key }, state: null };
    }
    // It may have been answered by another node, whose events are not folded here yet.
    await freshness.foldUpTo(instanceId, version, deadline);
    const state = table.state(instanceId) ?? initialState(instanceId);
    const batch = (await reads.run(() => log.history(instanceId, 64, version + 1), deadline))
      .filter((event) => event.meta.idempotency?.key === key);
    const answer = batch.at(-1) ?? null;
    const position = answer?.position ?? state.context.position;
    const created = batch.find((event) => event.type === "InstanceCreated");
    if (created) {
      const first = evolve(initialState(instanceId), created);
      return {
        kind: "done",
        changed: true,
        state: first,
        position: created.position,
        event: created,
      };
    }
    const commandId = batch.map(commandAskedFor).find((id) => id !== null);
    if (!commandId) {
      return {
        kind: "done",
        changed: answer?.type !== "RequestAnswered",
        state,
        position,
        event: answer,
      };
    }
    if (!options.wait) return { kind: "accepted", commandId, state, position };
    return await this.join(commandId, state, deadline);
  }

  private async findEnd(instanceId: string, commandId: string): Promise<RecordedEvent | null> {
    let before: EventPlace | undefined;
    for (;;) {
      const page: RecordedEvent[] = await this.parts.reads.run(
        () => this.parts.log.history(instanceId, HISTORY_PAGE, before),
      );
      const found = page.find((event) => endedCommandId(event) === commandId);
      if (found || page.length < HISTORY_PAGE) return found ?? null;
      before = page[0];
    }
  }
}

/** A look that would be good to have: what it would have told comes by the tail, or is told as unknown. */
function passOver(error: unknown): void {
  if (!(error instanceof OperationalError)) throw error;
}

function isPending(state: InstanceState, commandId: string): boolean {
  return state.context.commands.some((one) => one.commandId === commandId) ||
    state.context.queuedStart?.commandId === commandId;
}

function commandAskedFor(event: RecordedEvent): string | null {
  // A forced delete was answered when it was in the log; its command is for whoever still has the server.
  if (event.type === "DeleteRequested" && event.data.force) return null;
  return "commandId" in event.data && endedCommandId(event) === null ? event.data.commandId : null;
}
