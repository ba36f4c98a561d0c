/** What the programs say when they are ready and when they end. Design §8. */
import type { InstanceSystem, SystemStatus } from "../actors/system_port.ts";
import type { Durability } from "../events/event_log.ts";

/** What a greeting tells besides the system's own status. */
export interface Started {
  version: string;
  tookMs: number;
  url: string;
  /** Where the log is: `Data` and a folder, or `Redis` and an address. */
  place: readonly [name: string, where: string];
  /** What Ctrl-C does. */
  end: string;
}

const KEPT: Readonly<Record<Durability, string>> = {
  memory: "what is answered is in memory only, and lost with it",
  process: "what is answered survives the end of every process, not a power failure",
  disk: "every answer is on the disk before it is given",
  replicated: "every answer is on another machine before it is given",
};

/** The lines of a control plane that is ready. */
export function greeting(
  { instances, durability }: SystemStatus,
  { version, tookMs, url, place: [name, where], end }: Started,
): string {
  return [
    `DRaaS ${version}, ready in ${tookMs} ms`,
    `  API    ${url}`,
    `  ${name.padEnd(6)} ${where} (${KEPT[durability]})`,
    `  Fleet  ${countOf(instances)}`,
    `  ${end}`,
  ].join("\n");
}

/** The last line: how many servers run on, and where they are found again. */
export async function farewell(system: InstanceSystem, dataDir: string): Promise<string> {
  const { items } = await system.list({ limit: Infinity });
  const running = items.filter((state) => state.value.run === "running").length;
  if (running === 0) return "DRaaS has ended.";
  const [runs, them] = running === 1 ? ["runs", "it"] : ["run", "them"];
  return `DRaaS has ended. ${
    countOf(running)
  } ${runs} on; the next start on ${dataDir} finds ${them} again.`;
}

/** What a worker tells of itself. */
export interface WorkerStarted {
  version: string;
  tookMs: number;
  workerId: string;
  /** What it runs servers as, and where. */
  runs: string;
  /** Of Redis, without secrets. */
  address: string;
  namespace: string;
  dataDir: string;
  slots: number;
  labels: Readonly<Record<string, string>>;
  /** What the host lets it run, and what says so. */
  templates: readonly string[];
  policy: string;
  /** Servers that ran here when it began. */
  found: number;
}

/** The lines of a worker that is ready. */
export function workerGreeting(worker: WorkerStarted): string {
  const { version, tookMs, workerId, runs, address, namespace, dataDir, slots, found } = worker;
  const labels = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`).join(", ");
  return [
    `DRaaS ${version}, worker ${workerId}, ready in ${tookMs} ms`,
    `  Redis  ${address}, namespace ${namespace}`,
    `  Runs   ${runs}, works on ${slots} at once`,
    `  Allows ${worker.templates.join(", ") || "nothing"}, as of ${worker.policy}`,
    ...(labels === "" ? [] : [`  Labels ${labels}`]),
    `  Data   ${dataDir}`,
    `  Found  ${serversOf(found)} running`,
    "  Ctrl-C ends the worker and leaves the servers running; the next start on this folder finds them.",
  ].join("\n");
}

/** The last line of a worker. */
export function workerFarewell(workerId: string, isIdle: boolean): string {
  const rest = isIdle
    ? ""
    : " What it had in hand is not finished: its next start on this folder goes on with it.";
  return `Worker ${workerId} has ended; its servers run on.${rest}`;
}

/** `1 instance`, `2 instances`. */
export function countOf(instances: number): string {
  return `${instances} ${instances === 1 ? "instance" : "instances"}`;
}

function serversOf(count: number): string {
  return `${count} ${count === 1 ? "server" : "servers"}`;
}
