/** How a run does on its host: sampled by its worker and told with its heart-beats, never an event. Design §4 rule 13. */
import { z } from "zod";

/** One run at one moment. Of all its processes, those it shares memory with counted each. */
export interface RunMetrics {
  runId: string;
  /** Of one core since the sample before: 1 is a whole core. */
  cpuShare: number;
  /** Since its start. */
  cpuSeconds: number;
  /** Resident. */
  memoryBytes: number;
  /** Null where the worker may not see them. */
  openFiles: number | null;
  /** Null where the platform does not tell. */
  processes: number | null;
}

/** What one worker has told last. */
export interface WorkerMetrics {
  workerId: string;
  /** Epoch milliseconds by the log's clock. */
  at: number;
  runs: readonly RunMetrics[];
}

/** The most runs that one worker tells of, and the most characters: a beat stays small beside everything else. */
export const METRICS_RUNS_MAX = 2_000;
export const METRICS_CHARACTERS_MAX = 262_144;

const measure = z.number().nonnegative();
const count = z.number().int().nonnegative();

/** ARGV 4 of `heartbeat`: a row for each run. */
export const metricsSchema = z.array(z.tuple([
  z.string().min(1).max(128).describe("runId"),
  measure.describe("share of a core since the sample before"),
  measure.describe("seconds of CPU since its start"),
  count.describe("bytes of memory, resident"),
  count.nullable().describe("open files; null: not known"),
  count.nullable().describe("processes; null: not known"),
])).max(METRICS_RUNS_MAX);

/** As text for the wire, short and bounded: what does not fit is not told. */
export function metricsText(runs: readonly RunMetrics[]): string {
  const rows: string[] = [];
  let left = METRICS_CHARACTERS_MAX - 2;
  for (const run of runs.slice(0, METRICS_RUNS_MAX)) {
    const { runId, cpuShare, cpuSeconds, memoryBytes, openFiles, processes } = run;
    const row = JSON.stringify([runId, cpuShare, cpuSeconds, memoryBytes, openFiles, processes]);
    left -= row.length + 1;
    if (left < 0) break;
    rows.push(row);
  }
  return `[${rows.join(",")}]`;
}

/** What `metricsText` made; nothing of what another worker wrote that does not fit the schema. */
export function metricsOf(text: string): RunMetrics[] {
  const parsed = metricsSchema.safeParse(jsonOrNull(text));
  if (!parsed.success) return [];
  return parsed.data.map(([runId, cpuShare, cpuSeconds, memoryBytes, openFiles, processes]) => ({
    runId,
    cpuShare,
    cpuSeconds,
    memoryBytes,
    openFiles,
    processes,
  }));
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Display only: whoever wrote it shows nothing.
    return null;
  }
}
