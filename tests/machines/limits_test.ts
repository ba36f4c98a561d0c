/** The limits of an instance: what a start, a restart and the policy carry, and what is shown of them. */
import { assertEquals } from "@std/assert";
import type { Command } from "../../events/commands.ts";
import { decide } from "../../machines/decide.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { react } from "../../machines/reconcile.ts";
import { History } from "../support/recorded.ts";

const LIMITS = { memoryBytes: 67_108_864, processes: 32 };
const given = {
  commandId: "next",
  correlationId: "c",
  acceptWithinMs: 30_000,
  keepsAnswer: false,
  fraction: 0,
  expiryReason: "NoWorker",
} as const;

/** The command that `request` sends. */
function commandOf(history: History, request: InstanceRequest): Command | undefined {
  const decision = decide(history.state, request, given);
  return decision.kind === "accepted" ? decision.commands[0] : undefined;
}

const limited = () =>
  new History().created().add("InstanceConfigured", { changes: { limits: LIMITS } });

Deno.test("a start and a restart carry the limits of their instance, also with a configuration of their own", () => {
  const history = limited();
  assertEquals(commandOf(history, { type: "start" })?.limits, LIMITS);
  const override: InstanceRequest = { type: "start", configuration: { command: ["true"] } };
  assertEquals(commandOf(history, override)?.limits, LIMITS);
  history.startRequested("s").accepted("s").started("s");
  assertEquals(commandOf(history, { type: "restart" })?.limits, LIMITS);
  assertEquals(commandOf(history, { type: "stop" })?.limits, undefined);
});

Deno.test("an instance without limits, and one whose limits were taken away, carries none", () => {
  assertEquals(commandOf(new History().created(), { type: "start" })?.limits, undefined);
  const freed = limited().add("InstanceConfigured", { changes: { limits: {} } });
  assertEquals("limits" in commandOf(freed, { type: "start" })!, false);
});

Deno.test("what the restart policy starts again has the limits that it was started with", () => {
  const history = limited().add("StartRequested", {
    commandId: "s",
    generation: 1,
    configuration: { command: ["/bin/true"] },
    configurationRevision: 1,
    limits: LIMITS,
    acceptWithinMs: 30_000,
    site: null,
    cause: "user",
  }).accepted("s").started("s").add("InstanceConfigured", { changes: { limits: {} } }).exited();
  history.add("RestartScheduled", {
    runId: history.state.context.unjudged!.runId,
    attempt: 0,
    delayMs: 0,
  });
  const due = { kind: "restart", dueAt: history.state.context.nextStart!.at } as const;
  assertEquals(react(history.state, due, given)?.commands[0]?.limits, LIMITS);
});
