/** Records that cannot be read: of one instance they hide no other, and cost no server its life. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import {
  eventually,
  failureOf,
  isRunning,
  shell,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

const steady = shell("exec sleep 1000");

Deno.test("an instance whose record cannot be read is left out of the inventory, and left alone", () =>
  withWorld(async (world) => {
    const unreadable = await started(world.platform, steady);
    const kept = await started(world.platform, steady, { instanceId: "i-2" });
    await world.platform.close();
    const record = `${world.folder()}/run.json`;
    await Deno.rename(record, `${record}.kept`);
    await Deno.mkdir(record);
    const next = await world.reopen();
    assertEquals(await next.inventory(), [kept]);
    assert(await isRunning(unreadable.processId), "its server runs on");

    const outcomes = [failureOf(await startIt(next, steady)), await next.stop("i-1", NO_FENCE)];
    for (const outcome of outcomes) {
      assert(outcome.kind === "failed", "it fails");
      assertEquals([outcome.failure.code, outcome.failure.retryable], ["folder_unusable", false]);
      assertStringIncludes(outcome.failure.message, "Remove it, or set another data folder.");
    }
    for (
      const ask of [() => next.inspect("i-1"), () => next.fence("i-1", NO_FENCE)]
    ) {
      const error = await assertRejects(ask, OperationalError);
      assertEquals([error.code, error.retryable], ["folder_unusable", false]);
      assertEquals(error.hint, "Remove it, or set another data folder.");
      assertStringIncludes(error.message, "that is not ours");
    }

    await Deno.remove(record);
    await Deno.rename(`${record}.kept`, record);
    assertEquals(await next.inventory(), [unreadable, kept]);
  }));

Deno.test("a log that cannot be read is said so", () =>
  withWorld(async ({ platform, folder }) => {
    await Deno.mkdir(`${folder()}/logs/index`, { recursive: true });
    const error = await assertRejects(() => platform.logs("i-1", 1), OperationalError);
    assertEquals(error.code, "folder_unusable");
  }));

Deno.test("a live run whose exit cannot be looked at is watched by its process", () =>
  withWorld(async ({ platform, folder, exits, reopen }) => {
    const info = await started(platform, steady);
    await platform.close();
    const next = await reopen();
    next.onExit((ended) => exits.push(ended));
    await next.inventory();
    await Deno.rename(`${folder()}/runs`, `${folder()}/runs.kept`);
    await Deno.writeTextFile(`${folder()}/runs`, "in the way");
    Deno.kill(Number(info.processId), "SIGKILL");
    await eventually("its end is reported", () => exits.length > 0);
    assertEquals(exits.map(({ runId, status }) => [runId, status]), [[info.runId, "Stopped"]]);
    await Deno.remove(`${folder()}/runs`);
  }));
