/** What a start and a stop cost beyond the operating system's own: ask, log, shim and checks. Design §4 rule 6. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openProcessPlatform } from "../workers/process/process_platform.ts";
import { type EmbeddedNode, inFolder, openEmbeddedNode, sqliteBroker } from "./embedded_node.ts";
import { type Figure, figure, median } from "./figures.ts";

const PROGRAM = ["/bin/sleep", "1000"] as const;
const ROUNDS = 5;
const TURNS = 8;
/** Of the command template: a server that lives this long counts as started. */
const SETTLE_MS = 200;
const BEGUN_MS = 20;

/** One start and one stop. Milliseconds. */
interface Turn {
  startMs: number;
  stopMs: number;
}

/** By round: the p50 through the system, less that of plain spawns and kills of the same program in between. */
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
    const more: Turn[] = [];
    try {
      await turnOf(node);
      for (let round = 0; round < ROUNDS; round++) {
        const plain: Turn[] = [];
        const ours: Turn[] = [];
        for (let turn = 0; turn < TURNS; turn++) {
          plain.push(await plainTurn());
          ours.push(await turnOf(node));
        }
        more.push({
          startMs: middle(ours, "startMs") - SETTLE_MS - middle(plain, "startMs"),
          stopMs: middle(ours, "stopMs") - middle(plain, "stopMs"),
        });
      }
    } finally {
      await node.close();
    }
    return [
      figure(
        {
          name: "start of a process",
          unit: "ms",
          goal: { atMost: 5 },
          note: `more than a plain spawn of ${PROGRAM[0]}, without the ${SETTLE_MS} ms to settle`,
        },
        more.map(({ startMs }) => startMs),
      ),
      figure(
        {
          name: "stop of a process",
          unit: "ms",
          goal: { atMost: 10 },
          note: "more than a plain SIGTERM and the wait for its end",
        },
        more.map(({ stopMs }) => stopMs),
      ),
    ];
  });
}

function middle(turns: readonly Turn[], of: keyof Turn): number {
  return median(turns.map((turn) => turn[of]));
}

async function turnOf(node: EmbeddedNode): Promise<Turn> {
  const id = await node.create("command", { command: [...PROGRAM] });
  const startMs = await timeOf(() => node.ask(id, { type: "start" }));
  const stopMs = await timeOf(() => node.ask(id, { type: "stop" }));
  return { startMs, stopMs };
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function plainTurn(): Promise<Turn> {
  const [program, ...args] = PROGRAM;
  const startedAt = performance.now();
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const startMs = performance.now() - startedAt;
  // A program that has not begun yet ends faster than one that runs.
  await new Promise((resolve) => setTimeout(resolve, BEGUN_MS));
  const stopMs = await timeOf(() => {
    child.kill("SIGTERM");
    return child.status;
  });
  return { startMs, stopMs };
}
