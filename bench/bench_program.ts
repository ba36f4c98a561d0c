/** A program of benchmarks: runs those that are asked for, and shows their figures as a table or as JSON. */
import { type Figure, isReached, tableOf } from "./figures.ts";

/** One benchmark; `skipped` says, in words, why there is nothing to show. */
export type Benchmark = () => Figure[] | Promise<Figure[] | { skipped: string }>;

/** What one host's figures are told with. */
export interface BenchHost {
  /** Beside processors and versions, which are always told: what the figures stand on. */
  [name: string]: string;
}

/** Runs the program over its arguments (`--json`, `--only NAME`); gives its exit code. It never fails on time. */
export async function runBenchmarks(
  benchmarks: Readonly<Record<string, Benchmark>>,
  told: BenchHost,
  args: readonly string[],
): Promise<number> {
  const only = args.includes("--only") ? args[args.indexOf("--only") + 1] ?? "" : null;
  const names = Object.keys(benchmarks).filter((name) => only === null || name === only);
  if (names.length === 0) {
    await write(Deno.stderr, `--only is one of ${Object.keys(benchmarks).join(", ")}.\n`);
    return 2;
  }
  const asJson = args.includes("--json");
  const { deno, v8 } = Deno.version;
  const host = { cpus: navigator.hardwareConcurrency, deno, v8, ...told };
  if (!asJson) {
    await write(Deno.stdout, `${host.cpus} CPUs, Deno ${deno}, V8 ${v8}\n`);
    await write(Deno.stdout, `${Object.values(told).join("; ")}\n\n`);
  }
  const figures: Figure[] = [];
  const skipped: string[] = [];
  for (const name of names) {
    const outcome = await benchmarks[name]!();
    if ("skipped" in outcome) skipped.push(`${name}: ${outcome.skipped}`);
    else figures.push(...outcome);
  }
  const text = asJson
    ? JSON.stringify({
      host,
      figures: figures.map((one) => ({ ...one, reached: isReached(one) })),
      skipped,
    })
    : [tableOf(figures), ...skipped].join("\n");
  await write(Deno.stdout, `${text}\n`);
  return 0;
}

async function write(stream: typeof Deno.stdout | typeof Deno.stderr, text: string): Promise<void> {
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}
