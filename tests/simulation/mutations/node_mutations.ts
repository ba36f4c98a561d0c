/** Mutations of a node: what it folds, how fresh its answers are, when it leads. */
import type { Mutation } from "./mutation.ts";

export const NODE_MUTATIONS: readonly Mutation[] = [
  {
    name: "answer-from-a-stale-state",
    sentence:
      "What appends nothing is answered from what is folded here, however old that is. Design §3, promise 2.",
    edits: [{
      file: "actors/freshness.ts",
      find: "const latest = await reads.run(() => log.latest(instanceId), deadline);",
      replace: "const latest = seen.context;",
    }],
    noticedBy: ["answersAreNotOld", "answersAreTheirOwn", "nothingKnownIsDenied"],
    draw: { form: "redis" },
    seedsMax: 150,
  },
  {
    name: "ignore-a-rollback",
    sentence:
      "A node whose log has lost its end folds on, on top of what is no more. Design §5 (`HISTORY_ROLLBACK`).",
    edits: [{
      file: "actors/log_follower.ts",
      find: "      table.reset();\n",
      replace: "",
    }],
    noticedBy: ["nodesAgree", "statesAreTheFold", "nothingStandsOnWhatWasLost"],
    draw: { form: "redis", faults: ["redis-rolled-back"] },
    seedsMax: 150,
  },
  {
    name: "no-quiet-after-an-outage",
    sentence:
      "Workers that nobody could hear, since Redis was away, are lost when it is back. Rule 8.",
    edits: [{
      file: "actors/worker_watch.ts",
      find: "return now - Math.max(this.heard.get(workerId)?.seenAt ?? now, this.quietFrom);",
      replace: "return now - (this.heard.get(workerId)?.seenAt ?? now);",
    }],
    noticedBy: ["nobodyIsLostAfterADisturbance"],
    draw: {
      form: "redis",
      faults: ["redis-killed", "node-frozen", "node-killed", "worker-silent"],
    },
    seedsMax: 150,
  },
  {
    name: "take-any-end-for-its-own",
    sentence: "A second request's wait takes any end of its instance for its own. Promise 9.",
    edits: [{
      file: "actors/asker.ts",
      find: "const found = page.find((event) => endedCommandId(event) === commandId);",
      replace: "const found = page.find((event) => endedCommandId(event) !== null && commandId);",
    }],
    noticedBy: ["keysAnswerTheSame", "answersAreTheirOwn"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "lead-without-the-lease",
    sentence: "A second node leads while the first one's lease lasts. Design §3.",
    edits: [{
      file: "adapters/redis/functions/retention.lua",
      find: "  if holder and holder ~= node then return false end\n",
      replace: "",
    }],
    noticedBy: ["oneNodeLeads"],
    draw: { form: "redis", faults: ["node-killed"] },
    seedsMax: 150,
  },
  {
    name: "lead-on-under-an-old-token",
    sentence:
      "Neither the node asks whether its lease is over, nor the log whether a token is the present one. Design §3.",
    edits: [{
      file: "actors/leadership_loop.ts",
      find:
        "return this.held && this.parts.clock.monotonic() < this.held.until ? this.held.fence : null;",
      replace: "return this.held?.fence ?? null;",
    }, {
      file: "actors/leadership_loop.ts",
      find: "    if (!this.held) return;\n    this.held = null;\n    this.parts.stop();\n",
      replace: "",
    }, {
      file: "adapters/redis/functions/waiting.lua",
      find: "  return holder and string.match(holder, ' (%d+)$') == fence\n",
      replace: "  return holder and true\n",
    }],
    noticedBy: ["staleFencesAreRefused"],
    draw: {
      form: "redis",
      faults: ["node-frozen", "worker-frozen", "worker-silent", "node-silent"],
    },
    seedsMax: 150,
  },
];
