/** Doing a command twice has the effect of once, also when the first attempt's server comes late. Design §4 rule 7. */
import { assertEquals } from "@std/assert";
import type { Command } from "../../events/commands.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { execute, SPAWN_WITHIN_MS } from "../../workers/execution.ts";
import { NO_LEASES, type Platform } from "../../workers/platform.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
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

/** A platform on which an earlier attempt's spawn comes to life just before the fence. */
function overtaken(asked: string[]): { platform: Platform; late: RuntimeInfo } {
  const late: RuntimeInfo = {
    instanceId: "i-1",
    status: "Running",
    runId: "of-the-attempt-before",
    generation: 3,
    site: "s-1",
    startedAt: 1,
    processId: "42",
    runtimeMetadata: {},
  };
  const refuse = () => Promise.reject(new Error("nothing else is asked for"));
  const platform: Platform = {
    name: "process",
    site: "s-1",
    leases: NO_LEASES,
    inventory: refuse,
    inspect: () => Promise.resolve(null),
    fence: (instanceId, { generation, attempt }) => {
      asked.push(`fence ${instanceId} ${generation}.${attempt}`);
      return Promise.resolve(late);
    },
    start: ({ fence }) => {
      asked.push(`start ${fence.generation}.${fence.attempt}`);
      return Promise.resolve({ kind: "running", runtimeInfo: late });
    },
    stop: refuse,
    remove: refuse,
    onExit() {},
    onHealth() {},
    logs: refuse,
    readLogs: refuse,
    close: refuse,
  };
  return { platform, late };
}

function executed(platform: Platform, attempt: number, settle = false, command = start) {
  return execute({ platform, clock: realClock, ids: randomIds }, {
    command,
    attempt,
    settle,
    leaseFromMs: null,
    acceptedAt: realClock.monotonic(),
    signal: new AbortController().signal,
    reaccept: () => Promise.resolve(true),
  });
}

Deno.test("a start that was taken over fences first, and answers with the server that its first attempt had in flight", async () => {
  const asked: string[] = [];
  const { platform, late } = overtaken(asked);
  const response = await executed(platform, 2);
  assertEquals([response.success, response.runtimeInfo], [true, late]);
  assertEquals(asked, ["fence i-1 3.2"]);
});

Deno.test("a first attempt needs no fence, and starts under its own", async () => {
  const asked: string[] = [];
  await executed(overtaken(asked).platform, 1);
  assertEquals(asked, ["start 3.1"]);
});

Deno.test("a start that is settled reports what lives, and starts nothing", async () => {
  const asked: string[] = [];
  const { platform } = overtaken(asked);
  platform.fence = () => Promise.resolve(null);
  const response = await executed(platform, 2, true);
  assertEquals([response.success, response.errorCode, asked], [false, "superseded", []]);
});

Deno.test("a restart that cannot start anew tells that the server has ended, also where no record of it is left", async () => {
  const { platform, late } = overtaken([]);
  platform.inspect = () => Promise.resolve({ ...late, generation: 2 });
  platform.stop = () => Promise.resolve({ kind: "stopped", runtimeInfo: null });
  const broken = { code: "port_taken", message: "The port is taken.", retryable: true };
  platform.start = () => Promise.resolve({ kind: "failed", failure: broken, runtimeInfo: null });
  const restart: Command = { ...start, type: "RestartInstanceCommand" };
  const { success, runtimeInfo } = await executed(platform, 1, false, restart);
  assertEquals([success, runtimeInfo?.runId, runtimeInfo?.status], [false, late.runId, "Stopped"]);
  assertEquals(runtimeInfo?.exit?.reason, "Unknown");
});

const move: Command = {
  messageId: "c-2",
  type: "DeleteInstanceCommand",
  instanceId: "i-1",
  platform: "process",
  site: "s-1",
  correlationId: "r-2",
  generation: 4,
  acceptWithinMs: 1_000,
  keepsNewer: true,
};

Deno.test("a move removes what is older than it, and leaves a newer run alone", async () => {
  const { platform, late } = overtaken([]);
  let removed = 0;
  platform.remove = () => {
    removed++;
    return Promise.resolve({ kind: "stopped", runtimeInfo: null });
  };
  platform.inspect = () => Promise.resolve({ ...late, generation: 5 });
  const spared = await executed(platform, 1, false, move);
  assertEquals([spared.success, spared.errorCode, spared.runtimeInfo?.generation, removed], [
    false,
    "superseded",
    5,
    0,
  ]);
  platform.inspect = () => Promise.resolve(late);
  assertEquals((await executed(platform, 1, false, move)).success, true);
  assertEquals(removed, 1);
});

Deno.test("where a spawn may come late, a move removes once more what has come by its deadline", async () => {
  const { platform, late } = overtaken([]);
  const clock = new ManualClock();
  const removedAt: number[] = [];
  platform.remove = () => {
    removedAt.push(clock.monotonic());
    const ended: RuntimeInfo = { ...late, status: "Stopped" };
    return Promise.resolve({
      kind: "stopped",
      runtimeInfo: removedAt.length === 1 ? null : ended,
    });
  };
  const began = clock.monotonic();
  let isOver = false;
  const done = execute({ platform, clock, ids: randomIds }, {
    command: { ...move, mayComeLate: true },
    attempt: 1,
    settle: false,
    leaseFromMs: null,
    acceptedAt: began,
    signal: new AbortController().signal,
    reaccept: () => Promise.resolve(true),
  }).finally(() => isOver = true);
  await settled();
  await clock.advance(SPAWN_WITHIN_MS);
  await settled();
  assertEquals([isOver, removedAt.length], [false, 1], "a spawn just before its deadline may be");
  await clock.advance(1_000);
  const { success, runtimeInfo } = await done;
  assertEquals([success, runtimeInfo?.runId, removedAt.map((at) => at - began)], [
    true,
    late.runId,
    [0, SPAWN_WITHIN_MS + 1_000],
  ]);
});
