/** What an ask costs beyond its rows: the system against the same rows in the same tables, written by hand. Design §3. */
import { closeSqliteFile, openSqliteFile } from "../adapters/sqlite/sqlite_file.ts";
import {
  type EmbeddedNode,
  inFolder,
  memoryBroker,
  openEmbeddedNode,
  sqliteBroker,
} from "./embedded_node.ts";
import { type Figure, figure, median } from "./figures.ts";
import { IdlePlatform } from "./idle_platform.ts";
import {
  StatementPlayer,
  StatementRecorder,
  type TapedCall,
  transactionsIn,
} from "./statement_tape.ts";

/** An ask is append, accept, complete. */
const TRANSACTIONS = 3;

/** How a load is made: `inFlight` instances are asked at once, in waves; a start, then a stop. */
interface Load {
  inFlight: number;
  /** The first round warms up and is not counted. All rounds stay below the events of a snapshot. */
  rounds: number;
  /** How often system and rows by hand take turns within a round. */
  turns: number;
  /** In one turn; an even number, so that each turn ends with a stop. */
  waves: number;
}

const ALONE: Load = { inFlight: 1, rounds: 12, turns: 10, waves: 24 };
const AT_ONCE: Load = { inFlight: 64, rounds: 12, turns: 2, waves: 4 };

/** Alone: the time of an ask, also without a disk. With 64 in flight: the rate of asks. */
export async function askFigures(): Promise<Figure[]> {
  const alone = await compare(ALONE);
  const atOnce = await compare(AT_ONCE);
  const rate = (waveMs: number) => AT_ONCE.inFlight * 1_000 / waveMs;
  return [
    figure(
      {
        name: "ask alone, time",
        unit: "×",
        goal: { atMost: 1.5 },
        note: `p50 of an ask: system ${told(alone.map((one) => one.systemMs))} ms, rows by hand ${
          told(alone.map((one) => one.rawMs))
        } ms (${alone[0]!.statements} statements)`,
      },
      alone.map(({ systemMs, rawMs }) => systemMs / rawMs),
    ),
    figure(
      {
        name: "ask alone, in memory",
        unit: "µs",
        goal: null,
        note: "p50 of an ask over the memory broker: what the control plane itself takes",
      },
      (await timeInMemory(ALONE)).map((ms) => ms * 1_000),
    ),
    figure(
      {
        name: "64 asks in flight, rate",
        unit: "×",
        goal: { atLeast: 0.3 },
        note: `asks/s: system ${told(atOnce.map((one) => rate(one.systemMs)), 0)}, rows by hand ${
          told(atOnce.map((one) => rate(one.rawMs)), 0)
        }`,
      },
      atOnce.map(({ systemMs, rawMs }) => rawMs / systemMs),
    ),
  ];
}

interface Round {
  /** The median time of a wave. */
  systemMs: number;
  rawMs: number;
  statements: number;
}

/** Rounds of the system and of the rows by hand, in turns, so that what the host does meanwhile hits both. */
async function compare(load: Load): Promise<Round[]> {
  const { setUp, waves } = await inFolder((folder) => record(folder, load));
  return await inFolder((systemFolder) =>
    inFolder(async (rawFolder) => {
      const file = openSqliteFile(rawFolder);
      const player = new StatementPlayer(file.database);
      for (const call of player.prepare(setUp)) call();
      const node = await openEmbeddedNode(sqliteBroker(systemFolder), new IdlePlatform());
      const ids = await createAll(node, load);
      const rounds: Round[] = [];
      for (let round = 0; round < load.rounds; round++) {
        const statements = waves[0]!.length;
        const systemMs: number[] = [];
        const rawMs: number[] = [];
        for (let turn = 0; turn < load.turns; turn++) {
          systemMs.push(...await timeSystem(node, ids, load));
          rawMs.push(...timeRaw(player, waves.splice(0, load.waves)));
        }
        if (round === 0) continue;
        rounds.push({ systemMs: median(systemMs), rawMs: median(rawMs), statements });
      }
      await node.close();
      closeSqliteFile(file, true);
      return rounds;
    })
  );
}

/** The time of a wave by round, without a disk. */
async function timeInMemory(load: Load): Promise<number[]> {
  const node = await openEmbeddedNode(memoryBroker(), new IdlePlatform());
  const ids = await createAll(node, load);
  const times: number[] = [];
  for (let round = 0; round < load.rounds; round++) {
    const turns: number[] = [];
    for (let turn = 0; turn < load.turns; turn++) turns.push(...await timeSystem(node, ids, load));
    times.push(median(turns));
  }
  await node.close();
  return times.slice(1);
}

/** The statements of the load's waves, as the system makes them on a database of its own. */
async function record(
  folder: string,
  load: Load,
): Promise<{ setUp: TapedCall[]; waves: TapedCall[][] }> {
  const recorder = new StatementRecorder();
  try {
    const node = await openEmbeddedNode(sqliteBroker(folder), new IdlePlatform());
    const ids = await createAll(node, load);
    const setUp = recorder.cut();
    const waves: TapedCall[][] = [];
    for (let wave = 0; wave < load.rounds * load.turns * load.waves; wave++) {
      await askAll(node, ids, wave);
      waves.push(inThreeTransactions(recorder.cut()));
    }
    recorder.stop();
    await node.close();
    return { setUp, waves };
  } finally {
    recorder.stop();
  }
}

/** Checks that the tape is what the comparison claims: one transaction for each step of an ask. */
function inThreeTransactions(wave: TapedCall[]): TapedCall[] {
  const found = transactionsIn(wave);
  if (found !== TRANSACTIONS) throw new Error(`a wave took ${found} transactions`);
  return wave;
}

async function createAll(node: EmbeddedNode, { inFlight }: Load): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < inFlight; n++) ids.push(await node.create());
  return ids;
}

/** The times of one turn's waves. */
async function timeSystem(node: EmbeddedNode, ids: string[], load: Load): Promise<number[]> {
  if (load.inFlight > 1) return [await timeLoops(node, ids, load)];
  const times: number[] = [];
  for (let wave = 0; wave < load.waves; wave++) {
    const startedAt = performance.now();
    await askAll(node, ids, wave);
    times.push(performance.now() - startedAt);
  }
  return times;
}

/** The mean time of a wave when each asker goes on as soon as it has its own answer. */
async function timeLoops(node: EmbeddedNode, ids: string[], load: Load): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(ids.map(async (id) => {
    for (let wave = 0; wave < load.waves; wave++) await node.ask(id, requestOf(wave));
  }));
  return (performance.now() - startedAt) / load.waves;
}

function timeRaw(player: StatementPlayer, waves: TapedCall[][]): number[] {
  return waves.map((wave) => player.prepare(wave)).map((calls) => {
    const startedAt = performance.now();
    for (const call of calls) call();
    return performance.now() - startedAt;
  });
}

function askAll(node: EmbeddedNode, ids: string[], wave: number): Promise<unknown> {
  return Promise.all(ids.map((id) => node.ask(id, requestOf(wave))));
}

function requestOf(wave: number) {
  return { type: wave % 2 === 0 ? "start" : "stop" } as const;
}

function told(values: number[], digits = 3): string {
  return median(values).toFixed(digits);
}
