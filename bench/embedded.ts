/**
 * The embedded node's figures, beside what they are measured against, in one run: ratios where there is something to
 * be compared with, since times of one host say little about another. It never fails on time.
 *
 *     deno task bench [--json] [--only ask|process|machine|memory|recovery]
 */
import { askFigures } from "./ask_figures.ts";
import { type Figure, isReached, tableOf } from "./figures.ts";
import { machineFigures, memoryFigures } from "./machine_figures.ts";
import { processFigures } from "./process_figures.ts";
import { recoveryFigures } from "./recovery_figures.ts";

const BENCHMARKS: Readonly<Record<string, () => Figure[] | Promise<Figure[]>>> = {
  ask: askFigures,
  process: processFigures,
  machine: machineFigures,
  memory: memoryFigures,
  recovery: recoveryFigures,
};

const DURABILITY = "SQLite WAL, synchronous=FULL: every answer is on the disk before it is given";

async function main(args: readonly string[]): Promise<number> {
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] ?? "" : null;
  const names = Object.keys(BENCHMARKS).filter((name) => only === null || name === only);
  if (names.length === 0) {
    await write(Deno.stderr, `--only is one of ${Object.keys(BENCHMARKS).join(", ")}.\n`);
    return 2;
  }
  const asJson = args.includes("--json");
  const host = {
    cpus: navigator.hardwareConcurrency,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    durability: DURABILITY,
    disk: "class unknown; all folders on one",
  };
  if (!asJson) {
    await write(Deno.stdout, `${host.cpus} CPUs, Deno ${host.deno}, V8 ${host.v8}\n`);
    await write(Deno.stdout, `${host.durability}; disk ${host.disk}\n\n`);
  }
  const figures: Figure[] = [];
  for (const name of names) figures.push(...await BENCHMARKS[name]!());
  const text = asJson
    ? JSON.stringify({
      host,
      figures: figures.map((one) => ({ ...one, reached: isReached(one) })),
    })
    : tableOf(figures);
  await write(Deno.stdout, `${text}\n`);
  return 0;
}

async function write(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

if (import.meta.main) Deno.exit(await main(Deno.args));
