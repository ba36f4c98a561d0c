/** What the docker worker makes of a daemon's answers, and of none, told by a socket that answers as the test says. */
import { assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { DockerAddress } from "../../workers/docker/docker_address.ts";
import { openDocker } from "../../workers/docker/docker_platform.ts";
import { DockerodeEngine } from "../../workers/docker/dockerode_engine.ts";
import { DockerodeTalk } from "../../workers/docker/dockerode_talk.ts";
import { DockerodeVolumes } from "../../workers/docker/dockerode_volumes.ts";
import { EngineCalls } from "../../workers/docker/engine_calls.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { eventually } from "../workers/process_world.ts";
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
    talk: new DockerodeTalk(docker, calls, "test", new Map()),
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
