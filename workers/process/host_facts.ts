/** Asks a host what a worker would find there. */
import type { Clock } from "../../events/clock.ts";
import { askShell } from "./asked_shell.ts";
import script from "./host_facts.sh" with { type: "text" };

/** By the names of `host_facts.sh`; what is absent was not found. */
export type HostFacts = Readonly<Record<string, string>>;

/** A disk that hangs is not waited for. */
const WITHIN_MS = 10_000;

/** @param folder the worker's data folder, or the nearest one above it that is there */
export async function askHost(
  clock: Clock,
  searchPath: string,
  folder: string,
): Promise<HostFacts> {
  const question = { script, args: [folder], searchPath, withinMs: WITHIN_MS };
  const { lines } = await askShell(clock, question);
  return Object.fromEntries(lines.map((line) => {
    const [name = "", ...words] = line.split(" ");
    return [name, words.join(" ")];
  }));
}
