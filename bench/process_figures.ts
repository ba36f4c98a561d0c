/** What a start through the system costs beyond the operating system's own: ask, log, shim and checks. Design §4 rule 6. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openProcessPlatform } from "../workers/process/process_platform.ts";
import { type EmbeddedNode, inFolder, openEmbeddedNode, sqliteBroker } from "./embedded_node.ts";
import { type Figure, figure, median } from "./figures.ts";

const PROGRAM = ["/bin/sleep", "1000"] as const;
const ROUNDS = 5;
const STARTS = 8;
/** Of the command template: a server that lives this long counts as started. */
const SETTLE_MS = 200;

/** By round: the p50 of starts through the system, less that of plain spawns of the same program in between. */
export function processFigures(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const platform = await openProcessPlatform({
      dataFolder: `${folder}/process`,
      clock: hostClock,
      ids: hostIds,
      hostEnvironment: { PATH: Deno.env.get("PATH") ?? "" },
      drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
    });
    const node = await openEmbeddedNode(sqliteBroker(`${folder}/log`), platform);
    const more: number[] = [];
    try {
      await startOnce(node);
      for (let round = 0; round < ROUNDS; round++) {
        const plain: number[] = [];
        const started: number[] = [];
        for (let start = 0; start < STARTS; start++) {
          plain.push(await spawnOnce());
          started.push(await startOnce(node));
        }
        more.push(median(started) - SETTLE_MS - median(plain));
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
