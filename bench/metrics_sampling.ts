/** What it costs a worker to sample a thousand tiny servers: `deno task bench:metrics`. Everything that it starts it ends. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { metricsText } from "../events/metrics.ts";
import { parseStats, type RootOf } from "../workers/process/process_usage.ts";
import { SAMPLE_EVERY_MS, UsageSampler } from "../workers/process/usage_sampler.ts";
import { figure, tableOf } from "./figures.ts";

const SERVERS = 1_000;
const ROUNDS = 8;
const TICK_MS = 10;
const path = Deno.env.get("PATH") ?? "";

/** Each as a shim has it: a shell that waits, and a server with a session of its own. */
const FLEET = `i=0
while [ $i -lt ${SERVERS} ]; do
  DRAAS_RUN_ID=run-$i DRAAS_SHIM=1 sh -c 'setsid sleep 100000 & wait' &
  i=$((i + 1))
done
wait`;

/** The live servers of this very fleet, by what descends from its shell. */
function rootsBelow(fleet: number, lines: readonly string[]): RootOf[] {
  const processes = parseStats(lines);
  return [...processes.values()].filter(({ pid, session, parent }) =>
    pid === session && processes.get(parent)?.parent === fleet
  ).map(({ pid, startTicks }) => ({ runId: `51e4b038-f05c-b38c-c4f1-${pid}`, pid, startTicks }));
}

/** Lines as the sampler reads them. */
function statLines(): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(
    ({ name }) => {
      const file = `/proc/${name}/stat`;
      try {
        return [`${file}:${Deno.readTextFileSync(file).trimEnd()}`];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    },
  );
}

/** Milliseconds of CPU that this process, its shells and what those have run have used so far. */
function cpuMs(): number {
  const mine = [...parseStats(statLines()).values()].filter(({ pid, parent }) =>
    pid === Deno.pid || (parent === Deno.pid && commandOf(pid).includes("draas-process-usage"))
  );
  return mine.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) * TICK_MS;
}

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return "";
  }
}

const fleet = new Deno.Command("setsid", { args: ["sh", "-c", FLEET], stdin: "null" }).spawn();
const sampler = new UsageSampler({ clock: hostClock, path, roots: () => [] });
let roots: RootOf[] = [];
try {
  for (let tries = 0; roots.length < SERVERS && tries < 300; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    roots = rootsBelow(fleet.pid, statLines());
  }
  if (roots.length < SERVERS) throw new Error(`only ${roots.length} servers came up`);
  // The first one looks at the marks of everything that there is; the engine warms up.
  for (let round = 0; round < 3; round++) await sampler.sample(roots);
  const shares: number[] = [];
  const tookMs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const looking = cpuMs();
    const lookMs = cpuMs() - looking;
    const before = cpuMs();
    const begun = performance.now();
    const told = await sampler.sample(roots);
    tookMs.push(performance.now() - begun);
    bytes = metricsText(told).length;
    if (told.length !== SERVERS) throw new Error(`${told.length} of ${SERVERS} were sampled`);
    shares.push(100 * (cpuMs() - before - lookMs) / SAMPLE_EVERY_MS);
  }
  const every = `one look at ${SERVERS} servers and their shells each ${SAMPLE_EVERY_MS / 1_000} s`;
  const note = "from the question to the numbers";
  Deno.stdout.writeSync(new TextEncoder().encode(
    `${
      tableOf([
        figure(
          { name: "CPU for metrics", unit: "% of a core", goal: { atMost: 5 }, note: every },
          shares,
        ),
        figure({ name: "a sample", unit: "ms", goal: null, note }, tookMs),
        figure({ name: "told with a beat", unit: "KiB", goal: null, note: "as JSON" }, [
          bytes / 1_024,
        ]),
      ])
    }\n`,
  ));
} finally {
  await sampler.close();
  for (const { pid } of roots) Deno.kill(pid, "SIGKILL");
  // Without a server each shell ends, and with the last of them their parent.
  await fleet.status;
}
