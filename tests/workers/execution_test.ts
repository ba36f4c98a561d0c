/** Doing a command twice has the effect of once, also when the first attempt's server comes late. Design §4 rule 7. */
import { assertEquals } from "@std/assert";
import type { Command } from "../../events/commands.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { execute } from "../../workers/execution.ts";
import type { Platform } from "../../workers/platform.ts";
import { randomIds, realClock } from "./process_world.ts";

const start: Command = {
  messageId: "c-1",
  type: "StartInstanceCommand",
  instanceId: "i-1",
  platform: "process",
  site: "s-1",
  correlationId: "r-1",
  generation: 3,
  acceptWithinMs: 1_000,
  template: "command",
  configuration: { command: ["sleep", "1000"] },
};

/** A platform where a run of `generation` takes the lock between the look and the start. */
function overtaken(generation: number): { platform: Platform; late: RuntimeInfo } {
  const late: RuntimeInfo = {
    instanceId: "i-1",
    status: "Running",
    runId: "of-the-attempt-before",
    generation,
    site: "s-1",
    startedAt: 1,
    processId: "42",
    runtimeMetadata: {},
  };
  let looks = 0;
  const failure = { code: "locked", message: "The instance is in use.", retryable: true };
  const refuse = () => Promise.reject(new Error("a start asks for nothing else"));
  const platform: Platform = {
    name: "process",
    site: "s-1",
    inventory: refuse,
    inspect: () => Promise.resolve(looks++ === 0 ? null : late),
    start: () => Promise.resolve({ kind: "failed", failure, runtimeInfo: null }),
    stop: refuse,
    remove: refuse,
    onExit() {},
    logs: refuse,
    close: refuse,
  };
  return { platform, late };
}

function executed(platform: Platform) {
  return execute({ platform, clock: realClock, ids: randomIds }, {
    command: start,
    settle: false,
    acceptedAt: realClock.monotonic(),
    signal: new AbortController().signal,
    reaccept: () => Promise.resolve(true),
  });
}

Deno.test("a taken-over start is answered with the server that its first attempt had in flight", async () => {
  const { platform, late } = overtaken(3);
  const response = await executed(platform);
  assertEquals(response, {
    type: "StartInstanceResponse",
    instanceId: "i-1",
    success: true,
    runtimeInfo: late,
  });
});

Deno.test("a start that finds the lock held by another start's server fails", async () => {
  const { platform } = overtaken(2);
  const { success, errorCode } = await executed(platform);
  assertEquals([success, errorCode], [false, "locked"]);
});
