/** What the docker worker makes of a daemon's answers, and of none, told by a socket that answers as the test says. */
import { assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { DockerAddress } from "../../workers/docker/docker_address.ts";
import { DockerPlatform, openDocker } from "../../workers/docker/docker_platform.ts";
import { DockerodeEngine } from "../../workers/docker/dockerode_engine.ts";
import { DockerodeTalk } from "../../workers/docker/dockerode_talk.ts";
import { DockerodeVolumes } from "../../workers/docker/dockerode_volumes.ts";
import { NO_LOGINS } from "../../workers/docker/registry_logins.ts";
import { EngineCalls } from "../../workers/docker/engine_calls.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { eventually, failureOf, realClock } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { shellImage } from "./docker_world.ts";
import { FakeDaemon, siteOn } from "./fake_daemon.ts";
import { SILENCE, withScriptedSocket } from "./scripted_socket.ts";

const NEVER = new AbortController().signal;

function clientOf(address: DockerAddress) {
  const clock = new ManualClock();
  const docker = openDocker(address, null);
  const calls = new EngineCalls(address.text, clock);
  return {
    clock,
    engine: new DockerodeEngine(docker, calls, address.publishedAt, "test"),
    volumes: new DockerodeVolumes(docker, calls, "test"),
    talk: new DockerodeTalk(docker, calls, "test", NO_LOGINS),
  };
}

Deno.test("a daemon that takes calls and answers none is told as one, after a while", async () => {
  const asked: string[] = [];
  const note = ({ url }: Request) => {
    asked.push(url);
    return SILENCE;
  };
  await withScriptedSocket(note, async (address) => {
    const { clock, engine, volumes, talk } = clientOf(address);
    const listeners = { onOpen() {}, onEnd() {} };
    const reads = [
      () => engine.identity(),
      () => engine.list(null),
      () => engine.inspect("c"),
      () => engine.signal("c", "SIGTERM"),
      () => engine.rename("c", "d"),
      () => volumes.list("i-1"),
      () => talk.usage("c"),
      () => talk.execute("c", ["true"], NEVER),
      () => talk.watchEnds(listeners, NEVER),
      () => Array.fromAsync(talk.printed("c", { follows: true, signal: NEVER })),
    ];
    const changes = [
      () => engine.fill("c", { files: [], writable: [] }),
      () => engine.start("c"),
      () => engine.remove("c"),
      () => volumes.make("v", {}),
      () => volumes.remove("v"),
    ];
    const within = async (calls: readonly (() => Promise<unknown>)[], ms: number) => {
      const before = asked.length;
      const failures = calls.map((call) => assertRejects(call, OperationalError, "not answer"));
      await eventually("all are asked", () => asked.length === before + calls.length);
      await clock.advance(ms);
      return (await Promise.all(failures)).map(({ code, retryable }) => [code, retryable]);
    };
    const unreachable = ["docker_unreachable", true];
    assertEquals(await within(reads, 30_000), reads.map(() => unreachable));
    assertEquals(await within(changes, 120_000), changes.map(() => unreachable));
  });
});

Deno.test("a probe whose time is over does not wait for a daemon that does not answer", async () => {
  await withScriptedSocket(() => SILENCE, async (address) => {
    const { talk } = clientOf(address);
    const limit = new AbortController();
    const asked = talk.execute("c", ["true"], limit.signal);
    limit.abort();
    assertEquals(await asked, null);
  });
});

Deno.test("the end of a container is heard, by events of any release", async () => {
  const events = [
    { status: "die", id: "old", Type: "container" },
    { Type: "container", Action: "die", Actor: { ID: "new" } },
  ];
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  await withScriptedSocket(() => new Response(lines), async (address) => {
    const ended: string[] = [];
    const listeners = { onOpen() {}, onEnd: (id: string) => void ended.push(id) };
    await clientOf(address).talk.watchEnds(listeners, NEVER);
    assertEquals(ended, ["old", "new"]);
  });
});

Deno.test("a pull that fails after it has begun is told with the daemon's words", async () => {
  const news = [
    { status: "Pulling from library/redis", id: "7" },
    { errorDetail: { message: "no matching manifest" }, error: "no matching manifest" },
  ];
  const lines = news.map((one) => `${JSON.stringify(one)}\r\n`).join("");
  await withScriptedSocket(() => new Response(lines), async (address) => {
    const { talk } = clientOf(address);
    const failure = await assertRejects(
      () => talk.pull("redis:7", () => {}, NEVER),
      OperationalError,
      "could not be brought there: no matching manifest",
    );
    assertEquals(failure.code, "image_unavailable");
  });
});

Deno.test("a pull that is broken off before the daemon answers is let go of when it does", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const script = () => {
    asked.resolve();
    return answer.promise;
  };
  await withScriptedSocket(script, async (address) => {
    const { talk } = clientOf(address);
    const abort = new AbortController();
    const pulling = assertRejects(() => talk.pull("redis:7", () => {}, abort.signal));
    await asked.promise;
    abort.abort();
    await pulling;
    let isLeft = false;
    answer.resolve(
      new Response(
        new ReadableStream({
          pull: (body) => body.enqueue(new TextEncoder().encode("{}\n")),
          cancel: () => void (isLeft = true),
        }, { highWaterMark: 0 }),
      ),
    );
    await eventually("nobody listens any more", () => isLeft);
  });
});

Deno.test("a daemon whose containers' output goes elsewhere is left to that", async () => {
  const daemon = new FakeDaemon();
  const wanted: unknown[] = [];
  const { create, identity } = daemon;
  daemon.create = (one) => {
    wanted.push(one.output);
    return create.call(daemon, one);
  };
  for (const logDriver of ["journald", "local"]) {
    daemon.identity = async () => ({ ...await identity.call(daemon), logDriver });
    const platform = new DockerPlatform(await siteOn(daemon, realClock));
    await platform.start(imageSpec(shellImage("true"), { instanceId: logDriver }), NEVER);
    await platform.close();
    daemon.containers.clear();
  }
  assertEquals(wanted, [null, { driver: "local", keptMib: 64 }]);
});

Deno.test("an image that is gone again after each pull is told as that, and not as a name that is taken", async () => {
  const daemon = new FakeDaemon();
  let pulls = 0;
  daemon.create = async () => ({ kind: "no-image" });
  daemon.pull = async () => void pulls++;
  const platform = new DockerPlatform(await siteOn(daemon, realClock));
  const { failure } = failureOf(await platform.start(imageSpec(shellImage("true")), NEVER));
  assertEquals([failure.code, failure.retryable, pulls], ["image_unavailable", true, 3]);
});

Deno.test("what a failed start has left running is removed, also by a daemon that refuses that at first", async () => {
  const clock = new ManualClock();
  const daemon = new FakeDaemon();
  const { start, remove } = daemon;
  daemon.start = async (id) => {
    await start.call(daemon, id);
    throw new OperationalError("docker_unreachable", "Its answer is lost.", true, "Wait.");
  };
  let refusals = 3;
  daemon.remove = async (id) => {
    if (refusals-- > 0) throw new OperationalError("docker_refused", "Busy.", true, "Wait.");
    await remove.call(daemon, id);
  };
  const platform = new DockerPlatform(await siteOn(daemon, clock));
  const starting = platform.start(imageSpec(shellImage("exec sleep 1000")), NEVER);
  await settled();
  await clock.advance(10_000);
  assertEquals(failureOf(await starting).failure.code, "docker_unreachable");
  assertEquals([daemon.containers.size, refusals], [0, -1]);
  await platform.close();
});
