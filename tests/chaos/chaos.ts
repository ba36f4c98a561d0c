/** `deno task chaos`: random faults during random requests, in one of two forms, and a table of what came of it. */
import { isKillPoint, KILL_POINTS, type KillPoint } from "./kill_points.ts";
import { runRedisChaos } from "./redis/redis_rounds.ts";
import { killsOf, tableOf as redisTableOf } from "./redis/tally.ts";
import { runChaos } from "./rounds.ts";
import { tableOf } from "./tally.ts";

const USAGE =
  `deno task chaos [--form redis|embedded] [--minutes M | --seconds S] [--rounds N] [--seed X]

Random users work with a real fleet while parts of it are killed, frozen, cut off and filled up; afterwards the log, the
API, the answers and the processes are held against each other. It works in folders of its own below the temporary
folder and leaves nothing behind. Exit code 1: something was found, and here is its story. 2: it was asked for in vain.

  --form redis      a redis-server, two or three control planes, two or three workers, each a process of its own (default)
  --form embedded   one control plane with all inside, killed at named places of what it does
  --minutes M       no new round after so long (redis: 2, embedded: no limit); --seconds S is the same in seconds
  --rounds N        at most so many rounds (redis: no limit, embedded: 1000)
  --seed X          the same faults and requests again, as far as the host's timing lets them be (drawn)
  --at KILLPOINT    embedded only: kills at that place alone: ${KILL_POINTS.join(", ")}
  --help            this text

A round of the redis form is 8 s of faults, then the checks at rest: about 4 rounds and 20 kills a minute. It needs
redis-server and redis-cli on the PATH; full disks need the right to mount (root), and are said not to be done without.`;

interface ChaosRequest {
  form: "redis" | "embedded";
  seconds: number | null;
  rounds: number | null;
  seed: number;
  at: KillPoint | null;
}

/** With this many rounds of the embedded form each place has its turn, and must have been met. */
const ROUNDS_FOR_ALL = 100;
const REDIS_SECONDS = 120;
/** How long things last; a freeze outlasts the shortest lease now and then. */
const DURATIONS = { freezeMsMax: 15_000, downMsMax: 3_000 };
const ROUND_MS = 8_000;

const stopping = new AbortController();

async function main(args: readonly string[]): Promise<number> {
  const request = parse(args);
  if (typeof request === "string") {
    say(request);
    return request === USAGE ? 0 : 2;
  }
  if (request.form === "redis" && !hasRedis()) {
    say("redis-server and redis-cli are not on the PATH; --form embedded needs neither");
    return 2;
  }
  say(`form ${request.form}, seed ${request.seed}`);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stopping.abort());
  }
  return await (request.form === "redis" ? onRedis(request) : embedded(request));
}

async function onRedis({ seconds, rounds, seed }: ChaosRequest): Promise<number> {
  const { tally, story } = await runRedisChaos({
    seconds: seconds ?? (rounds === null ? REDIS_SECONDS : Infinity),
    secondsMax: seconds ?? (rounds === null ? REDIS_SECONDS : Infinity),
    rounds: rounds ?? Infinity,
    seed,
    size: null,
    durations: DURATIONS,
    roundMs: ROUND_MS,
    onProgress: (now) =>
      showProgress(
        `round ${now.rounds}, ${now.seconds.toFixed(0)} s, ${
          killsOf(now)
        } kills, ${now.requests} requests, ` +
          `${now.events} events`,
      ),
    stopping: stopping.signal,
  });
  endProgress();
  say(redisTableOf(tally, story?.found.length ?? 0));
  if (story) say(JSON.stringify(story, null, 2));
  return story ? 1 : 0;
}

async function embedded({ seconds, rounds, seed, at }: ChaosRequest): Promise<number> {
  const result = await runChaos({
    seconds: seconds ?? Infinity,
    secondsMax: seconds ?? Infinity,
    rounds: rounds ?? 1_000,
    seed,
    at,
    onProgress: (now) =>
      showProgress(
        `round ${now.rounds}, ${
          now.seconds.toFixed(0)
        } s, ${now.requests} requests, ${now.events} events`,
      ),
    stopping: stopping.signal,
  });
  endProgress();
  say(tableOf(result.tally, result.story?.faults.length ?? 0));
  if (result.story) say(JSON.stringify(result.story, null, 2));
  const hasMissed = result.tally.rounds >= ROUNDS_FOR_ALL && result.missed.length > 0;
  if (hasMissed) say(`never met: ${result.missed.join(", ")}`);
  return result.story || hasMissed ? 1 : 0;
}

function hasRedis(): boolean {
  try {
    return ["redis-server", "redis-cli"].every((program) =>
      new Deno.Command(program, { args: ["--version"], stdout: "null" }).outputSync().success
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function parse(args: readonly string[]): ChaosRequest | string {
  const request: ChaosRequest = {
    form: "redis",
    seconds: null,
    rounds: null,
    seed: Math.floor(Math.random() * 1_000_000),
    at: null,
  };
  if (args.includes("--help")) return USAGE;
  for (let i = 0; i < args.length; i += 2) {
    const [flag = "", text = ""] = args.slice(i);
    const fault = take(request, flag, text);
    if (fault !== null) return fault;
  }
  if (request.at !== null && request.form !== "embedded") return "--at needs --form embedded";
  return request;
}

function take(request: ChaosRequest, flag: string, text: string): string | null {
  const isWhole = /^\d{1,9}$/.test(text);
  switch (flag) {
    case "--form":
      if (text !== "redis" && text !== "embedded") return "--form must be redis or embedded";
      request.form = text;
      return null;
    case "--at":
      if (!isKillPoint(text)) return `--at must be one of ${KILL_POINTS.join(", ")}`;
      request.at = text;
      return null;
    case "--minutes":
    case "--seconds":
      if (!isWhole) return `${flag} must be a whole number`;
      request.seconds = Number(text) * (flag === "--minutes" ? 60 : 1);
      return null;
    case "--rounds":
    case "--seed":
      if (!isWhole) return `${flag} must be a whole number`;
      request[flag === "--seed" ? "seed" : "rounds"] = Number(text);
      return null;
    default:
      return `${flag} is not a flag; see --help`;
  }
}

function showProgress(line: string): void {
  if (Deno.stdout.isTerminal()) write(`\r\x1b[K${line}`);
}

function endProgress(): void {
  if (Deno.stdout.isTerminal()) write("\n");
}

function say(text: string): void {
  write(`${text}\n`);
}

function write(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
