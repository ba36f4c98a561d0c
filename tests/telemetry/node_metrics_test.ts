/** What a node measures and sees, as Prometheus would read it: over a system that is as the test says. */
import { assert, assertEquals } from "@std/assert";
import { METRICS } from "../../adapters/prometheus/metric_table.ts";
import { NodeMetrics, type WatchedSystem } from "../../adapters/prometheus/node_metrics.ts";
import type { WorkerRecord } from "../../events/command_bus.ts";
import { OperationalError } from "../../events/errors.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { History } from "../support/recorded.ts";
import { parseExposition } from "./exposition.ts";

const AWAY = new OperationalError("log_unavailable", "Redis is away.", true, "Wait.");

function worker(workerId: string, changed: Partial<WorkerRecord> = {}): WorkerRecord {
  return {
    workerId,
    platform: "process",
    site: workerId,
    incarnation: "1",
    machineId: "m",
    slots: 8,
    busy: 2,
    version: "0",
    labels: {},
    registeredAt: 0,
    lastHeartbeatAt: 0,
    draining: false,
    lost: false,
    ...changed,
  };
}

/** A node, and what the test may change of it. */
function node(changed: Partial<WatchedSystem> = {}) {
  const clock = new ManualClock(2_000);
  const metrics = new NodeMetrics({
    clock,
    version: "1.2.3",
    denoVersion: "2.9.6",
    processFigures: () => ({ memoryBytes: 100, heapBytes: 50, cpuSeconds: 1.5 }),
  });
  const seen = { head: "7-0", folded: "7-0", away: null as string | null };
  let tell = (_change: AvailabilityChange) => {};
  const system: WatchedSystem = {
    fence: 3,
    states: () => [],
    status: () => Promise.resolve({ ready: true, durability: "disk", position: seen.folded }),
    workers: () => Promise.resolve([]),
    isSilent: () => false,
    ...changed,
  };
  metrics.watch({
    system,
    log: { head: () => seen.away === null ? Promise.resolve(seen.head) : Promise.reject(AWAY) },
    availability: {
      away: () => seen.away,
      watch(listener) {
        tell = listener;
        return { close: () => tell = () => {} };
      },
    },
  });
  const told = async () => parseExposition(await metrics.text());
  return { clock, metrics, seen, told, change: (change: AvailabilityChange) => tell(change) };
}

Deno.test("every metric of the table is told with its type, by Prometheus' names", async () => {
  const { metrics, told } = node();
  const { types } = await told();
  assertEquals(
    [...types],
    Object.values(METRICS).map(({ name, type }) => [name, type]),
  );
  for (const { name, type } of Object.values(METRICS)) {
    assertEquals(name.endsWith("_total"), type === "counter", name);
    assert(type !== "histogram" || name.endsWith("_seconds"), name);
  }
  metrics.close();
});

Deno.test("asks and requests are told by kind, with how their times are spread", async () => {
  const { metrics, told } = node();
  metrics.asked("start", "done", 3);
  metrics.asked("start", "done", 700);
  metrics.asked("stop", "failed", 70_000);
  const route = "/api/server/instances/{id}";
  metrics.answered({ method: "GET", route, status: 200, tookMs: 1 });
  metrics.answered({ method: "GET", route, status: 404, tookMs: 2 });
  const { samples } = await told();
  const asks = (labels: string) => samples.get(`draas_ask_duration_seconds_${labels}`);
  const start = 'request="start",result="done"';
  assertEquals(
    [0.0025, 0.005, 0.5, 1, 60].map((le) => asks(`bucket{${start},le="${le}"}`)),
    [0, 1, 1, 2, 2],
  );
  assertEquals(asks(`bucket{${start},le="+Inf"}`), 2);
  assertEquals([asks(`count{${start}}`), asks(`sum{${start}}`)], [2, 0.703]);
  const stop = 'request="stop",result="failed"';
  assertEquals(asks(`bucket{${stop},le="60"}`), 0, "beyond the last bound");
  assertEquals(asks(`bucket{${stop},le="+Inf"}`), 1);
  const requests = (status: number) =>
    samples.get(`draas_http_requests_total{method="GET",route="${route}",status="${status}"}`);
  assertEquals([requests(200), requests(404)], [1, 1]);
  const times = `draas_http_request_duration_seconds_count{method="GET",route="${route}"}`;
  assertEquals(samples.get(times), 2);
  metrics.close();
});

Deno.test("what clients make up does not make more series", async () => {
  const { metrics, told } = node();
  const size = (await told()).samples.size;
  for (let n = 0; n < 100; n++) {
    metrics.answered({ method: `M${n}`, route: null, status: 404, tookMs: 1 });
    metrics.answered({ method: `M${n}`, route: "/healthz", status: 405, tookMs: 1 });
  }
  const grown = (await told()).samples;
  assertEquals(
    grown.get('draas_http_requests_total{method="other",route="none",status="404"}'),
    100,
  );
  assertEquals(
    grown.get('draas_http_requests_total{method="other",route="/healthz",status="405"}'),
    100,
  );
  // Two counters, and two histograms with 17 buckets, a sum and a count.
  assertEquals(grown.size - size, 2 + 2 * 19);
  metrics.close();
});

