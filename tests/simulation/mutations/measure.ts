/** `deno task mutations [--only name]… [--jobs N]`: hunts the mutations and prints the table of `docs/testing.md`. */
import { huntAll, type Hunted } from "./hunts.ts";
import { MUTATIONS } from "./mutations.ts";
import { OPEN_MUTATIONS } from "./open_mutations.ts";

const only = valuesOf("--only");
const chosen = only.length === 0 ? MUTATIONS : [...MUTATIONS, ...OPEN_MUTATIONS]
  .filter(({ name }) => only.some((word) => name.includes(word)));
const jobs = Number(valuesOf("--jobs")[0] ?? navigator.hardwareConcurrency);
const hunted = await huntAll(chosen, jobs, ({ mutation, report, complaint, seconds }) => {
  const { caught = null, other = null, seeds = 0 } = report ?? {};
  const what = caught
    ? `seed ${caught.seed}: ${caught.invariant}: ${caught.found}`
    : `NOT NOTICED in ${seeds} seeds ${complaint}`;
  const also = other ? ` (seed ${other.seed}: ${other.invariant}: ${other.found})` : "";
  Deno.stderr.writeSync(encoded(`${mutation.name}: ${what}${also}, ${seconds.toFixed(1)} s\n`));
});
Deno.stdout.writeSync(encoded(tableOf(hunted)));
Deno.exit(hunted.every(({ report }) => report?.caught) ? 0 : 1);

function tableOf(all: readonly Hunted[]): string {
  const rows = all.map(({ mutation: { name, sentence }, report }) => {
    const { caught = null } = report ?? {};
    return `| ${name} | ${sentence} | ${
      caught ? `\`${caught.invariant}\` | ${caught.seed}` : "**nothing** | —"
    } |`;
  });
  return [
    "| mutation | what it breaks | noticed by | seeds |",
    "| --- | --- | --- | --- |",
    ...rows,
  ]
    .join("\n") + "\n";
}

function valuesOf(flag: string): string[] {
  return Deno.args.flatMap((word, index) => Deno.args[index - 1] === flag ? [word] : []);
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
