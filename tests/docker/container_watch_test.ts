/** Ends of containers are told once, and only those that nobody asked for, whatever the daemon says when. */
import { assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { ContainerState } from "../../workers/docker/container_engine.ts";
import { ContainerWatch } from "../../workers/docker/container_watch.ts";
import { DockerPlatform } from "../../workers/docker/docker_platform.ts";
import { runsOf } from "../../workers/docker/docker_site.ts";
import { endContainer } from "../../workers/docker/end_container.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { failureOf } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { shellImage } from "./docker_world.ts";
import { FakeDaemon, siteOn } from "./fake_daemon.ts";

const AWAY = new OperationalError("docker_unreachable", "It is away.", true, "Start it.");
const steady = shellImage("exec sleep 1000");

/** A platform on a daemon in memory, whose clock the test moves on. */
async function fakeWorld() {
  const clock = new ManualClock();
  const daemon = new FakeDaemon();
  const site = await siteOn(daemon, clock);
  const platform = new DockerPlatform(site);
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  const begin = () => platform.start(imageSpec(steady), new AbortController().signal);
  const started = async () => {
    const starting = begin();
    await settled();
    await clock.advance(1_000);
    return (await starting).runtimeInfo!;
  };
  /** Another worker's watch, beside the platform's own, which is closed. */
  const watchAlone = async () => {
    await started();
    await platform.close();
    const watch = new ContainerWatch(site, (info) => exits.push(info));
    const watched = watch.watch((await runsOf(site, "i-1"))[0]!);
    await settled();
    return { watch, watched };
  };
  return { clock, daemon, site, platform, exits, begin, started, watchAlone };
}

/** What the daemon says from the next question on is held back until it is let go. */
function holdNextAnswer(daemon: FakeDaemon): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const inspect = daemon.inspect;
  daemon.inspect = async (id: string): Promise<ContainerState | null> => {
    daemon.inspect = inspect;
    const state = await inspect.call(daemon, id);
    await promise;
    return state;
  };
  return resolve;
}

Deno.test("the end of a failed start is no news, also to who had looked before and sees it later", async () => {
  const { clock, daemon, platform, exits, begin } = await fakeWorld();
  const starting = begin();
  await settled();
  const letGo = holdNextAnswer(daemon);
  const looking = platform.inspect("i-1");
  await settled();
  daemon.end("container-1", 3);
  await clock.advance(1_000);
  assertEquals(failureOf(await starting).failure.code, "exited_at_once");
  letGo();
  assertEquals((await looking)?.status, "Running", "as it was when it was looked at");
  await clock.advance(60_000);
  assertEquals(exits, []);
  await platform.close();
});

Deno.test("what a start that came too late has removed is no news either", async () => {
  const { clock, daemon, platform, exits, begin } = await fakeWorld();
  const { start } = daemon;
  const late = Promise.withResolvers<void>();
  daemon.start = async (id) => {
    await start.call(daemon, id);
    await late.promise;
    return true;
  };
  const starting = begin();
  await settled();
  const letGo = holdNextAnswer(daemon);
  const looking = platform.inspect("i-1");
  await clock.advance(20_000);
  late.resolve();
  assertEquals(failureOf(await starting).failure.code, "spawn_too_late");
  letGo();
  assertEquals((await looking)?.status, "Running", "as it was when it was looked at");
  await clock.advance(60_000);
  assertEquals(exits, []);
  await platform.close();
});

Deno.test("an end is told once, whatever is shown of it later", async () => {
  const { clock, daemon, platform, exits, started } = await fakeWorld();
  await started();
  const letGo = holdNextAnswer(daemon);
  const looking = platform.inspect("i-1");
  await settled();
  daemon.end("container-1", 3);
  await clock.advance(10_000);
  letGo();
  await looking;
  await clock.advance(60_000);
  assertEquals(exits.map(({ exit }) => exit?.code), [3]);
  await platform.close();
});

Deno.test("a container that ended before it was watched is looked at once, without an event", async () => {
  const { daemon, site, platform, exits, started } = await fakeWorld();
  await started();
  await platform.close();
  const next = new DockerPlatform(site);
  next.onExit((info) => exits.push(info));
  const letGo = holdNextAnswer(daemon);
  const looking = next.inspect("i-1");
  await settled();
  daemon.end("container-1", 3);
  letGo();
  await looking;
  await settled();
  assertEquals(exits.map(({ exit }) => exit?.code), [3]);
  await next.close();
});

Deno.test("while the daemon is away a container is asked for at one pace, however often somebody looks", async () => {
  const { clock, daemon, watchAlone } = await fakeWorld();
  const { watch } = await watchAlone();
  let asked = 0;
  daemon.inspect = () => {
    asked++;
    return Promise.reject(AWAY);
  };
  for (let turn = 0; turn < 5; turn++) await watch.look("container-1");
  asked = 0;
  await clock.advance(2_000);
  assertEquals(asked, 4);
  watch.close();
});

Deno.test("an end that another worker asked for is not told, also where its container is gone by then", async () => {
  const { clock, daemon, site, platform, exits, started } = await fakeWorld();
  const { runId } = await started();
  await site.marks.askEnd("i-1", runId, NO_FENCE);
  await daemon.remove("container-1");
  await clock.advance(60_000);
  assertEquals(exits, []);
  await platform.close();
});

Deno.test("the end of a server that a stop could not end is told, like any other", async () => {
  const { clock, daemon, site, exits, watchAlone } = await fakeWorld();
  const { watch, watched } = await watchAlone();
  site.volumes.make = () => Promise.reject(AWAY);
  await assertRejects(() => endContainer(site, watch, watched, NO_FENCE), OperationalError);
  assertEquals(watched.isAsked, false);
  daemon.end("container-1", 3);
  await clock.advance(10_000);
  assertEquals(exits.map(({ exit }) => exit?.code), [3]);
  watch.close();
});
