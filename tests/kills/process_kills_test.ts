/** `kill -9` of a process worker at each moment at which it talks to the log. */
import { commandInstance } from "../e2e/support/control_plane.ts";
import type { RedisFleet } from "../e2e/support/redis_fleet.ts";
import { testWith } from "../support/tools.ts";
import { eventually } from "../workers/process_world.ts";
import { type KillWorld, workerKills } from "./worker_kills.ts";

const WORKER = "w1";

async function world(fleet: RedisFleet): Promise<KillWorld> {
  const servers = () => fleet.servers(WORKER).map(({ pid }) => String(pid));
  return {
    begin: (environment) => fleet.worker(WORKER, [], environment),
    spyRuntime: null,
    instance: (name) => commandInstance(name, ["sleep", "1000"], "never"),
    running: async () => servers(),
    nameOf: ({ processId = "" }) => processId,
    // What a deleted server has left of itself in the process table is gone a moment later.
    remains: async () => {
      await eventually("its processes are gone", () => servers().length === 0);
      return [];
    },
  };
}

workerKills(
  "process",
  [],
  (sentence, run) => testWith(["redis-server", "redis-cli"], sentence, () => run(world)),
);
