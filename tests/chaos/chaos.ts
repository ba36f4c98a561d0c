/** `deno task chaos`: rounds of random kills of the control plane during random requests, and a table of what came of it. */
import { isKillPoint, KILL_POINTS } from "./kill_points.ts";
import { type ChaosOptions, runChaos } from "./rounds.ts";
import { tableOf, type Tally } from "./tally.ts";

const USAGE = `deno task chaos [--rounds N] [--seconds S] [--seed X] [--at KILLPOINT]

Kills the control plane again and again while random users work with it, restarts it on the same data folder, and
checks the log, the API and the processes after each kill. Exit code 1: something was found, and here is its story.

  --rounds N        at most so many kills (1000)
  --seconds S       at most so long (no limit)
  --seed X          the same requests and kills again, as far as the host's timing lets them be (drawn)
  --at KILLPOINT    only there: ${KILL_POINTS.join(", ")}`;

/** With this many rounds each place has its turn, and must have been met. */
const ROUNDS_FOR_ALL = 100;

const stopping = new AbortController();

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (typeof options === "string") {
    say(options);
    return options === USAGE ? 0 : 2;
  }
  say(`seed ${options.seed}`);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stopping.abort());
  }
  const result = await runChaos(options);
  if (Deno.stdout.isTerminal()) say("");
  say(tableOf(result.tally, result.story?.faults.length ?? 0));
  if (result.story) say(JSON.stringify(result.story, null, 2));
  const hasMissed = result.tally.rounds >= ROUNDS_FOR_ALL && result.missed.length > 0;
  if (hasMissed) say(`never met: ${result.missed.join(", ")}`);
  return result.story || hasMissed ? 1 : 0;
}

function parse(args: readonly string[]): ChaosOptions | string {
  const options: ChaosOptions = {
    rounds: 1_000,
    seconds: Infinity,
    secondsMax: Infinity,
    seed: Math.floor(Math.random() * 1_000_000),
    at: null,
    onProgress: showProgress,
    stopping: stopping.signal,
  };
  for (let i = 0; i < args.length; i += 2) {
    const [flag, text = ""] = args.slice(i);
    if (flag === "--help") return USAGE;
    if (flag === "--at") {
      if (!isKillPoint(text)) return `--at must be one of ${KILL_POINTS.join(", ")}`;
      options.at = text;
    } else if (flag === "--rounds" || flag === "--seconds" || flag === "--seed") {
      if (!/^\d+$/.test(text)) return `${flag} must be a whole number`;
      options[flag.slice(2) as "rounds" | "seconds" | "seed"] = Number(text);
    } else return `${flag} is not a flag; see --help`;
  }
  options.secondsMax = options.seconds;
  return options;
}

function showProgress({ rounds, seconds, requests, events }: Tally): void {
  if (!Deno.stdout.isTerminal()) return;
  const line = `round ${rounds}, ${seconds.toFixed(0)} s, ${requests} requests, ${events} events`;
  Deno.stdout.writeSync(new TextEncoder().encode(`\r${line}`));
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
