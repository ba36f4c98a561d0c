/** The processes of this host that carry DRaaS's marks, read from `/proc`: what tests hold the log against. */

/** One process with the marks that the platform gave it. */
export interface MarkedProcess {
  pid: number;
  /** Clock ticks from boot to its start: tells it from a later process of the same pid. */
  startTicks: string;
  site: string;
  instanceId: string;
  runId: string;
  /** True for a shim, false for a server and its children. */
  isShim: boolean;
  /** True for the first process of its session: the server itself, not one of its children. */
  leads: boolean;
  /** Its program and arguments, for people. */
  command: string;
}

/** All live processes of a site, or of some sites; zombies are none. */
export function processesOf(...sites: readonly string[]): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const entry of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    const process = readProcess(Number(entry.name));
    if (process !== null && sites.includes(process.site)) found.push(process);
  }
  return found;
}

/** Whether it is still there: the same process, not a zombie. */
export function isThere({ pid, startTicks }: MarkedProcess): boolean {
  return readStat(pid)?.startTicks === startTicks;
}

/** Ends every process of a site; waits until none is left, at most `limitMs`. */
export async function endProcessesOf(site: string, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    const left = processesOf(site);
    if (left.length === 0) return;
    if (performance.now() > end) throw new Error(`${left.length} processes of ${site} stay`);
    for (const process of left) signal(process, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Signals a process if it is still the same; false if not. */
export function signal(process: MarkedProcess, name: Deno.Signal): boolean {
  if (!isThere(process)) return false;
  try {
    Deno.kill(process.pid, name);
    return true;
  } catch (error) {
    // It ended in between.
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return false;
    throw error;
  }
}

function readProcess(pid: number): MarkedProcess | null {
  const environment = readOrNull(`/proc/${pid}/environ`);
  if (environment === null || !environment.includes("DRAAS_SITE=")) return null;
  const marks = new Map(environment.split("\0").map((pair) => split(pair)));
  const stat = readStat(pid);
  if (stat === null) return null;
  return {
    pid,
    startTicks: stat.startTicks,
    site: marks.get("DRAAS_SITE") ?? "",
    instanceId: marks.get("DRAAS_INSTANCE_ID") ?? "",
    runId: marks.get("DRAAS_RUN_ID") ?? "",
    isShim: marks.has("DRAAS_SHIM"),
    leads: stat.session === pid,
    command: (readOrNull(`/proc/${pid}/cmdline`) ?? "").split("\0").join(" ").trim(),
  };
}

function readStat(pid: number): { startTicks: string; session: number } | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in brackets, may hold anything: cut at the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "Z"] = fields;
  if (state === "Z" || state === "X") return null;
  return { startTicks: fields[19] ?? "", session: Number(fields[3]) };
}

function split(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Gone, or another user's: either way not one of ours.
    return null;
  }
}
