/** What a start through the system costs beyond the operating system's own: ask, log, shim and checks. Design §4 rule 6. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openProcessPlatform } from "../workers/process/process_platform.ts";
import { type EmbeddedNode, inFolder, openEmbeddedNode } from "./embedded_node.ts";
import { type Figure, figure } from "./figures.ts";

const PROGRAM = ["/bin/sleep", "1000"] as const;
const STARTS = 25;
/** Of the command template: a server that lives this long counts as started. */
const SETTLE_MS = 200;

/** Each start through the system beside a plain spawn of the same program, right before it. */
export function processFigures(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const platform = await openProcessPlatform({
      dataFolder: `${folder}/process`,
      clock: hostClock,
      ids: hostIds,
      hostEnvironment: { PATH: Deno.env.get("PATH") ?? "" },
      drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
    });
    const node = await openEmbeddedNode(`${folder}/log`, platform);
    const more: number[] = [];
    try {
      await startOnce(node);
      for (let start = 0; start < STARTS; start++) {
        const plainMs = await spawnOnce();
        more.push(await startOnce(node) - SETTLE_MS - plainMs);
      }
    } finally {
      await node.close();
    }
    return [figure(
      {
        name: "start of a process",
        unit: "ms",
        goal: { atMost: 5 },
        note: `more than a plain spawn of ${PROGRAM[0]}, without the ${SETTLE_MS} ms to settle`,
      },
      more,
    )];
  });
}

async function startOnce(node: EmbeddedNode): Promise<number> {
  const id = await node.create("command", { command: [...PROGRAM] });
  const startedAt = performance.now();
  await node.ask(id, { type: "start" });
  const tookMs = performance.now() - startedAt;
  await node.ask(id, { type: "stop" });
  return tookMs;
}

async function spawnOnce(): Promise<number> {
  const [program, ...args] = PROGRAM;
  const startedAt = performance.now();
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const tookMs = performance.now() - startedAt;
  child.kill("SIGKILL");
  await child.status;
  return tookMs;
}
