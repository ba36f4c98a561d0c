/** `deno task simulate --seeds N [--from S] [--fleet]`: runs seeds (of one host, or of several), and tells the story of the first that breaks an invariant. */
import { runFleetSeed } from "./fleet_seed.ts";
import { runSeed } from "./run_seed.ts";

const number = (flag: string, otherwise: number) => {
  const at = Deno.args.indexOf(flag);
  return at < 0 ? otherwise : Number(Deno.args[at + 1]);
};
const seeds = number("--seeds", 1_000);
const from = number("--from", 1);
const write = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(text));

const run = Deno.args.includes("--fleet") ? runFleetSeed : runSeed;
const startedAt = performance.now();
let events = 0;
for (let seed = from; seed < from + seeds; seed++) {
  const result = await run(seed);
  events += result.events;
  if (result.violation !== null || seeds === 1) {
    write(
      `\r${result.story.join("\n")}\nseed ${seed}: ${result.violation ?? "every invariant held"}\n`,
    );
    if (result.violation !== null) Deno.exit(1);
  }
  if (Deno.stdout.isTerminal() && seed % 20 === 0) write(`\r${seed - from + 1} of ${seeds} seeds`);
}
const seconds = (performance.now() - startedAt) / 1_000;
write(
  `\r${seeds} seeds, ${events} events, no violation; ${(seeds / seconds).toFixed(0)} seeds/s\n`,
);
