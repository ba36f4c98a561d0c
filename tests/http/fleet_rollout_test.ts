/** A rolling apply over the real system, as the log tells it: how many are down, and what a failure leaves. */
import { assert, assertEquals } from "@std/assert";
import { evolve, initialState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { statusOf } from "../../machines/status.ts";
import { type ApiWorld, withApi } from "./support/api_world.ts";
import { until } from "./support/until.ts";
import { apply, diff, type Line, problemsIn, stepsIn, webFleet } from "./support/fleet_calls.ts";

/** Counts, event by event, how many of these instances do not run. */
async function watchOf({ system }: ApiWorld, ids: readonly string[]) {
  const states = new Map<string, InstanceState>();
  const watch = { away: 0, mostAway: 0, close: () => subscription.close() };
  const subscription = await system.observe((events) => {
    for (const event of events) {
      const { instanceId } = event;
      states.set(instanceId, evolve(states.get(instanceId) ?? initialState(instanceId), event));
      watch.away = ids.filter((id) => statusOf(states.get(id)!) !== "Running").length;
      watch.mostAway = Math.max(watch.mostAway, watch.away);
    }
  });
  for (const id of ids) states.set(id, (await system.get(id))!);
  return watch;
}

async function idsOf({ call }: ApiWorld, file: unknown): Promise<string[]> {
  return (await diff(call, file)).items.map(({ id }: Line) => id);
}

/** Starts of this release fail. */
function failFrom({ platform }: ApiWorld, isBad: () => boolean): void {
  const start = platform.start.bind(platform);
  platform.start = async (spec, signal) => {
    if (isBad()) {
      const failure = { code: "exited_at_once", message: "It ended at once.", retryable: true };
      return { kind: "failed", failure, runtimeInfo: null };
    }
    return await start(spec, signal);
  };
}

for (
  const [query, most] of [["", 1], ["maxUnavailable=2", 2], ["maxUnavailable=50%25", 3]] as const
) {
  Deno.test(`never more than ${most} of six are down (${query || "if nothing is said"}), and all are changed`, () =>
    withApi(async (world) => {
      const { call, startWorker, platform } = world;
      await startWorker();
      await apply(call, webFleet(6));
      const watch = await watchOf(world, await idsOf(world, webFleet(6)));
      const opened = Promise.withResolvers<void>();
      platform.gate = opened.promise;
      const applying = apply(call, webFleet(6, "2"), `parallel=6&${query}`);
      await until("as many are down as may be", () => watch.away === most);
      opened.resolve();
      const { end } = await applying;
      watch.close();
      assertEquals([end.outcome, end.summary.done], ["done", 6]);
      assertEquals(watch.mostAway, most, "never more");
      assertEquals(stepsIn(await diff(call, webFleet(6, "2"))), []);
    }));
}

Deno.test("a failure in the middle stops it, the rest runs as before, and a file that is mended finishes", () =>
  withApi(async (world) => {
    const { call, startWorker } = world;
    await startWorker();
    await apply(call, webFleet(5));
    let starts = 0;
    failFrom(world, () => ++starts > 2);
    const failed = await apply(call, webFleet(5, "2"), "parallel=5");
    assertEquals(failed.end.outcome, "failed");
    assertEquals(failed.end.summary, { done: 2, failed: 1, skipped: 2 });
    const [problem] = problemsIn(failed);
    assertEquals(problem?.replace(/^web-\d/, "web"), "web: exited_at_once: It ended at once.");
    const running = (await call("GET /api/server/instances?status=Running")).json.items;
    assertEquals(running.length, 4, "of five one is down");
    const untouched = running.filter(({ configuration }: Line) => configuration.revision === 1);
    assertEquals(untouched.length, 2, "what was not begun is not even configured");

    starts = -100;
    const mended = await apply(call, webFleet(5, "3"));
    assertEquals([mended.end.outcome, mended.end.summary.done], ["done", 5]);
    const { json: { items } } = await call("GET /api/server/instances?status=Running");
    assert(
      items.every(({ configuration }: Line) =>
        configuration.serverConfiguration.env.RELEASE === "3" &&
        configuration.revision === configuration.runningRevision
      ),
    );
  }));

Deno.test("with a release that does not start as many go down as may, also where it is to go on", () =>
  withApi(async (world) => {
    const { call, startWorker } = world;
    await startWorker();
    const policy = { restartPolicy: { mode: "never" } };
    const file = (release: string) => {
      const whole = webFleet(4, release);
      return { ...whole, instances: { web: { from: "program", count: 4, ...policy } } };
    };
    await apply(call, file("1"));
    const watch = await watchOf(world, await idsOf(world, file("1")));
    failFrom(world, () => true);
    const { end, lines } = await apply(call, file("2"), "keepGoing=true&maxUnavailable=2");
    watch.close();
    assertEquals([end.outcome, watch.mostAway], ["failed", 2]);
    const codes = lines.flatMap(({ problem }: Line) => problem?.code ?? []).sort();
    assertEquals(codes, [
      "exited_at_once",
      "exited_at_once",
      "too_few_available",
      "too_few_available",
    ]);
  }, { defaultTimeoutMs: 300 }));

Deno.test("one that is stopped by a user while it is applied is not started against that", () =>
  withApi(async (world) => {
    const { call, startWorker, platform } = world;
    await startWorker();
    await apply(call, webFleet(2));
    const [first, second] = await idsOf(world, webFleet(2));
    const opened = Promise.withResolvers<void>();
    platform.gate = opened.promise;
    const applying = apply(call, webFleet(2, "2"), "keepGoing=true");
    const { json } = await call(`GET /api/server/instances/${first}/wait?status=Restarting`);
    assertEquals(json.outcome, "reached");
    await call(`POST /api/server/instances/${second}/stop`);
    opened.resolve();
    const { end, lines } = await applying;
    assertEquals(end.outcome, "failed");
    const { problem } = lines.find(({ outcome }: Line) => outcome === "failed");
    assertEquals([problem.code, problem.status], ["changed_meanwhile", 409]);
    assertEquals((await call(`GET /api/server/instances/${second}`)).json.status, "Stopped");
  }));
