/** Instances for tests of the screen of one: well with another revision in force, and failed with its last output. */
import type { InstanceAnswer } from "../../../http/client/answers.ts";
import { agoText, answerOf } from "./fleet_models.ts";

/** Runs revision 6 and is configured to revision 7; one of its parts is not well. */
export const DRIFTING: InstanceAnswer = answerOf("orders-feed", {
  status: "Running",
  health: "unhealthy",
  healthDetail: {
    since: agoText(30_000),
    cause: "components",
    reason: "1 of 3 components",
    components: [{ kind: "source", name: "orders-db", status: "Error", reason: "refused" }],
  },
  labels: { team: "core" },
  configuration: {
    revision: 7,
    runningRevision: 6,
    serverConfiguration: { port: 9090, logLevel: "info" },
  },
});

/** Crashed, and is tried again; with the evidence of its last run. */
export const FAILED: InstanceAnswer = answerOf("audit-tap", {
  status: "Failed",
  lastError: { code: "exited", message: "exit code 137, out of memory", retryable: true },
  restarts: 12,
  nextStartAt: agoText(-8_000),
  nextStartAttempt: 4,
  configuration: { revision: 1, runningRevision: null, serverConfiguration: { port: 8080 } },
  lastFailure: {
    at: agoText(12_000),
    run: {
      exit: { code: 137, signal: null, reason: "Exited", message: "exit code 137, out of memory" },
      logTail: "query daily-orders is ready\n\u001b[31mmemory allocation of 8 MiB failed\u0007\n",
    },
    capsule: { changes: ["port: 8081 → 8080"] },
  },
});
