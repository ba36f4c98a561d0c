/** A thousand tiny programs under one worker: how fast they start, what it costs to watch them, and how soon it answers. */
import { type RedisFleet, withFleet } from "../tests/e2e/support/redis_fleet.ts";
import { commandInstance, type ControlPlane } from "../tests/e2e/support/control_plane.ts";
import { isOnPath } from "../tests/support/tools.ts";
import { type Figure, figure, percentile } from "./figures.ts";

const INSTANCES = "/api/server/instances";
const PROGRAMS = 1_000;
const CALLERS = 64;
const IDLE_MS = 10_000;
/** With the idle time before: longer than from one comparison of the host with the log to the next. */
const ASKED_MS = 22_000;
const ASK_EVERY_MS = 25;
const TICKS_PER_SECOND = 100;

/** One Redis, one node and one worker, all programs of their own. */
export async function fleetFigures(): Promise<Figure[] | { skipped: string }> {
  if (!isOnPath("redis-server")) return { skipped: "there is no redis-server here" };
  let figures: Figure[] = [];
  await withFleet(async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("bench");
    const ids = await create(api);
    const starts = await startAll(api, ids);
    const own = await idleLoad(first.pid);
    await first.end("SIGKILL");
    const killedAt = performance.now();
    const second = await fleet.worker("bench");
    const adoptedMs = performance.now() - killedAt;
    if (!second.output.includes(`${PROGRAMS} servers running`)) throw new Error(second.output);
    const adopted = await idleLoad(second.pid);
    const answers = await askMeanwhile(api, ids);
    const toldMs = await endAll(fleet, api);
    const residentMb = Math.max(own.residentMb, residentMbOf(second.pid));
    figures = [
      figureOf("starts", "/s", { atLeast: 100 }, starts.perSecond, starts.note),
      figureOf(
        "worker's memory",
        "MB",
        { atMost: 200 },
        residentMb,
        "resident, the larger of its two lives",
      ),
      figureOf("worker's CPU, its own", "%", { atMost: 5 }, own.cpuPercent, IDLE_NOTE),
      figureOf("worker's CPU, adopted", "%", { atMost: 5 }, adopted.cpuPercent, IDLE_NOTE),
      figureOf(
        "adoption after kill -9",
        "s",
        null,
        adoptedMs / 1_000,
        "from the start of the program to its greeting",
      ),
      figureOf(
        "told of all their ends",
        "s",
        null,
        toldMs / 1_000,
        "of adopted ones, killed at once: exit known, swept, in the log, in the API",
      ),
      figureOf("answers, p99", "ms", { atMost: 100 }, percentile(answers, 0.99), notesOf(answers)),
    ];
  });
  return figures;
}

const IDLE_NOTE = "of one core, with its process tables, while nothing is asked";

function figureOf(
  name: string,
  unit: string,
  goal: Figure["goal"],
  value: number,
  note: string,
): Figure {
  return figure({ name: `${PROGRAMS} programs: ${name}`, unit, goal, note }, [value]);
}

function notesOf(answers: readonly number[]): string {
  const [p50, max] = [percentile(answers, 0.5), Math.max(...answers)].map((ms) => ms.toFixed(1));
  return `${answers.length} questions for a server's log, each through the worker: p50 ${p50}, max ${max} ms`;
}

async function create(api: ControlPlane): Promise<string[]> {
  const ids: string[] = [];
  await spread(Array.from({ length: PROGRAMS }, (_, index) => `p${index}`), async (name) => {
    const body = commandInstance(name, ["/bin/sleep", "6000"], "never");
    ids.push((await api.call(`POST ${INSTANCES}`, body)).json.id);
  });
  return ids;
}

async function startAll(api: ControlPlane, ids: readonly string[]) {
  const times: number[] = [];
  const begin = performance.now();
  await spread(ids, async (id) => {
    const askedAt = performance.now();
    const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start?timeout=60s`);
    if (status !== 200) throw new Error(`a start came to ${JSON.stringify(json)}`);
    times.push(performance.now() - askedAt);
  });
  const perSecond = PROGRAMS * 1_000 / (performance.now() - begin);
  const [p50, p99] = [0.5, 0.99].map((part) => percentile(times, part).toFixed(0));
  return {
    perSecond,
    note: `${CALLERS} callers, each start with 200 ms to settle: p50 ${p50}, p99 ${p99} ms`,
  };
}

async function askMeanwhile(api: ControlPlane, ids: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + ASKED_MS;
  for (let index = 0; performance.now() < end; index = (index + 37) % ids.length) {
    const askedAt = performance.now();
    const { status } = await api.call(`GET ${INSTANCES}/${ids[index]}/logs?tail=5`);
    if (status !== 200) throw new Error(`a question came to ${status}`);
    times.push(performance.now() - askedAt);
    await pause(ASK_EVERY_MS);
  }
  return times;
}

/** Kills all adopted servers at once; gives how long it takes until the API tells that none of them runs. */
async function endAll(fleet: RedisFleet, api: ControlPlane): Promise<number> {
  const servers = fleet.servers("bench");
  const killedAt = performance.now();
  for (const { pid } of servers) Deno.kill(pid, "SIGKILL");
  for (;;) {
    const { json } = await api.call(`GET ${INSTANCES}?status=Running&limit=1`);
    if (json.items.length === 0) return performance.now() - killedAt;
    await pause(ASK_EVERY_MS);
  }
}

async function spread<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  }));
}

async function idleLoad(pid: number): Promise<{ cpuPercent: number; residentMb: number }> {
  const before = cpuMsOf(pid);
  const begin = performance.now();
  await pause(IDLE_MS);
  const cpuPercent = 100 * (cpuMsOf(pid) - before) / (performance.now() - begin);
  return { cpuPercent, residentMb: residentMbOf(pid) };
}

/** Of the worker and of the shells by which it looks at processes; what those have run counts too. */
function cpuMsOf(worker: number): number {
  let ticks = 0;
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [stat, command] = [read(`/proc/${name}/stat`), read(`/proc/${name}/cmdline`)];
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const isTable = fields[1] === String(worker) && command.includes("draas-process-table");
    if (!isTable && name !== String(worker)) continue;
    const [user, system, ofChildren, systemOfChildren] = fields.slice(11, 15).map(Number);
    ticks += user! + system! + (isTable ? ofChildren! + systemOfChildren! : 0);
  }
  return ticks * 1_000 / TICKS_PER_SECOND;
}

function residentMbOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1_024;
}

/** Empty for a process that has ended meanwhile. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
