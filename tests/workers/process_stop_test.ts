/** A stop ends the whole tree of a server: gently first, then by force. */
import { NO_FENCE } from "../../workers/platform.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Clock } from "../../events/clock.ts";
import {
  eventually,
  fileText,
  isRunning,
  realClock,
  shell,
  started,
  withWorld,
} from "./process_world.ts";

Deno.test("a stop sends the configured signal and reports how the server ended", () =>
  withWorld(async ({ platform }) => {
    await started(
      platform,
      shell("trap 'echo bye; exit 0' INT; while :; do sleep 0.02; done", { stopSignal: "SIGINT" }),
    );
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals(runtimeInfo?.exit?.code, 0);
    assertEquals(runtimeInfo?.exit?.reason, "Stopped");
    assertStringIncludes(runtimeInfo?.exit?.message ?? "", "was stopped: exited with code 0");
    assertEquals(await platform.logs("i-1", 1), ["bye"]);
  }));

Deno.test("a server that ignores its stop signal is killed with its children", () =>
  withWorld(async ({ platform, folder, exits }) => {
    const info = await started(
      platform,
      shell("trap '' TERM; sleep 1000 & echo $! > child; wait; while :; do sleep 1; done", {
        stopGraceMs: 300,
      }),
    );
    const child = (await fileText(`${folder()}/child`)).trim();
    const outcome = await platform.stop("i-1", NO_FENCE);
    assertEquals(outcome.kind, "stopped");
    const exit = outcome.runtimeInfo?.exit;
    assertEquals([exit?.reason, exit?.signal], ["Killed", "SIGKILL"]);
    assertStringIncludes(exit?.message ?? "", "did not end within 300 ms of SIGTERM");
    assert(!await isRunning(info.processId), "the server is gone");
    assert(!await isRunning(child), "its child is gone");
    assertEquals(exits, []);
  }));

Deno.test("a stop of an adopted server does not wait for the next look at it", () =>
  withWorld(async ({ platform, reopen }) => {
    await started(platform, shell("exec sleep 1000", { stopGraceMs: 1_000 }));
    await platform.close();
    // The looks of a watch that nobody waits for never come.
    const after: Clock["after"] = (delayMs, run) =>
      delayMs === 200 ? () => {} : realClock.after(delayMs, run);
    const next = await reopen({ clock: { ...realClock, after } });
    await next.inventory();
    const outcome = await next.stop("i-1", NO_FENCE);
    assertEquals([outcome.kind, outcome.runtimeInfo?.exit?.reason], ["stopped", "Stopped"]);
  }));

Deno.test("a child that left the group and the session goes with its server", () =>
  withWorld(async ({ platform, folder }) => {
    await started(
      platform,
      shell("setsid sh -c 'echo $$ > child; exec sleep 1000' & exec sleep 1000"),
    );
    const child = (await fileText(`${folder()}/child`)).trim();
    assertEquals((await platform.stop("i-1", NO_FENCE)).kind, "stopped");
    assert(!await isRunning(child), "the child is gone");
  }));

Deno.test("a child that left the session and cleared its environment goes with its server", () =>
  withWorld(async ({ platform, folder }) => {
    await started(
      platform,
      shell("env -i setsid /bin/sh -c 'echo $$ > child; exec sleep 1000' & exec sleep 1000"),
    );
    const child = (await fileText(`${folder()}/child`)).trim();
    assertEquals((await platform.stop("i-1", NO_FENCE)).kind, "stopped");
    assert(!await isRunning(child), "the child is gone");
  }));

Deno.test("a frozen server is killed", () =>
  withWorld(async ({ platform }) => {
    const info = await started(platform, shell("exec sleep 1000", { stopGraceMs: 200 }));
    Deno.kill(Number(info.processId), "SIGSTOP");
    await eventually("it is frozen", async () =>
      /^State:\s+T/m.test(await Deno.readTextFile(`/proc/${info.processId}/status`)));
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals(runtimeInfo?.exit?.reason, "Killed");
  }));

Deno.test("a stop leaves the same server of another site alone", () =>
  withWorld((one) =>
    withWorld(async (other) => {
      const kept = await started(one.platform, shell("exec sleep 1000"));
      await started(other.platform, shell("exec sleep 1000"));
      await other.platform.stop("i-1", NO_FENCE);
      await other.platform.remove("i-1", NO_FENCE);
      assert(await isRunning(kept.processId), "same instance id, other data folder");
    })
  ));

Deno.test("a stop works after the configuration's records are gone", () =>
  withWorld(async ({ platform, folder }) => {
    const info = await started(platform, shell("exec sleep 1000"));
    await Deno.remove(`${folder()}/runs`, { recursive: true });
    assertEquals((await platform.stop("i-1", NO_FENCE)).kind, "stopped");
    assert(!await isRunning(info.processId), "it is gone");
  }));

Deno.test("a remove takes the instance's folder and nothing else", () =>
  withWorld(async ({ platform, folder }) => {
    await started(platform, shell("exec sleep 1000"));
    const kept = await started(platform, shell("exec sleep 1000"), { instanceId: "i-2" });
    assertEquals((await platform.remove("i-1", NO_FENCE)).kind, "stopped");
    assertEquals(await Deno.stat(folder()).catch(() => "not there"), "not there");
    assertEquals(await platform.inventory(), [kept]);
  }));

Deno.test("ids that are not ids never become paths", () =>
  withWorld(async ({ platform }) => {
    for (const id of ["../x", "", ".", "a/b", "a b"]) {
      const thrown = await platform.remove(id, NO_FENCE).then(() => null, (error) => error);
      assertStringIncludes(String(thrown), "not an instance id");
    }
  }));

Deno.test("a server whose folder was removed from under it is stopped all the same", () =>
  withWorld(async ({ platform, folder }) => {
    const { processId } = await started(platform, shell("exec sleep 1000"));
    await Deno.remove(folder(), { recursive: true });
    assertEquals((await platform.inspect("i-1"))?.processId, processId);
    const outcome = await platform.stop("i-1", NO_FENCE);
    assertEquals([outcome.kind, outcome.runtimeInfo?.status], ["stopped", "Stopped"]);
    assertEquals(await Deno.stat(`/proc/${processId}`).catch(() => "gone"), "gone");
    await started(platform, shell("exec sleep 1000"));
  }));
