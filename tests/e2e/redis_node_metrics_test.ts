/** What Prometheus reads of a control plane of a fleet: its workers, its Redis as it goes and comes; on the real programs. */
import { assert, assertEquals } from "@std/assert";
import { parseExposition } from "../telemetry/exposition.ts";
import { until } from "./program.ts";
import { commandInstance, startInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const START = 'request="start",result="done"';

testWithFleet(
  "a control plane tells what its fleet does, and when Redis is away",
  async (fleet) => {
    const node = await fleet.serve();
    const url = await node.ready();
    const told = async () => parseExposition(await (await fetch(`${url}/metrics`)).text()).samples;
    await fleet.worker("host");
    await startInstance(node, commandInstance("one", ["sleep", "1000"]));
    const live = 'draas_workers{platform="process",state="live"}';
    await until("the worker is seen", async () => (await told()).get(live) === 1);
    const samples = await told();
    assertEquals(samples.get('draas_instances{platform="process",status="Running"}'), 1);
    assertEquals(samples.get(`draas_ask_duration_seconds_count{${START}}`), 1);
    assertEquals(samples.get("draas_node_leading"), 1);
    assertEquals(samples.get("draas_log_lag_seconds"), 0);
    assertEquals(samples.get('draas_log_durability{class="process"}'), 1);
    assert(samples.get("draas_log_head_position")! > 1_700_000_000_000, "milliseconds of Redis");
    assert(samples.get("process_resident_memory_bytes")! > 10_000_000);
    assert(samples.get("process_cpu_seconds_total")! > 0);

    await fleet.redis.stop();
    await until("it is away", async () => (await told()).get("draas_log_available") === 0);
    const away = await told();
    assertEquals([away.get("draas_node_ready"), away.get("draas_log_away_total")], [0, 1]);
    assertEquals([away.has(live), away.has("draas_log_head_position")], [false, false]);
    assertEquals(away.get('draas_instances{platform="process",status="Running"}'), 1);
    await fleet.redis.restart();
    await until("it is back", async () => (await told()).get("draas_node_ready") === 1);
  },
);
