/** What a start and a stop cost beyond the operating system's own: ask, log, shim and checks. Design §4 rule 6. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Platform, StartSpec } from "../workers/platform.ts";
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

/**
 * By round: the p50 through the whole system, of its worker alone, and of the disk alone, each less that of plain spawns
 * and kills of the same program in between.
 */
export function processFigures(): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const node = await openEmbeddedNode(
      sqliteBroker(`${folder}/log`),
      await platformIn(`${folder}/process`),
    );
    const alone = await platformIn(`${folder}/alone`);
    const whole: Turn[] = [];
    const workers: Turn[] = [];
    const disk: number[] = [];
    try {
      await turnOf(node);
      await workerTurn(alone);
      for (let round = 0; round < ROUNDS; round++) {
        const [plain, ours, theirs]: [Turn[], Turn[], Turn[]] = [[], [], []];
        for (let turn = 0; turn < TURNS; turn++) {
          plain.push(await plainTurn());
          ours.push(await turnOf(node));
          theirs.push(await workerTurn(alone));
          disk.push(threeWrites(`${folder}/floor`));
        }
        whole.push(moreThan(plain, ours));
        workers.push(moreThan(plain, theirs));
      }
    } finally {
      await node.close();
      await alone.close();
    }
    return [
      ...turnFigures("a process", whole, { startMs: 5, stopMs: 10 }),
      ...turnFigures("a process, its worker alone", workers, null),
      figure({
        name: "three writes that wait for the disk",
        unit: "ms",
        goal: null,
        note: "the least that a start's request, accept and end cost on this disk",
      }, disk),
    ];
  });
}

function turnFigures(of: string, more: readonly Turn[], goals: Turn | null): Figure[] {
  return [
    figure({
      name: `start of ${of}`,
      unit: "ms",
      goal: goals && { atMost: goals.startMs },
      note: `more than a plain spawn of ${PROGRAM[0]}, without the ${SETTLE_MS} ms to settle`,
    }, more.map(({ startMs }) => startMs)),
    figure({
      name: `stop of ${of}`,
      unit: "ms",
      goal: goals && { atMost: goals.stopMs },
      note: "more than a plain SIGTERM and the wait for its end",
    }, more.map(({ stopMs }) => stopMs)),
  ];
}

function moreThan(plain: readonly Turn[], ours: readonly Turn[]): Turn {
  return {
    startMs: middle(ours, "startMs") - SETTLE_MS - middle(plain, "startMs"),
    stopMs: middle(ours, "stopMs") - middle(plain, "stopMs"),
  };
}

function platformIn(dataFolder: string): Promise<Platform> {
  return openProcessPlatform({
    dataFolder,
    clock: hostClock,
    ids: hostIds,
    hostEnvironment: { PATH: Deno.env.get("PATH") ?? "" },
    drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
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

/** The platform's own start and stop, without a request, a log or an answer. */
async function workerTurn(platform: Platform): Promise<Turn> {
  const instanceId = hostIds.next("instance");
  const spec: StartSpec = {
    instanceId,
    runId: hostIds.next("run"),
    fence: { generation: 1, attempt: 1 },
    template: "command",
    configuration: { command: [...PROGRAM] },
    spawnWithinMs: 10_000,
  };
  const startMs = await timeOf(async () => {
    const outcome = await platform.start(spec, new AbortController().signal);
    if (outcome.kind === "failed") throw new Error(outcome.failure.message);
  });
  const stopMs = await timeOf(() => platform.stop(instanceId, { generation: 2, attempt: 1 }));
  return { startMs, stopMs };
}

/** Milliseconds. */
function threeWrites(path: string): number {
  const file = Deno.openSync(path, { create: true, append: true });
  const begin = performance.now();
  for (let write = 0; write < 3; write++) {
    file.writeSync(new Uint8Array(4_096));
    file.syncDataSync();
  }
  const tookMs = performance.now() - begin;
  file.close();
  return tookMs;
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
