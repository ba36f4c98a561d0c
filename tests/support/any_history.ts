/** Histories of any events at all, for properties; also ones that no decision would ever make. */
import fc from "fast-check";
import { ended, History, INSTANCE, launch, running, SITE } from "./recorded.ts";

const commandId = fc.constantFrom("c1", "c2", "c3");
const runId = fc.constantFrom("r1", "r2", "r3");
const responseType = fc.constantFrom("Start", "Stop", "Restart", "Delete").map((kind) =>
  `${kind}InstanceResponse` as const
);
const info = fc.tuple(fc.boolean(), runId, fc.nat(6)).map(([isLive, run, generation]) => ({
  ...(isLive ? running(run) : ended(run, 2_000, generation % 2)),
  generation,
}));
/** What a worker may answer. */
export const response = fc.tuple(responseType, fc.option(info, { nil: undefined }), fc.boolean())
  .map(
    ([type, runtimeInfo, isRetryable]) => ({
      type,
      instanceId: INSTANCE,
      success: true,
      retryable: isRetryable,
      ...(runtimeInfo ? { runtimeInfo } : {}),
    }),
  );

/** Adds any event at all, also ones that no decision would ever make there. */
export const anyEvent: fc.Arbitrary<(history: History) => void> = fc.oneof(
  fc.constant((history: History) => void history.created()),
  fc.tuple(commandId, fc.constantFrom("user" as const, "restart-policy" as const, "queue" as const))
    .map(
      ([id, cause]) => (history: History) => void history.startRequested(id, cause),
    ),
  fc.option(commandId).map((id) => (history: History) => void history.stopRequested(id)),
  commandId.map((id) => (history: History) =>
    void history.add("RestartRequested", { ...launch(id, 3), site: SITE })
  ),
  commandId.map((id) => (history: History) => void history.add("StartQueued", launch(id, 3))),
  fc.option(commandId).map((id) => (history: History) => void history.moveRequested(id)),
  fc.tuple(fc.option(commandId), fc.boolean()).map(([id, force]) => (history: History) =>
    void history.add("DeleteRequested", {
      commandId: id,
      generation: 4,
      site: SITE,
      acceptWithinMs: 10,
      force,
      mayStillRun: null,
    })
  ),
  fc.tuple(
    commandId,
    fc.constantFrom("Start" as const, "Stop" as const, "Restart" as const, "Delete" as const),
  ).map(
    ([id, type]) => (history: History) => void history.accepted(id, type),
  ),
  fc.tuple(commandId, response).map(([id, answer]) => (history: History) =>
    void history.add("CommandSucceeded", {
      commandId: id,
      attempt: 1,
      workerId: "w1",
      response: answer,
    })
  ),
  fc.tuple(commandId, response).map(([id, answer]) => (history: History) =>
    void history.add("CommandFailed", {
      commandId: id,
      attempt: 1,
      workerId: "w1",
      response: { ...answer, success: false },
    })
  ),
  commandId.map((id) => (history: History) =>
    void history.add("CommandExpired", { commandId: id, reason: "NoWorker" })
  ),
  commandId.map((id) => (history: History) =>
    void history.add("CommandCancelled", { commandId: id, reason: "StopRequested" })
  ),
  commandId.map((id) => (history: History) =>
    void history.add("CommandForgotten", { commandId: id, workerId: "w1" })
  ),
  fc.tuple(info, fc.constantFrom("Exited" as const, "Found" as const, "Lost" as const)).map(
    ([runtimeInfo, observation]) => (history: History) =>
      void history.add("RuntimeObserved", {
        instanceId: INSTANCE,
        observation,
        workerId: "w1",
        runtimeInfo,
      }),
  ),
  fc.tuple(
    runId,
    fc.constantFrom("starting" as const, "healthy" as const, "unhealthy" as const),
    fc.constantFrom("liveness" as const, "components" as const),
  ).map(([run, health, cause]) => (history: History) =>
    void history.health(health, {
      runId: run,
      ...(health === "unhealthy" ? { cause } : {}),
      ...(health === "starting" ? { start: { step: "settling", since: 1 } } : {}),
    })
  ),
  fc.nat(3).map((attempt) => (history: History) =>
    void history.add("RestartScheduled", { runId: "r1", attempt, delayMs: 5 })
  ),
  fc.constant((history: History) =>
    void history.add("RestartAbandoned", { runId: "r1", reason: "CrashLoop", starts: 3 })
  ),
  fc.constantFrom("Running", "Error").map((status) => (history: History) =>
    void history.reported(status)
  ),
  fc.constant((history: History) =>
    void history.add("RequestAnswered", { request: "start", commandId: null })
  ),
);

/** Up to 40 events. */
export const anyHistory = fc.array(anyEvent, { maxLength: 40 }).map((steps) => {
  const history = new History();
  for (const step of steps) step(history);
  return history;
});
