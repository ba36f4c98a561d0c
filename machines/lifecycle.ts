/**
 * The lifecycle of an instance: one XState machine, used only as a pure function over the log's events. Design §4.
 *
 * Two regions say where an instance stands. `run` is what is known of the server; only reports move it, and only
 * forward, until a move takes the instance where nothing is known of it. `pending` is the request in hand. The status that people see is derived from both (`status.ts`). The
 * guards read the facts in the context; the fold keeps those (`fold_facts.ts`), with no `assign` here. There is no
 * clock, no chance, no I/O, no `invoke` and no `after` either; an action named `send…Command` is data: whoever
 * decides puts it into the same append as the event.
 */
import { setup, type SnapshotFrom } from "xstate";
import type { RecordedEvent } from "../events/envelope.ts";
import { type Facts, noFacts } from "./facts.ts";
import * as reports from "./reports.ts";

interface Step {
  context: Facts;
  event: RecordedEvent;
}

const lastLeft = ({ context, event }: Step) =>
  reports.remainingCommands(context, event).at(-1)?.kind;
const hasCommand = ({ event }: Step) => "commandId" in event.data && event.data.commandId !== null;

/** Where `pending` goes when a command ends: to what is still in hand, else to rest. */
const afterCommand = [
  { guard: "leavesADelete", target: "deleting" },
  { guard: "leavesAMove", target: "moving" },
  { guard: "leavesAStop", target: "stopping" },
  { guard: "leavesARestart", target: "restarting" },
  { guard: "leavesAStart", target: "starting" },
  { target: "idle" },
] as const;

const commandEnds = {
  CommandSucceeded: [{ guard: "endsADelete", target: "deleted" }, ...afterCommand],
  CommandFailed: afterCommand,
  CommandExpired: afterCommand,
  CommandCancelled: afterCommand,
  CommandRefused: afterCommand,
  CommandForgotten: afterCommand,
} as const;

const start = { target: "starting", actions: "sendStartCommand" } as const;
const restart = { target: "restarting", actions: "sendRestartCommand" } as const;
const stop = [
  { guard: "needsAWorker", target: "stopping", actions: "sendStopCommand" },
  { target: "idle" },
] as const;
const remove = [
  { guard: "isForcedWithWorker", target: "deleted", actions: "sendDeleteCommand" },
  { guard: "needsAWorker", target: "deleting", actions: "sendDeleteCommand" },
  { target: "deleted" },
] as const;

const move = [
  { guard: "needsAWorker", target: "moving", actions: "sendDeleteCommand" },
  { target: "idle" },
] as const;

const runReports = {
  // Where it goes nothing is known of it.
  MoveRequested: { guard: "needsNoWorker", target: "none" },
  CommandSucceeded: [
    { guard: "endsAMove", target: "none" },
    { guard: "reportsLiveRun", target: "running" },
    { guard: "reportsEndedRun", target: "ended" },
  ],
  CommandFailed: [
    { guard: "reportsLiveRun", target: "running" },
    { guard: "reportsEndedRun", target: "ended" },
  ],
  CommandForgotten: { guard: "reportsEndedRun", target: "ended" },
  RuntimeObserved: [
    { guard: "reportsLiveRun", target: "running" },
    { guard: "reportsEndedRun", target: "ended" },
  ],
} as const;

export const lifecycle = setup({
  types: {} as { context: Facts; events: RecordedEvent },
  actions: {
    sendStartCommand: () => {},
    sendStopCommand: () => {},
    sendRestartCommand: () => {},
    sendDeleteCommand: () => {},
  },
  guards: {
    leavesAStart: (step) => lastLeft(step) === "start",
    leavesAStop: (step) => lastLeft(step) === "stop",
    leavesARestart: (step) => lastLeft(step) === "restart",
    leavesAMove: (step) => lastLeft(step) === "move",
    leavesADelete: (step) => lastLeft(step) === "delete",
    endsADelete: ({ context, event }) => reports.commandOf(context, event)?.kind === "delete",
    endsAMove: ({ context, event }) => reports.endsAMove(context, event),
    needsAWorker: hasCommand,
    needsNoWorker: (step) => !hasCommand(step),
    isForcedWithWorker: (step) =>
      step.event.type === "DeleteRequested" && step.event.data.force && hasCommand(step),
    beginsRun: ({ context, event }) => reports.beginsRun(context, event),
    reportsLiveRun: ({ context, event }) => reports.reportsLiveRun(context, event),
    reportsEndedRun: ({ context, event }) => reports.reportsEndedRun(context, event),
  },
}).createMachine({
  id: "instance",
  type: "parallel",
  context: noFacts(""),
  states: {
    run: {
      initial: "none",
      states: {
        none: {
          on: { CommandAccepted: { guard: "beginsRun", target: "starting" }, ...runReports },
        },
        starting: { on: runReports },
        running: { on: runReports },
        ended: {
          on: { CommandAccepted: { guard: "beginsRun", target: "starting" }, ...runReports },
        },
      },
    },
    pending: {
      initial: "idle",
      states: {
        idle: {
          on: {
            StartRequested: start,
            RestartRequested: restart,
            StopRequested: stop,
            DeleteRequested: remove,
            MoveRequested: move,
            ...commandEnds,
          },
        },
        starting: { on: { StopRequested: stop, DeleteRequested: remove, ...commandEnds } },
        restarting: { on: { StopRequested: stop, DeleteRequested: remove, ...commandEnds } },
        stopping: {
          on: {
            StopRequested: stop,
            StartRequested: start,
            DeleteRequested: remove,
            ...commandEnds,
          },
        },
        moving: { on: { StopRequested: stop, DeleteRequested: remove, ...commandEnds } },
        deleting: { on: { DeleteRequested: remove, ...commandEnds } },
        // The end. Not of type "final", which would raise an event that is not in the log.
        deleted: {},
      },
    },
  },
});

/** An instance as the machine sees it: `value.run`, `value.pending`, and the facts in `context`. */
export type InstanceState = SnapshotFrom<typeof lifecycle>;
