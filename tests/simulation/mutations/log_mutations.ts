/** Mutations of how facts are written: compare-and-set, keys, durability, ends, what the log takes for live. */
import type { Mutation } from "./mutation.ts";

const FUNCTIONS = "adapters/redis/functions";

export const LOG_MUTATIONS: readonly Mutation[] = [
  {
    name: "skip-compare-and-set",
    sentence:
      "A decision is appended whatever was appended since the state that it was made on. Design §3 step 3.",
    edits: [{
      file: `${FUNCTIONS}/append.lua`,
      find:
        "  if instance.version ~= tonumber(args[2]) then return { 'conflict', whole(instance.version) } end\n",
      replace: "",
    }, {
      file: `${FUNCTIONS}/append.lua`,
      find: "  if args[14] ~= '' and args[14] ~= instance.last then",
      replace: "  if false then",
    }],
    noticedBy: [
      "statesAreTheFold",
      "acknowledgedIsInTheLog",
      "effectsAreWhatIsDecided",
      "timersFireOnceAndNotEarly",
      "stopsNeedNoWorkerForNothing",
      "spawnsAreInOrder",
    ],
    draw: { form: "redis" },
    seedsMax: 150,
  },
  {
    name: "forget-the-key",
    sentence: "An idempotency key is not kept with the effect that it had. Rule 11.",
    edits: [{
      file: `${FUNCTIONS}/append.lua`,
      find: "    redis.call('SET', keys[BASE + 1], kept, 'PX', args[9])\n",
      replace: "",
    }],
    noticedBy: ["keysActOnce", "keysAnswerTheSame"],
    draw: { form: "redis" },
    seedsMax: 150,
  },
  {
    name: "acknowledge-before-commit",
    sentence:
      "The embedded log answers a write when its step has run, not when its transaction is committed. Promise 1.",
    edits: [{
      file: "adapters/embedded/group_commit.ts",
      find: "for (const { step } of steps) answers.push(step(context));",
      replace:
        "for (const { step, resolve } of steps) resolve(answers[answers.push(step(context)) - 1]);",
    }],
    noticedBy: ["acknowledgedIsInTheLog", "readsTellTheFold", "statesAreTheFold"],
    draw: { form: "embedded", faults: ["disk-full"] },
    seedsMax: 150,
  },
  {
    name: "end-leaves-the-command",
    sentence: "What ends a command leaves it live, so that it can end again. Promises 4, 5.",
    edits: [{
      file: `${FUNCTIONS}/shared.lua`,
      find: "  redis.call('HDEL', keys[COMMANDS], command.id)\n",
      replace: "",
    }],
    noticedBy: ["busHoldsWhatIsOpen", "commandsEndOnce"],
    draw: { form: "redis" },
    seedsMax: 150,
  },
  {
    name: "complete-twice",
    sentence:
      "A completion is taken whether or not its command has ended: a repeated one writes a second end. Promise 5.",
    edits: [{
      file: `${FUNCTIONS}/complete.lua`,
      find: "  if not command then return repeated(keys, data, response) end\n",
      replace:
        "  if not command then\n    local again = read_instance(keys, response.instanceId)\n    if not again then return { 'refused', 'ended' } end\n    local event = record(keys, again, 'CommandSucceeded', args[3], worker_meta(worker_id))\n    write_instance(keys, again)\n    return { 'completed', told(event) }\n  end\n",
    }],
    noticedBy: ["commandsEndOnce"],
    draw: { form: "redis", faults: ["worker-cut", "redis-killed"] },
    seedsMax: 150,
  },
  {
    name: "blind-resend",
    sentence:
      "An append whose answer was lost is sent again, and not looked up by its request's id. Rule 11.",
    edits: [{
      file: "actors/instance_actor.ts",
      find:
        `if (!(error instanceof OperationalError) || error.code !== "log_indeterminate") throw error;\n`,
      replace:
        `if (!(error instanceof OperationalError) || error.code !== "log_indeterminate") throw error;\n      return await reads.settle(() => log.append(batch), deadline);\n`,
    }],
    noticedBy: ["requestsActOnce", "refusedHasNoEffect"],
    draw: { form: "redis", faults: ["node-cut", "redis-slow", "redis-killed"] },
    seedsMax: 150,
  },
  {
    name: "match-by-generation",
    sentence:
      "A response ends the command of its instance, whichever attempt and whichever life of the worker it is of. Design §4, promise 9.",
    edits: [{
      file: `${FUNCTIONS}/complete.lua`,
      find:
        "  local worker, why_not = present_worker(keys, worker_id, args[2])\n  if not worker then return { 'refused', why_not } end\n  local command = read_command(keys, data.commandId)\n",
      replace: "  local command = read_command(keys, data.commandId)\n",
    }, {
      file: `${FUNCTIONS}/complete.lua`,
      find: "accepted.workerId ~= worker_id or accepted.attempt ~= data.attempt then",
      replace: "accepted.workerId ~= worker_id then",
    }],
    noticedBy: ["onlyTheAcceptedAttemptEnds"],
    draw: { form: "redis", faults: ["worker-doubled", "worker-silent"] },
    seedsMax: 150,
  },
  {
    name: "cut-without-baselines",
    sentence: "A cut asks neither here nor in the log for a baseline of what it takes. Design §3.",
    edits: [{
      file: "actors/retention.ts",
      find: "const baselines = await this.writeBaselines(marks.originBefore(cut));",
      replace: "const baselines = 0;",
    }, {
      file: "actors/retention.ts",
      find: "if (await this.readOn() !== marks || marks.originBefore(cut).length > 0) {",
      replace: "if (await this.readOn() !== marks) {",
    }, {
      file: `${FUNCTIONS}/retention.lua`,
      find: "  if needed then return",
      replace: "  if false then return",
    }],
    noticedBy: ["cutsKeepWhatIsNeeded"],
    draw: { form: "redis", faults: ["log-cut"] },
    seedsMax: 50,
  },
  {
    name: "read-nothing-after-the-snapshot",
    sentence: "A recovery takes the snapshot for all that there is. Design §3, promise 2.",
    edits: [{
      file: "actors/recovery.ts",
      find: "table.restoredUpTo(snapshot.position);",
      replace: "table.restoredUpTo(head);",
    }],
    noticedBy: ["nodesAgree"],
    draw: { faults: ["snapshot-saved", "node-killed"] },
    seedsMax: 50,
  },
  {
    name: "take-its-own-history-for-another",
    sentence:
      "An append takes the history that was decided upon for one that came later. Design §5.",
    edits: [{
      file: `${FUNCTIONS}/append.lua`,
      find: "  if args[14] ~= '' and args[14] ~= instance.last then",
      replace: "  if args[14] ~= '' and args[14] ~= instance.origin then",
    }],
    noticedBy: ["incidentsAreTrue"],
    draw: { form: "redis", faults: ["node-frozen"] },
    seedsMax: 20,
  },
];
