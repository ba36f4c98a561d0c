/** The programs on Redis by themselves: who a worker is, what they wait for, what they refuse, and what they never show. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testWithRedis } from "../support/redis_server.ts";
import { commandInstance } from "./support/control_plane.ts";
import { ProgramLife } from "./support/program_life.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

testWithFleet(
  "a worker keeps its id over its lives, and tells its labels, slots and release",
  async (fleet) => {
    const api = await fleet.serve();
    const args = ["--slots", "3", "--label", "disk=ssd"];
    const labels = { DRAAS_WORKER_LABELS: "zone=a" };
    const first = await fleet.worker("w1", args, labels);
    const { json: { items: [shown] } } = await api.call("GET /api/workers");
    assertEquals(
      [shown.slots, shown.labels, shown.version, shown.platform],
      [3, { zone: "a", disk: "ssd" }, "0.1.0", "process"],
    );
    assertStringIncludes(first.output, `worker ${shown.id}, ready`);
    assertStringIncludes(first.output, "Labels zone=a, disk=ssd");
    await first.end("SIGKILL");
    await fleet.worker("w1");
    await fleet.worker("w2", ["--worker-id", "mine"]);
    const { json: { items } } = await api.call("GET /api/workers");
    assertEquals(items.map(({ id }: { id: string }) => id).sort(), ["mine", shown.id].sort());
  },
);

testWithFleet(
  "a data folder has one worker, and an id too: the older one leaves with code 3",
  async (fleet) => {
    const first = await fleet.worker("w1");
    const second = await fleet.begin("worker:process", ["--data-dir", `${fleet.folder}/w1`]).ended;
    assertEquals(second.code, 1);
    assertStringIncludes(second.stderr, "Another worker uses the data folder");
    const [, id = ""] = await first.hears(/worker (\S+), ready/);
    await fleet.worker("w2", ["--worker-id", id]);
    const { code, stderr } = await first.ended;
    assertEquals(code, 3);
    assertStringIncludes(stderr, `Another worker has taken over the id ${id}`);
  },
);

testWithFleet(
  "a second signal ends a worker at once; its next life goes on with what it had",
  async (fleet) => {
    const api = await fleet.serve();
    const worker = await fleet.worker("w1", ["--patience", "60s"]);
    const deaf = commandInstance("deaf", ["sh", "-c", 'trap "" TERM; while :; do sleep 1; done']);
    deaf.serverConfiguration.stopGraceMs = 30_000;
    const { json: { id } } = await api.call("POST /api/server/instances", deaf);
    await api.call(`POST /api/server/instances/${id}/start`);
    const stopping = api.call(`POST /api/server/instances/${id}/stop?timeout=200ms`);
    assertEquals((await stopping).json.code, "outcome_unknown", "the worker has it in hand");
    worker.signal("SIGTERM");
    // Signals within half a second are taken for one.
    await new Promise((resolve) => setTimeout(resolve, 700));
    const { code, stderr } = await worker.end("SIGTERM");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Ended at once");
    assertEquals(fleet.servers("w1").length, 1);
  },
);

testWithFleet(
  "control plane and worker wait for a Redis that is away, say so, and begin when it is there",
  async (fleet) => {
    await fleet.redis.stop();
    const lives = [
      fleet.begin("serve", ["--headless", "--port", "0"]),
      fleet.begin("worker:process", ["--data-dir", `${fleet.folder}/w1`]),
    ];
    for (const life of lives) {
      await life.hears(/cannot be reached.*\n {2}Waiting for it, \d+ s more/);
    }
    await fleet.redis.restart();
    for (const life of lives) await life.hears(/ready in \d+ ms/);
  },
);

testWithFleet(
  "a program that has waited long enough for Redis ends with code 1 and what to do",
  async (fleet) => {
    await fleet.redis.stop();
    for (
      const [task, ...args] of [["serve", "--headless"], [
        "worker:process",
        "--data-dir",
        `${fleet.folder}/w`,
      ]]
    ) {
      const { code, stderr } = await fleet.begin(task!, [...args, "--redis-wait", "100ms"]).ended;
      assertEquals(code, 1, stderr);
      assertMatch(
        stderr,
        /Redis at 127.0.0.1:\d+ cannot be reached: .*--redis-wait.*\n {2}Start Redis/,
      );
    }
  },
);

testWithFleet("a worker ends in order also while Redis is away", async (fleet) => {
  const worker = await fleet.worker("w1");
  await fleet.redis.kill();
  await worker.hears(/is away/);
  const { code } = await worker.end("SIGTERM");
  assertEquals(code, 0);
});

testWithRedis(
  "a connection string does as well as a URL, and no secret of either is ever shown",
  async (redis) => {
    const args = ["--headless", "--port", "0"];
    const ConnectionStrings__Redis =
      `127.0.0.1:${redis.port},password=hush hush,abortConnect=false`;
    const right = new ProgramLife("serve", args, { ConnectionStrings__Redis });
    await right.hears(/ready in/);
    const { code } = await right.end("SIGTERM");
    assertEquals(code, 0);
    const wrong = await new ProgramLife("serve", args, {
      REDIS_URL: `redis://default:hush-too@127.0.0.1:${redis.port}`,
    }).ended;
    assertEquals(wrong.code, 1);
    assertMatch(wrong.stderr, /refuses this program: .*WRONGPASS/);
    const malformed = await new ProgramLife("serve", args, { REDIS_URL: "redis://u:hush-three@" })
      .ended;
    assertEquals(malformed.code, 2);
    for (const said of [right.output, wrong.stderr, malformed.stderr]) {
      assert(
        !said.includes("hush"),
        said,
      );
    }
  },
  { password: "hush hush" },
);

testWithRedis(
  "a Redis that may drop keys is refused; one that keeps no file is warned of",
  async (redis) => {
    const args = ["--headless", "--port", "0"];
    const life = new ProgramLife("serve", args, { REDIS_URL: redis.url });
    await life.hears(/ready in/);
    await life.end("SIGTERM");
    assertMatch(life.output, /draas: Redis keeps no append-only file/);
    await redis.cli("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    const { code, stderr } = await new ProgramLife("serve", args, { REDIS_URL: redis.url }).ended;
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Set maxmemory-policy to noeviction");
  },
  { config: ["appendonly no"] },
);
