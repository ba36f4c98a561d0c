/**
 * What a start of a container costs beyond the daemon's own work: the platform's start beside plain create and start of
 * the same image by the same client library, in the same run. About a minute; as root, with dockerd. It never fails on time.
 *
 *     deno task bench:docker [--json]
 */
import { hostClock } from "../adapters/host/host_clock.ts";
import { startDockerDaemon, stopDockerDaemon } from "../tests/support/docker_daemon.ts";
import { shellImage, withDockerWorld } from "../tests/docker/docker_world.ts";
import { imageSpec } from "../tests/support/image_spec.ts";
import { DockerodeEngine } from "../workers/docker/dockerode_engine.ts";
import { EngineCalls } from "../workers/docker/engine_calls.ts";
import { parseDockerHost } from "../workers/docker/docker_address.ts";
import { openDocker } from "../workers/docker/docker_platform.ts";
import { runBenchmarks } from "./bench_program.ts";
import { type Figure, figure, median } from "./figures.ts";

const ROUNDS = 5;
const TURNS = 6;
/** Of the image template: a server that lives this long counts as started. */
const SETTLE_MS = 200;

async function startFigures(): Promise<Figure[]> {
  const daemon = await startDockerDaemon();
  const ratios: number[] = [];
  const more: number[] = [];
  await withDockerWorld(daemon, async ({ platform, namespace }) => {
    const address = parseDockerHost(daemon.host)!;
    const calls = new EngineCalls(address.text, hostClock);
    const engine = new DockerodeEngine(
      openDocker(address, null),
      calls,
      address.publishedAt,
      namespace,
    );
    const { hasInit } = await engine.identity();
    for (let round = 0; round < ROUNDS; round++) {
      const [plain, ours]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < TURNS; turn++) {
        const name = `plain-${round}-${turn}`;
        plain.push(
          await timeOf(async () => {
            const made = await engine.create({ ...WANTED, name, hasInit });
            if (made.kind !== "created") throw new Error(made.kind);
            await engine.start(made.id);
          }),
        );
        const spec = imageSpec(shellImage("exec sleep 1000"), { instanceId: `i-${round}-${turn}` });
        const { signal } = new AbortController();
        ours.push(await timeOf(() => platform.start(spec, signal)) - SETTLE_MS);
      }
      ratios.push(median(ours) / median(plain));
      more.push(median(ours) - median(plain));
    }
  });
  await stopDockerDaemon();
  const note = `without the ${SETTLE_MS} ms to settle`;
  return [
    figure(
      { name: "start of a container, by a plain one", unit: "×", goal: { atMost: 1.1 }, note },
      ratios,
    ),
    figure(
      { name: "start of a container, more than a plain one", unit: "ms", goal: null, note },
      more,
    ),
  ];
}

const WANTED = {
  labels: {},
  image: "draas-test/busybox:1",
  command: ["sh", "-c", "exec sleep 1000"],
  env: {},
  workingDirectory: null,
  user: null,
  host: "127.0.0.1",
  ports: [],
  volumes: [],
  isReadOnly: false,
  stopSignal: "SIGTERM",
  limits: undefined,
  output: null,
} as const;

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

if (import.meta.main) {
  const host = { daemon: "a dockerd of its own, all folders on one disk" };
  Deno.exit(await runBenchmarks({ start: startFigures }, host, Deno.args));
}
