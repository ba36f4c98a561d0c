/** What is said of a container's end is what happened, and not what its output or its exit code look like. */
import { assertEquals } from "@std/assert";
import type { ContainerState } from "../../workers/docker/container_engine.ts";
import { type Run, runInfoOf } from "../../workers/docker/run_info.ts";
import { exitedAtOnce } from "../../workers/docker/start_failure.ts";
import { failureOf } from "../workers/process_world.ts";

const UNKNOWN = { knownFailures: [], finalExitCodes: [] };
const run = (state: Partial<ContainerState>): Run => ({
  labels: {
    instanceId: "i-1",
    runId: "run-1",
    fence: { generation: 1, attempt: 1 },
    plan: {
      stopSignal: "SIGTERM",
      stopGraceMs: 10_000,
      host: "127.0.0.1",
      port: null,
      given: [],
      liveness: null,
    },
  },
  state: {
    id: "c",
    name: "draas.t.i-1",
    labels: {},
    state: "ended",
    image: "app",
    startedAt: 1_000,
    endedAt: 3_000,
    exitCode: 0,
    isOutOfMemory: false,
    fault: "",
    memoryBytes: 16 * 1_048_576,
    ports: new Map(),
    ...state,
  },
});

Deno.test("a program that its image lacks is told by the init's words alone, not by the server's own", () => {
  const codeOf = (logTail: string) =>
    failureOf(
      exitedAtOnce({ ...runInfoOf("site", run({ exitCode: 127 }), false), logTail }, UNKNOWN),
    ).failure.code;
  const words = "exec redis failed: No such file or directory";
  assertEquals(
    [`[FATAL tini (7)] ${words}`, `hello\n[FATAL tini (12)] ${words}`, `plugin: ${words}`, words]
      .map(codeOf),
    ["binary_missing", "binary_missing", "exited_at_once", "exited_at_once"],
  );
});

Deno.test("a server that runs out of memory while it is stopped is not told as one that did not end in time", () => {
  const exitOf = (state: Partial<ContainerState>) => runInfoOf("site", run(state), true).exit;
  const killed = exitOf({ exitCode: 137 });
  assertEquals([killed?.reason, killed?.message], [
    "Killed",
    "was killed: it did not end within 10 s of SIGTERM",
  ]);
  const lacking = exitOf({ exitCode: 137, isOutOfMemory: true });
  assertEquals([lacking?.reason, lacking?.message], [
    "Stopped",
    "was stopped: was ended by the kernel: out of memory (limit 16 MiB) after 2 s",
  ]);
});
