/** The rights that `docs/security.md` gives to control planes and workers are enough, and fence what they say. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { commandInstance, ControlPlane, startInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const DOCUMENT = new URL("../../docs/security.md", import.meta.url);
/** What the programs try and do without. */
const FORESEEN = new Set(["config|get", "function|load"]);

testWithFleet("a fleet lives with the documented rights, and with no more", async (fleet) => {
  const { redis } = fleet;
  const lines = Deno.readTextFileSync(DOCUMENT).split("\n").filter((line) => /^ACL /.test(line));
  assertEquals(lines.length, 3, "one user for control planes, one for workers, one for copies");
  for (const line of lines) assertEquals(await redis.cli(...line.split(" ")), "OK");
  const urlOf = (user: string) => ({
    REDIS_URL: `redis://draas-${user}:${user}-password@127.0.0.1:${redis.port}`,
  });
  const api: ControlPlane = await fleet.serve([], urlOf("node"));
  const worker = await fleet.worker("w1", [], urlOf("worker"));
  const { id } = await startInstance(
    api,
    commandInstance("one", ["sh", "-c", "echo hi; sleep 60"]),
  );
  const at = `/api/server/instances/${id}`;
  for (
    const line of [
      `GET ${at}/logs`,
      `POST ${at}/restart`,
      `POST ${at}/stop`,
      "GET /api/workers",
      "GET /readyz",
      "POST /api/workers/nobody/drain",
    ]
  ) {
    const { status, json } = await api.call(line);
    assert(status === 200 || json.code === "worker_not_found", `${line}: ${JSON.stringify(json)}`);
  }
  assertEquals((await api.call(`DELETE ${at}`)).status, 204);
  assertEquals((await fleet.begin("log:verify", [], urlOf("node")).ended).code, 0);
  const file = `${fleet.folder}/fleet.ndjson.gz`;
  assertEquals((await fleet.begin("log:export", ["--to", file], urlOf("copy")).ended).code, 0);
  assertEquals((await api.end("SIGTERM")).code, 0, "with a snapshot");
  assertEquals((await worker.end("SIGTERM")).code, 0);
  await redis.cli("FLUSHALL");
  const imported = await fleet.begin("log:import", ["--from", file], urlOf("copy")).ended;
  assertEquals([imported.code, imported.stderr], [0, ""]);
  assertEquals((await fleet.begin("log:verify", [], urlOf("node")).ended).code, 0);
  const refusals = [...(await redis.cli("ACL", "LOG")).matchAll(/^object\n(.*)$/gm)];
  const unforeseen = refusals.map(([, object]) => object).filter((one) => !FORESEEN.has(one!));
  assertEquals(unforeseen, [], "only what the document names was refused");

  for (const command of [["FLUSHALL"], ["GET", "{draas:other}:log"], ["FUNCTION", "FLUSH"]]) {
    const auth = ["--user", "draas-worker", "--pass", "worker-password", "--no-auth-warning"];
    const refused = await redis.cli(...auth, ...command).catch((error) => String(error));
    assert(refused.includes("NOPERM"), `${command}: ${refused}`);
  }
});

testWithFleet("a program whose rights do not reach says so in two lines", async (fleet) => {
  const { redis } = fleet;
  const lines = Deno.readTextFileSync(DOCUMENT).split("\n");
  const worker = lines.find((line) => line.startsWith("ACL SETUSER draas-worker"))!;
  await redis.cli(...worker.split(" "), "-hset");
  await fleet.serve();
  const url = `redis://draas-worker:worker-password@127.0.0.1:${redis.port}`;
  const program = fleet.begin("worker:process", ["--data-dir", `${fleet.folder}/w1`], {
    REDIS_URL: url,
  });
  assertEquals((await program.ended).code, 1);
  assertMatch(
    program.output,
    /^draas: Redis refuses this program: .*\n {2}Check .*security\.md.*\n$/,
  );
});

testWithFleet(
  "a fault that nobody foresaw ends a program in two lines, with no stack",
  async (fleet) => {
    await fleet.serve();
    await fleet.redis.cli("SET", "{draas:default}:workers", "not a hash");
    const program = fleet.begin("worker:process", ["--data-dir", `${fleet.folder}/w1`]);
    assertEquals((await program.ended).code, 1);
    assertMatch(
      program.output,
      /^draas: A fault in DRaaS itself: WRONGTYPE .*\n {2}Please report it.*\n$/,
    );
  },
);