Deno.test("instances, commands and workers are counted by platform, also where there are none", async () => {
  const silent = new Set(["w3"]);
  const { metrics, told } = node({
    states: () => [
      History.running().state,
      new History().created().state,
      new History().created().startRequested().state,
    ],
    workers: () =>
      Promise.resolve([
        worker("w1"),
        worker("w2", { draining: true }),
        worker("w3"),
        worker("w4", { lost: true }),
        worker("w5", { platform: "made-up-1" }),
        worker("w6", { platform: "made-up-2" }),
      ]),
    isSilent: (workerId) => silent.has(workerId),
  });
  const { samples } = await told();
  const all = (metric: string, platform: string) =>
    Object.fromEntries(
      [...samples].flatMap(([key, value]) => {
        const found = new RegExp(`^${metric}{platform="${platform}",\\w+="(\\w+)"}$`).exec(key);
        return found ? [[found[1], value]] : [];
      }),
    );
  assertEquals(all("draas_instances", "process"), {
    Created: 1,
    Starting: 1,
    Running: 1,
    Restarting: 0,
    Stopping: 0,
    Stopped: 0,
    Failed: 0,
    Deleting: 0,
  });
  assertEquals(all("draas_running_instances", "process"), { healthy: 0, unhealthy: 0, unknown: 1 });
  assertEquals(all("draas_commands", "process"), { waiting: 1, accepted: 0 });
  assertEquals(all("draas_workers", "process"), { live: 1, draining: 1, silent: 1, lost: 1 });
  assertEquals(all("draas_workers", "other"), { live: 2, draining: 0, silent: 0, lost: 0 });
  const oldest = samples.get('draas_commands_oldest_waiting_seconds{platform="process"}');
  assert(oldest !== undefined && oldest > 0.9 && oldest < 1, String(oldest));
  assertEquals(samples.get('draas_worker_slots{platform="process"}'), 8);
  assertEquals(samples.get('draas_worker_slots_busy{platform="process"}'), 2);
  metrics.close();
});

Deno.test("a node lags for as long as it has not folded what the log held at a look before", async () => {
  const { metrics, clock, seen, told } = node();
  const lag = async () => (await told()).samples.get("draas_log_lag_seconds");
  assertEquals(await lag(), 0);
  seen.head = "9-0";
  assertEquals(await lag(), 0, "it has come just now");
  await clock.advance(2_000);
  seen.head = "10-0";
  assertEquals(await lag(), 2);
  seen.folded = "9-0";
  assertEquals(await lag(), 0, "it has gone on since");
  await clock.advance(1_000);
  seen.folded = "10-0";
  assertEquals(await lag(), 0);
  const { samples } = await told();
  assertEquals(samples.get("draas_log_head_position"), 10);
  assertEquals(samples.get("draas_log_folded_position"), 10);
  metrics.close();
});

Deno.test("while the log is away that is told, and nothing that only the log could say", async () => {
  const { metrics, seen, told, change } = node({ workers: () => Promise.reject(AWAY) });
  seen.away = "the connection to Redis is lost";
  change({ kind: "away", reason: seen.away });
  change({ kind: "rollback", rollback: { lostEvents: 3, instanceIds: [], head: "1-0" } });
  const { samples } = await told();
  assertEquals(samples.get("draas_log_available"), 0);
  assertEquals(samples.get("draas_log_away_total"), 1);
  assertEquals(samples.get("draas_log_rollbacks_total"), 1);
  assertEquals(samples.get('draas_log_durability{class="disk"}'), 0);
  for (const name of ["draas_log_head_position", "draas_log_lag_seconds"]) {
    assertEquals(samples.has(name), false, name);
  }
  assertEquals([...samples.keys()].filter((key) => key.startsWith("draas_worker")), []);
  metrics.close();
});

Deno.test("how late timers come is sampled until the metrics are closed", async () => {
  const { metrics, clock, told } = node();
  const samples = async () =>
    (await told()).samples.get("draas_event_loop_delay_seconds_count") ?? 0;
  await clock.advance(2_600);
  assertEquals(await samples(), 5);
  metrics.close();
  await clock.advance(10_000);
  assertEquals(await samples(), 5);
});

Deno.test("who asks while a look is under way gets what it finds", async () => {
  let looks = 0;
  const gate = Promise.withResolvers<void>();
  const { metrics } = node({
    async status() {
      looks++;
      await gate.promise;
      return { ready: true, durability: "memory", position: "1-0" };
    },
  });
  const answers = [metrics.text(), metrics.text(), metrics.text()];
  await settled();
  gate.resolve();
  const [first, ...others] = await Promise.all(answers);
  assertEquals(looks, 1);
  for (const other of others) assertEquals(other, first);
  metrics.close();
});
