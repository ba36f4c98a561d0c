/** `deno task simulate`: the task's threads, files and terminal, put together. */
import { drawPlan } from "../draw_plan.ts";
import { runPlan } from "../run_plan.ts";
import { FOLDER } from "./options.ts";
import type { Screen } from "./progress.ts";
import { runTask } from "./run_task.ts";
import { openShard } from "./shards.ts";
import { sourceDigest } from "./source_digest.ts";
import { EXIT, type Files } from "./surroundings.ts";

/** Beyond any run that does not hang: an ordinary one takes a fraction of a second. */
const SEED_SECONDS_MAX = 120;

/** `deno task` passes on a Ctrl-C that the terminal has sent to its child already: the two are one. */
const SAME_SIGNAL_MS = 1_000;

let interruptedAt: number | null = null;

/** A later signal ends at once what does not end by the first. */
function onSignal(): void {
  interruptedAt ??= performance.now();
  if (performance.now() - interruptedAt > SAME_SIGNAL_MS) Deno.exit(EXIT.interrupted);
}

const encoder = new TextEncoder();
const say = (text: string) => writeAll(Deno.stdout, `${text}\n`);
const screen: Screen = {
  columns: columnsOf(Deno.stderr),
  hasColor: !Deno.noColor,
  write: (text) => writeAll(Deno.stderr, text),
  now: () => performance.now(),
};
const files: Files = {
  read: (path) => {
    try {
      return Deno.readTextFileSync(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  },
  write: (path, text) => {
    Deno.mkdirSync(FOLDER, { recursive: true });
    Deno.writeTextFileSync(`${path}.new`, text);
    Deno.renameSync(`${path}.new`, path);
  },
};

function columnsOf(stream: typeof Deno.stderr): number | null {
  return stream.isTerminal() ? Deno.consoleSize().columns : null;
}

/** A pipe takes a part of a long text at a time. */
function writeAll(stream: typeof Deno.stdout, text: string): void {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
Deno.exit(
  await runTask(Deno.args, {
    simulation: { drawPlan, runPlan },
    openShards: (jobs, selection) => {
      const module = new URL("./shard.ts", import.meta.url);
      return Array.from({ length: jobs }, () => openShard(module, selection, SEED_SECONDS_MAX));
    },
    cores: navigator.hardwareConcurrency,
    sourceDigest: () => sourceDigest(new URL("../../../", import.meta.url)),
    files,
    say,
    screen,
    isInterrupted: () => interruptedAt !== null,
  }),
);
