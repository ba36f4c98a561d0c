/**
 * What time and found differences call for: pure answers to "what is owed to this state, and when". The leader asks
 * after every event and after a recovery, so nothing is owed to a timer that a crash has lost. Design §3, §4.
 */
import { newEvent } from "../events/instance_events.ts";
import { accept, type Deciding } from "./accept.ts";
import { restartRequested, startRequested, stopRequested } from "./decide.ts";
import { limitsOf, type Unjudged } from "./facts.ts";
import { goesOnElsewhere } from "./fold_commands.ts";
import { isAiling } from "./fold_health.ts";
import type { InstanceState } from "./lifecycle.ts";
import type { Decision } from "./requests.ts";
import { judge, type Verdict } from "./restart_policy.ts";
import { mayRun } from "./status.ts";

/** Something owed; `dueAt` is epoch milliseconds by the log's clock, 0 for at once. */
export type Owed =
  | { kind: "judge"; dueAt: number }
  | { kind: "restart"; dueAt: number }
  | { kind: "stop"; dueAt: number }
  | { kind: "expire"; dueAt: number; commandId: string }
  | { kind: "release"; dueAt: number }
  | { kind: "expire-queued"; dueAt: number; commandId: string };

/** Why a command found no worker. */
export type ExpiryReason = "NoWorker" | "WorkersBusy" | "WorkersUnreachable";

/** Everything owed to a state, the first due first. */
export function owedTo(state: InstanceState): Owed[] {
  return owedInAnyOrder(state).sort((a, b) => a.dueAt - b.dueAt);
}

function owedInAnyOrder(state: InstanceState): Owed[] {
  const { context } = state;
  const owed: Owed[] = context.commands
    .filter((command) => !command.accepted)
    .map((command) => ({ kind: "expire", dueAt: command.acceptBy, commandId: command.commandId }));
  if (state.value.pending === "deleted") return owed;
  if (toJudge(state) && verdictOn(state)?.kind !== "leave") owed.push({ kind: "judge", dueAt: 0 });
  if (context.nextStart) owed.push({ kind: "restart", dueAt: context.nextStart.at });
  if (isStoppedInVain(state)) owed.push({ kind: "stop", dueAt: 0 });
  if (context.queuedStart) {
    const { commandId, expiresAt } = context.queuedStart;
    if (context.commands.length === 0) owed.push({ kind: "release", dueAt: 0 });
    // Also one that could be released: if that cannot be written, its asker still hears of an end.
    owed.push({ kind: "expire-queued", dueAt: expiresAt, commandId });
  }
  return owed;
}

/** What a reaction needs from outside, drawn by the leader. */
export interface Reacting extends Deciding {
  /** [0, 1), for the jitter. */
  fraction: number;
  expiryReason: ExpiryReason;
  /** See `CommandExpired`. */
  expiryDetail?: string;
}

/** The decision that pays what is owed, and the time before which the log must refuse it; null when nothing is. */
export function react(
  state: InstanceState,
  owed: Owed,
  given: Reacting,
): (Decision & { kind: "accepted" }) | null {
  const { context } = state;
  if (!owedTo(state).some((one) => isSame(one, owed))) return null;
  switch (owed.kind) {
    case "judge":
      return judged(state, given);
    case "restart":
      return startedAgain(state, given);
    case "stop":
      return accept(state, [stopRequested(state, context.run!.site, given)], given);
    case "expire": {
      const event = newEvent("CommandExpired", {
        commandId: owed.commandId,
        reason: given.expiryReason,
        ...(given.expiryDetail === undefined ? {} : { detail: given.expiryDetail }),
      });
      return accept(state, [event], given, [{
        commandId: owed.commandId,
        eventIndex: 0,
        condition: "due",
      }]);
    }
    case "release": {
      const queued = context.queuedStart!;
      if (mayRun(state)) {
        return accept(state, [
          newEvent("CommandCancelled", { commandId: queued.commandId, reason: "StopFailed" }),
        ], given);
      }
      const start = startRequested(
        state,
        queued.launch,
        { ...given, commandId: queued.commandId },
        "queue",
      );
      return accept(state, [start], given);
    }
    case "expire-queued":
      return accept(state, [
        newEvent("CommandExpired", { commandId: owed.commandId, reason: "NotReleased" }),
      ], given);
  }
}

/** Two commands of one kind may be due at the same time, by a clock that was set back. */
function isSame(a: Owed, b: Owed): boolean {
  const [one, other] = [a, b].map((owed) => "commandId" in owed ? owed.commandId : null);
  return a.kind === b.kind && a.dueAt === b.dueAt && one === other;
}

function judged(state: InstanceState, given: Reacting): (Decision & { kind: "accepted" }) | null {
  const verdict = verdictOn(state);
  const subject = toJudge(state);
  if (!verdict || !subject || verdict.kind === "leave") return null;
  const { runId } = subject;
  if (verdict.kind === "move") return startedAgain(state, given);
  return accept(
    state,
    [
      verdict.kind === "crash-loop"
        ? newEvent("RestartAbandoned", { runId, reason: "CrashLoop", starts: verdict.starts })
        : newEvent("RestartScheduled", {
          runId,
          attempt: verdict.attempt,
          delayMs: Math.floor(given.fraction * verdict.delayMaxMs),
          ...(state.context.unjudged ? {} : { cause: "Unhealthy" }),
        }),
    ],
    given,
  );
}

/** As its run was started; one that was found, since a rollback took its start, goes on as it is configured. */
function startedAgain(state: InstanceState, given: Reacting): Decision & { kind: "accepted" } {
  const { run, specification, revision } = state.context;
  const launch = run?.launch ?? {
    configuration: specification?.configuration ?? {},
    configurationRevision: revision,
    ...limitsOf(specification?.limits),
  };
  const event = mayRun(state)
    ? restartRequested(state, launch, given, "restart-policy")
    : startRequested(state, launch, given, "restart-policy");
  return accept(state, [event], given);
}

/**
 * A stop was done at once, since a rollback had taken the start of what ran; and that was found since. A server that
 * began after the stop is another matter: the wish for it was lost, and is not known to be over. Both are told by the
 * log's clock: the server's host may have another, and so may the Redis that had its start.
 */
function isStoppedInVain({ value, context }: InstanceState): boolean {
  const { desired, stoppedAsOf, run, commands } = context;
  return value.run === "running" && desired === "stopped" && commands.length === 0 &&
    stoppedAsOf !== null && run !== null && run.since <= stoppedAsOf;
}

/** What the policy has to say something of: an end, or a server that lives and is unhealthy, with nothing else in hand. */
function toJudge({ value, context }: InstanceState): Unjudged | null {
  const { unjudged, run, health, nextStart, desired } = context;
  if (unjudged) return unjudged;
  const isIdle = value.run === "running" && value.pending === "idle" && nextStart === null;
  if (!isIdle || desired !== "running" || !isAiling(context) || !run || !health) return null;
  const ranForMs = Math.max(0, health.since - run.since);
  return { runId: health.runId, exit: null, ranForMs, isLost: false };
}

/**
 * What lost its worker goes on elsewhere at once where the user said so, whatever the restart policy: that is about
 * servers that end, and this one did not end by itself. If the start fails, the policy judges that.
 */
function verdictOn(state: InstanceState): Verdict | { kind: "move" } | null {
  const { specification, attempts, recentStarts, lastModifiedAt } = state.context;
  const subject = toJudge(state);
  if (subject?.isLost && goesOnElsewhere(state.context)) return { kind: "move" };
  return subject && specification
    ? judge(specification.restartPolicy, subject, attempts, recentStarts, lastModifiedAt)
    : null;
}
