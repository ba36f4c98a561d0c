/** Mutations of the worker: what it takes up, what it adopts, what it tells, how it does things once. */
import type { Mutation } from "./mutation.ts";

export const WORKER_MUTATIONS: readonly Mutation[] = [
  {
    name: "no-fence-before-a-take-over",
    sentence:
      "A take-over looks what runs without a fence, while the first attempt's spawn is on its way. Rule 6.",
    edits: [{
      file: "workers/execution.ts",
      find: "const found = attempt > 1\n",
      replace: "const found = attempt > 100\n",
    }],
    noticedBy: ["neverTwo", "nothingIsOrphaned"],
    draw: { form: "redis", faults: ["worker-killed", "worker-doubled", "worker-silent"] },
    seedsMax: 1200,
  },
  {
    name: "lease-without-the-log",
    sentence:
      "A worker prolongs the leases of its servers whether or not the log has heard it. Rule 8.",
    edits: [{
      file: "workers/worker_life.ts",
      find:
        `    const answer = await channel.heartbeat(lanes.busy, platform.metrics?.());\n    if (answer === "ok" && asOfMs !== null) await leases.heard(asOfMs);\n`,
      replace:
        `    if (asOfMs !== null) await leases.heard(asOfMs);\n    const answer = await channel.heartbeat(lanes.busy, platform.metrics?.());\n`,
    }],
    noticedBy: ["leasesAreKept", "neverTwo"],
    draw: { form: "redis", faults: ["worker-silent", "worker-cut"] },
    seedsMax: 150,
  },
  {
    name: "report-exits-out-of-turn",
    sentence:
      "An exit is reported beside the start that it follows, so that a later response revives the run. Design §4.",
    edits: [{
      file: "workers/worker_life.ts",
      find:
        "    void this.guard(exited.instanceId, async () => {\n      await Promise.race([this.registered.promise, this.over]);\n      await this.findings.reportExit(exited);\n    });\n",
      replace:
        "    void Promise.race([this.registered.promise, this.over])\n      .then(() => this.findings.reportExit(exited));\n",
    }],
    noticedBy: ["nothingIsOrphaned"],
    draw: { form: "redis", faults: ["server-exits", "redis-killed", "worker-cut", "redis-slow"] },
    seedsMax: 150,
  },
  {
    name: "take-what-runs-for-the-new-one",
    sentence:
      "A start or restart takes whatever runs of the instance for its own, whichever run it is. Rules 6, 7.",
    edits: [{
      file: "workers/execution.ts",
      find: "if (isLive && (execution.settle || found.generation === command.generation)) {",
      replace: "if (isLive) {",
    }],
    noticedBy: ["successIsOfItsCommand"],
    draw: {},
    seedsMax: 150,
  },
  {
    name: "spawn-what-is-settled",
    sentence: "A take-over of an old generation spawns, instead of only looking. Rule 7.",
    edits: [{
      file: "workers/execution.ts",
      find: "      if (execution.settle) return failure(command, OVERTAKEN, found);\n",
      replace: "",
    }],
    noticedBy: ["settledSpawnsNothing", "spawnsAreInOrder"],
    draw: { form: "redis", faults: ["worker-killed", "worker-doubled"] },
    seedsMax: 150,
  },
  {
    name: "adopt-whatever-runs",
    sentence:
      "A worker keeps what runs on its host without asking which run the log has. Rule 9, promise 7.",
    edits: [{
      file: "workers/adoption.ts",
      find: `  if (standing.runId === found.runId) return "keep";\n`,
      replace: `  if (standing.generation > 0) return "keep";\n`,
    }],
    noticedBy: ["nothingIsOrphaned"],
    // What a rollback leaves on the hosts, nobody but the worker can tell of.
    draw: { form: "redis", faults: ["redis-rolled-back"] },
    seedsMax: 150,
  },
  {
    name: "tell-health-at-once",
    sentence: "Each change of a server's health is told as it comes. Rule 13.",
    edits: [{
      file: "workers/health_reports.ts",
      find: "export const REPORT_GAP_MS = 1_000;",
      replace: "export const REPORT_GAP_MS = 0;",
    }],
    noticedBy: ["healthReportsAreApart"],
    draw: { form: "redis", faults: ["server-exits"] },
    seedsMax: 150,
  },
  {
    name: "take-any-health-for-true",
    sentence: "What a worker says of the health of any run counts for the present one. Design §4.",
    edits: [{
      file: "machines/fold_health.ts",
      find: "  if (report.runId !== facts.run?.runId || !isLive(facts)) return {};\n",
      replace: "",
    }],
    noticedBy: ["lateHealthChangesNothing", "healthIsOfTheLiveRun"],
    draw: { form: "redis", faults: ["worker-silent", "redis-slow", "server-exits"] },
    seedsMax: 150,
  },
];
