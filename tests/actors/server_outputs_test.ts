/** An output is followed wherever its server is, page after page, and its end is said. */
import { assertEquals, assertRejects } from "@std/assert";
import { ServerOutputs } from "../../actors/server_outputs.ts";
import type { FollowBegin, FollowedPage } from "../../actors/system_port.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { CommandBus } from "../../events/command_bus.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import type { LogPage, LogReading } from "../../events/server_output.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { stateAfter } from "../http/support/scripted_system.ts";

type Step = LogPage | OperationalError;

interface Asked {
  site: string;
  reading: LogReading;
}

/** A follower over scripted answers; `stateBefore` tells the instance by how many questions were asked. */
function follower(steps: Step[], stateBefore: (answers: number) => InstanceState | undefined) {
  const asked: Asked[] = [];
  const bus = {
    readLogs: (site: string, _id: string, reading: LogReading, signal?: AbortSignal) => {
      asked.push({ site, reading });
      const step = steps[asked.length - 1];
      if (step instanceof OperationalError) return Promise.reject(step);
      if (step) return Promise.resolve(step);
      return new Promise<LogPage>((resolve) =>
        signal?.addEventListener("abort", () => resolve(page([], null)))
      );
    },
  } as unknown as CommandBus;
  const clock = { ...hostClock, after: (_ms: number, run: () => void) => hostClock.after(1, run) };
  const outputs = new ServerOutputs({ bus, clock, stateOf: () => stateBefore(asked.length) });
  const take = async (count: number, begin: FollowBegin = { tail: 9 }) => {
    const leaving = new AbortController();
    const pages: FollowedPage[] = [];
    for await (const one of outputs.follow("i-1", begin, leaving.signal)) {
      if (pages.push(one) === count) leaving.abort();
    }
    return pages;
  };
  return { asked, take };
}

function page(texts: string[], cursor: string | null): LogPage {
  const lines = texts.map((text) => ({ stream: "stdout" as const, at: 1, text }));
  return { lines, cursor, hasMore: false };
}

function runningAt(site: string, startedAt: number): InstanceState {
  const state = stateAfter();
  const runtimeInfo = {
    instanceId: "i-1",
    runId: "r-1",
    generation: 1,
    site,
    status: "Running" as const,
    startedAt,
    runtimeMetadata: {},
  };
  const run = { runId: "r-1", site, workerId: "w", since: 1, launch: null, runtimeInfo };
  return { ...state, context: { ...state.context, run } } as InstanceState;
}

const away = new OperationalError("site_unreachable", "No worker.", true, "Start one.");
const told = (pages: FollowedPage[]) =>
  pages.map(({ lines, position }) => [lines.map(({ kind, text }) => kind ?? text), position]);

Deno.test("each page is asked for with the place of the one before, the first without a wait", async () => {
  const steps = [page(["one"], "1.1.0"), page([], "1.1.0"), page(["two"], "2.2.0")];
  const { asked, take } = follower(steps, () => runningAt("s-1", 1));
  assertEquals(told(await take(2, { tail: 9, stream: "stdout" })), [
    [["one"], "1.1.0@s-1"],
    [["two"], "2.2.0@s-1"],
  ]);
  assertEquals(asked.map(({ reading }) => reading), [
    { tail: 9, stream: "stdout", waitMs: 0 },
    { cursor: "1.1.0", stream: "stdout", waitMs: 10_000 },
    { cursor: "1.1.0", stream: "stdout", waitMs: 10_000 },
  ]);
});

Deno.test("a server that moved is followed on its new host, from its start there", async () => {
  const steps = [page(["one"], "1.1.0"), page(["there"], "1.6.0"), page(["more"], "2.9.0")];
  const { asked, take } = follower(
    steps,
    (answers) => answers < 1 ? runningAt("s-1", 1) : runningAt("s-2", 77),
  );
  assertEquals(told(await take(3)), [
    [["one"], "1.1.0@s-1"],
    [["moved", "there"], "1.6.0@s-2"],
    [["more"], "2.9.0@s-2"],
  ]);
  assertEquals(asked.slice(1), [
    { site: "s-2", reading: { since: 77, waitMs: 0 } },
    { site: "s-2", reading: { cursor: "1.6.0", waitMs: 10_000 } },
  ]);
});

Deno.test("a site that does not answer is said once, and goes on where it was", async () => {
  const steps = [page(["one"], "1.1.0"), away, away, page(["two"], "2.2.0")];
  const { asked, take } = follower(steps, () => runningAt("s-1", 1));
  assertEquals(told(await take(3)), [
    [["one"], "1.1.0@s-1"],
    [["away"], "1.1.0@s-1"],
    [["two"], "2.2.0@s-1"],
  ]);
  assertEquals(asked.at(-1)?.reading.cursor, "1.1.0");
  const first = follower([away], () => runningAt("s-1", 1));
  await assertRejects(() => first.take(1), OperationalError);
});

Deno.test("another connection goes on after the place that it gives, and is told so", async () => {
  const { asked, take } = follower([page(["three"], "3.3.0")], () => runningAt("s-1", 1));
  assertEquals(told(await take(2, { tail: 9, after: "2.2.0@s-1" })), [
    [["resumed"], "2.2.0@s-1"],
    [["three"], "3.3.0@s-1"],
  ]);
  assertEquals(asked[0]?.reading.cursor, "2.2.0");
});

Deno.test("a worker that keeps no place tells what it has, and that this is all", async () => {
  const { take } = follower([page(["last"], null)], () => runningAt("s-1", 1));
  const [only] = await take(9);
  assertEquals([only?.lines.map(({ text }) => text), only?.end], [["last"], "not_followed"]);
});

Deno.test("an instance that never ran is waited for, one that is deleted is not", async () => {
  const idle = follower([page(["first"], "1.1.0")], (answers) => {
    looks++;
    return looks < 4 && answers === 0 ? stateAfter() : runningAt("s-1", 1);
  });
  let looks = 0;
  assertEquals(told(await idle.take(2)), [[[], null], [["first"], "1.1.0@s-1"]]);
  const deleted = stateAfter(newEvent("DeleteRequested", {
    commandId: null,
    generation: 1,
    site: null,
    acceptWithinMs: 1_000,
    force: true,
    mayStillRun: null,
  }));
  const gone = follower([], () => deleted);
  assertEquals((await gone.take(9)).map(({ end }) => end), ["deleted"]);
});
