/** Asks the host something by a `sh` that ends with its answer: Deno alone may not look into `/proc` and `/sys`. */
import { type Clock, sleep } from "../../events/clock.ts";
import { readLines } from "./line_reader.ts";

/** What there is to run. */
export interface Question {
  /** POSIX sh; the arguments are `$1`, `$2`, … in it. */
  script: string;
  args: readonly string[];
  searchPath: string;
  withinMs: number;
}

/** The lines of its answer, and whether it ended well; what came in time, where it does not end. */
export async function askShell(
  clock: Clock,
  { script, args, searchPath, withinMs }: Question,
): Promise<{ lines: string[]; isSuccess: boolean }> {
  const child = new Deno.Command("sh", {
    args: ["-c", script, "draas-question", ...args],
    clearEnv: true,
    env: { PATH: searchPath, LC_ALL: "C", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines: string[] = [];
  const answered = (async () => {
    for await (const line of readLines(child.stdout)) lines.push(line);
    return (await child.status).success;
  })();
  const limit = new AbortController();
  const late = sleep(clock, withinMs, limit.signal).then(() => false);
  const isSuccess = await Promise.race([answered, late]);
  limit.abort();
  if (!isSuccess) endIfAlive(child);
  return { lines, isSuccess };
}

function endIfAlive(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
    // What it has started may hold its output open for longer.
    child.unref();
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
