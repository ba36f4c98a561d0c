/** What the host tells of this very process. */

/** Memory in bytes, CPU time in seconds. */
export function processFigures(): { memoryBytes: number; heapBytes: number; cpuSeconds: number } {
  const { rss, heapUsed } = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { memoryBytes: rss, heapBytes: heapUsed, cpuSeconds: (user + system) / 1_000_000 };
}
