/** Mutations of the pure decisions: what a request means in a state, what an event does to it, what time owes. */
import type { Mutation } from "./mutation.ts";

export const LIFECYCLE_MUTATIONS: readonly Mutation[] = [
  {
    name: "restore-on-expiry",
    sentence:
      "A request that expires puts the instance back to Stopped, whatever its run says. Rule 3.",
    edits: [{
      file: "machines/lifecycle.ts",
      find: `  CommandForgotten: { guard: "reportsEndedRun", target: "ended" },\n`,
      replace:
        `  CommandForgotten: { guard: "reportsEndedRun", target: "ended" },\n  CommandExpired: { target: "ended" },\n`,
    }],
    noticedBy: ["endsOfRequestsLeaveTheRun"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "run-what-expired",
    sentence: "A command that expires stays on its stream, and runs. Rule 3.",
    edits: [{
      file: "machines/reconcile.ts",
      find:
        `      return accept(state, [event], given, [{\n        commandId: owed.commandId,\n        eventIndex: 0,\n        condition: "due",\n      }]);\n`,
      replace: "      return accept(state, [event], given);\n",
    }],
    noticedBy: ["busHoldsWhatIsOpen", "onlyWhatIsSentIsAccepted", "expiredNeverRuns"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "stop-does-not-cancel",
    sentence: "A stop that comes before the accept leaves the start where it waits. Rule 4.",
    edits: [{
      file: "machines/decide.ts",
      find: `const { ends, events } = cancelUnaccepted(state, "StopRequested", 1);`,
      replace:
        "const { ends, events }: ReturnType<typeof cancelUnaccepted> = { ends: [], events: [] };",
    }],
    noticedBy: ["stopsReplaceWhatNobodyTook"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "forced-delete-forgets-the-ends",
    sentence:
      "A forced delete writes that it cancels what is in work, and leaves that on the bus. Promise 4, rule 9.",
    edits: [{
      file: "machines/decide.ts",
      find: `const { ends, events } = cancelUnaccepted(state, "DeleteRequested", 1, force);`,
      replace:
        `const { events } = cancelUnaccepted(state, "DeleteRequested", 1, force);\n  const ends: CommandEnd[] = [];`,
    }],
    noticedBy: ["commandsEndOnce", "busHoldsWhatIsOpen"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "move-what-runs",
    sentence: "A move does not ask whether its instance has been stopped. Design §1, promise 6.",
    edits: [{
      file: "machines/decide_move.ts",
      find: `if (!allowedRequests(state).includes("move")) {`,
      replace: `if (allowedRequests(state).length === 0) {`,
    }],
    noticedBy: ["movesAreOfTheStopped"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "move-before-its-place-is-cleared",
    sentence:
      "An instance is at its new place when its move is asked for, not when its worker has cleared the old one. Design §2.",
    edits: [{
      file: "machines/fold_facts.ts",
      find: `...(isDone ? moved(facts, event.data.to, event.version) : {}),`,
      replace: `...moved(facts, event.data.to, event.version),`,
    }],
    noticedBy: ["movedIsAsNew"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "start-before-the-stop-is-over",
    sentence:
      "A start that waited is sent though the stop that it waited for has failed. Design §4.",
    edits: [{
      file: "machines/reconcile.ts",
      find: "      if (mayRun(state)) {\n",
      replace: "      if (false) {\n",
    }],
    noticedBy: ["queuedStartsWaitForTheirStop"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "lease-of-the-first",
    sentence:
      "A worker is given up after the lease of what runs, not of what it may have begun beside it. Rule 8.",
    edits: [{
      file: "machines/leases.ts",
      find: "    leaseMs = Math.max(leaseMs, lease);\n",
      replace: "    leaseMs ||= Math.min(lease, 1_000);\n",
    }],
    noticedBy: ["neverTwo"],
    draw: { form: "redis", faults: ["worker-silent", "worker-frozen"] },
    seedsMax: 150,
  },
  {
    name: "clock-of-the-node",
    sentence:
      "A restart whose delay is over by the node's clock is not refused by the log's. Rule 1.",
    edits: [{
      file: "actors/leader.ts",
      find: "      notBefore: owed.dueAt,\n",
      replace: "",
    }],
    noticedBy: ["timersFireOnceAndNotEarly", "nothingExpiresEarly"],
    draw: { form: "redis", faults: ["node-clock-jumps", "node-killed", "server-exits"] },
    seedsMax: 150,
  },
];
