/**
 * What an ask over Redis costs, beside the least that it could cost and beside a queue of jobs, in one run on a Redis
 * of its own: once with `appendfsync everysec`, once with `always`. It never fails on time.
 *
 *     deno task bench:redis [--json] [--only everysec|always]
 */
import { RedisServer } from "../tests/support/redis_server.ts";
import { type Figure, figure, isReached, median, tableOf } from "./figures.ts";
import { type Asker, type Contestant, CONTESTANTS, openAsker } from "./redis_askers.ts";

const FSYNC = ["everysec", "always"] as const;
type Fsync = (typeof FSYNC)[number];

/** The first round warms up and is not counted. */
const ROUNDS = 8;
/** Asks of one contestant before it is another one's turn. */
const ALONE = 150;
const IN_FLIGHT = 64;
const WAVES = 20;

/** Adds the queue and its pinned packages to the imports. */
const CONFIG = pathOf("./redis.json");

/** One round of one contestant. */
interface Round {
  /** The median of asks that are made one after the other. */
  p50Ms: number;
  /** Asks a second with `IN_FLIGHT` at once. */
  rate: number;
}

async function main(args: readonly string[]): Promise<number> {
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] ?? "" : null;
  const modes = FSYNC.filter((mode) => only === null || mode === only);
  if (modes.length === 0) {
    await write(Deno.stderr, `--only is one of ${FSYNC.join(", ")}.\n`);
    return 2;
  }
  const figures: Figure[] = [];
  let redis = "";
  for (const mode of modes) {
    const server = await RedisServer.start({ config: [`appendfsync ${mode}`] });
    try {
      redis = (await server.cli("INFO", "server")).match(/redis_version:(\S+)/)?.[1] ?? "unknown";
      figures.push(...figuresOf(mode, await compare(server)));
    } finally {
      await server.close();
    }
  }
  const host = { cpus: navigator.hardwareConcurrency, deno: Deno.version.deno, redis };
  const text = args.includes("--json")
    ? JSON.stringify({
      host,
      figures: figures.map((one) => ({ ...one, reached: isReached(one) })),
    })
    : `${host.cpus} CPUs shared by asker, worker and Redis ${redis}, Deno ${host.deno}; ` +
      `disk of unknown class\n\n${tableOf(figures)}`;
  await write(Deno.stdout, `${text}\n`);
  return 0;
}

/** Rounds by turns, so that what the host does meanwhile hits all. */
async function compare(server: RedisServer): Promise<Record<Contestant, Round[]>> {
  const workers: Deno.ChildProcess[] = [];
  const askers = new Map<Contestant, Asker>();
  const rounds: Record<Contestant, Round[]> = { floor: [], draas: [], bullmq: [] };
  try {
    for (const who of CONTESTANTS) {
      workers.push(await startWorker(who, server.url));
      askers.set(who, await openAsker(who, server.url, IN_FLIGHT));
    }
    const death = Promise.race(workers.map((worker) => worker.status)).then(() => {
      throw new Error("a worker has ended");
    });
    await Promise.race([measure(askers, rounds), death]);
    return rounds;
  } finally {
    await Promise.allSettled([...askers.values()].map((asker) => asker.close()));
    for (const worker of workers) {
      await worker.stdin.close().catch(() => {});
      await worker.status;
    }
  }
}

async function measure(
  askers: ReadonlyMap<Contestant, Asker>,
  rounds: Record<Contestant, Round[]>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, asker] of askers) {
      const measured = { p50Ms: await timeAlone(asker), rate: await rateAtOnce(asker) };
      if (round > 0) rounds[who].push(measured);
    }
  }
}

async function startWorker(who: Contestant, url: string): Promise<Deno.ChildProcess> {
  const file = pathOf("./redis_worker.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      `--config=${CONFIG}`,
      "--allow-all",
      file,
      who,
      url,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  if (done) throw new Error(`the worker of ${who} has ended`);
  void reader.cancel();
  return child;
}

function pathOf(file: string): string {
  return decodeURIComponent(new URL(file, import.meta.url).pathname);
}

async function timeAlone(asker: Asker): Promise<number> {
  const times: number[] = [];
  for (let ask = 0; ask < ALONE; ask++) {
    const startedAt = performance.now();
    await asker.ask(0);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

async function rateAtOnce(asker: Asker): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, instance) => {
    for (let wave = 0; wave < WAVES; wave++) await asker.ask(instance);
  }));
  return IN_FLIGHT * WAVES * 1_000 / (performance.now() - startedAt);
}

function figuresOf(mode: Fsync, rounds: Record<Contestant, Round[]>): Figure[] {
  const { draas, floor, bullmq } = rounds;
  const times = told("p50 of an ask, ms", rounds, (one) => one.p50Ms.toFixed(3));
  const rates = told("asks/s", rounds, (one) => one.rate.toFixed(0));
  const ratio = (others: Round[], of: (one: Round) => number) =>
    draas.map((one, index) => of(one) / of(others[index]!));
  const time = (one: Round) => one.p50Ms;
  const rate = (one: Round) => one.rate;
  const figures: [string, Figure["goal"], number[], string][] = [
    ["ask alone, by the floor's", { atMost: 1.5 }, ratio(floor, time), times],
    ["ask alone, by BullMQ's", { atMost: 0.6 }, ratio(bullmq, time), times],
    ["64 in flight, rate by the floor's", { atLeast: 0.5 }, ratio(floor, rate), rates],
    ["64 in flight, rate by BullMQ's", { atLeast: 3 }, ratio(bullmq, rate), rates],
  ];
  return figures.map(([name, goal, values, note]) =>
    figure({ name: `${mode}: ${name}`, unit: "×", goal, note }, values)
  );
}

function told(
  what: string,
  rounds: Record<Contestant, Round[]>,
  text: (one: Round) => string,
): string {
  const middle = (some: Round[]): Round => ({
    p50Ms: median(some.map((one) => one.p50Ms)),
    rate: median(some.map((one) => one.rate)),
  });
  const each = CONTESTANTS.map((who) => `${who} ${text(middle(rounds[who]))}`);
  return `${what}: ${each.join(", ")}`;
}

async function write(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

if (import.meta.main) Deno.exit(await main(Deno.args));
