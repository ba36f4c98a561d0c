/** Asks a host what a worker would find there, by one `sh`: Deno alone may not look into `/proc` and `/sys`. */
import type { Clock } from "../../events/clock.ts";
import { readLines } from "./line_reader.ts";
import script from "./host_facts.sh" with { type: "text" };

/** By the names of `host_facts.sh`; what is absent was not found. */
export type HostFacts = Readonly<Record<string, string>>;

/** A disk that hangs, or a drasi-server that does not end, is not waited for. */
const WITHIN_MS = 15_000;

/**
 * @param folder the worker's data folder, or the nearest one above it that is there
 * @param drasiServer its path; null: there is none to ask for its version
 */
export async function askHost(
  clock: Clock,
  searchPath: string,
  folder: string,
  drasiServer: string | null,
): Promise<HostFacts> {
  const child = new Deno.Command("sh", {
    args: ["-c", script, "draas-host-facts", folder, drasiServer ?? ""],
    clearEnv: true,
    env: { PATH: searchPath, LC_ALL: "C", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const cancel = clock.after(WITHIN_MS, () => child.kill("SIGKILL"));
  const facts: Record<string, string> = {};
  for await (const line of readLines(child.stdout)) {
    const [name = "", ...words] = line.split(" ");
    facts[name] = words.join(" ");
  }
  await child.status;
  cancel();
  return facts;
}
