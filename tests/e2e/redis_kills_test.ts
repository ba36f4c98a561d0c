/** `kill -9` of each part of a fleet on Redis, at the moments that matter: nothing acknowledged is lost, nothing runs twice. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, type ControlPlane, startInstance } from "./support/control_plane.ts";
import { isServed, testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const LIMIT_MS = 40_000;

/** A server that is ready a while after it was spawned. */
function slowInstance(name: string, readyAfterMs: number) {
  const program = `await new Promise((r) => setTimeout(r, ${readyAfterMs}));` +
    "Deno.serve({ port: $PORT }, () => new Response())";
  return {
    name,
    template: "command",
    serverConfiguration: {
      command: ["sh", "-c", `exec "$0" eval "${program}"`, Deno.execPath()],
      readiness: { http: { path: "/" } },
    },
    restartPolicy: { mode: "never" },
  };
}

async function typesOf(api: ControlPlane, id: string): Promise<string[]> {
  const { json } = await api.call(`GET ${INSTANCES}/${id}/events?limit=200`);
  return json.items.map(({ type }: { type: string }) => type);
}

testWithFleet(
  "the node that asked is killed: the other one answers for it by its key",
  async (fleet) => {
    const [a, b] = [await fleet.serve(), await fleet.serve()];
    await fleet.worker("w1");
    const { json: { id } } = await a.call(`POST ${INSTANCES}`, slowInstance("slow", 1_500));
    const key = { "idempotency-key": "the-start" };
    const lost = a.call(`POST ${INSTANCES}/${id}/start`, undefined, key).catch(() => "no answer");
    const server = await eventually("it is spawned", () => fleet.servers("w1")[0], LIMIT_MS);
    await a.end("SIGKILL");
    assertEquals(await lost, "no answer", "it was killed before it could answer");

    const answer = await b.call(`POST ${INSTANCES}/${id}/start`, undefined, key);
    assertEquals([answer.status, answer.json.changed], [200, true], JSON.stringify(answer.json));
    assertEquals(answer.json.runtimeInfo.processId, String(server.pid));
    const requests = (await typesOf(b, id)).filter((type) => type === "StartRequested");
    assertEquals(
      [requests.length, fleet.servers("w1").length],
      [1, 1],
      "it was asked once, done once",
    );
    // The dead node was the leader: what time owes is paid by the other one, once its lease is over.
    const dying = commandInstance("mended", ["sh", "-c", "sleep 2; exit 1"]);
    const { id: mended } = await startInstance(b, dying);
    const isMended = () => fleet.runs("w1").get(mended)!.length > 1;
    await eventually("it is started again by its policy", isMended, LIMIT_MS);
  },
);

testWithFleet(
  "a worker is killed before it accepts: another one serves the command, once",
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1");
    // Frozen, it is still offered what comes while it waited, and accepts nothing of it.
    first.signal("SIGSTOP");
    await fleet.worker("w2");
    const ids = await Promise.all([0, 1, 2, 3].map(async (index) => {
      const body = commandInstance(`s${index}`, ["sleep", "600"], "never");
      return (await api.call(`POST ${INSTANCES}`, body)).json.id as string;
    }));
    const started = ids.map((id) => api.call(`POST ${INSTANCES}/${id}/start?timeout=40s`));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await first.end("SIGKILL");
    assertEquals((await Promise.all(started)).map(({ status }) => status), [200, 200, 200, 200]);
    assertEquals([fleet.servers("w1").length, fleet.servers("w2").length], [0, 4]);
    assertEquals([...fleet.runs("w2").values()].map((runs) => runs.length), [1, 1, 1, 1]);
  },
);

testWithFleet(
  "a worker is killed in the middle of a start: its next life finishes it, with one process",
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1");
    const { json: { id } } = await api.call(`POST ${INSTANCES}`, slowInstance("slow", 2_000));
    const started = api.call(`POST ${INSTANCES}/${id}/start?timeout=40s`);
    await eventually("it is spawned", () => fleet.servers("w1").length === 1, LIMIT_MS);
    await first.end("SIGKILL");
    await fleet.worker("w1");
    const { status, json } = await started;
    assertEquals([status, json.runtimeInfo?.status], [200, "Running"], JSON.stringify(json));
    assertEquals(fleet.servers("w1").length, 1);
    assert(isServed(fleet.servers("w1"), json.runtimeInfo.processId), "the one that is told of");
  },
);

testWithFleet(
  "a worker is killed and a server of it ends: its next life tells how, and the policy acts",
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1");
    const { id, pid } = await startInstance(api, commandInstance("one", ["sleep", "600"]));
    await first.end("SIGKILL");
    Deno.kill(Number(pid), "SIGKILL");
    await fleet.worker("w1");
    const shown = await eventually("it is started again", async () => {
      const { json } = await api.call(`GET ${INSTANCES}/${id}`);
      return json.status === "Running" && json.runtimeInfo.processId !== pid && json;
    }, LIMIT_MS);
    assert(isServed(fleet.servers("w1"), shown.runtimeInfo.processId));
  },
);

testWithFleet(
  "Redis is killed and comes back: 503 meanwhile, health says why, and nothing acknowledged is lost",
  async (fleet) => {
    const [a, b] = [await fleet.serve(), await fleet.serve()];
    const worker = await fleet.worker("w1");
    const kept = await Promise.all(
      Array.from(
        { length: 20 },
        (_, index) =>
          startInstance(index % 2 ? a : b, commandInstance(`s${index}`, ["sleep", "600"])),
      ),
    );
    await fleet.redis.kill();

    const unready = await eventually("health says that the log is away", async () => {
      const answer = await a.call("GET /readyz");
      return answer.status === 503 && answer;
    }, LIMIT_MS);
    assertMatch(unready.json.reasons.join(), /the log (is away|does not answer)/);
    assertEquals((await a.call("GET /healthz")).status, 200, "the node itself lives");
    const begin = performance.now();
    const refused = await a.call(`POST ${INSTANCES}/${kept[0]!.id}/stop`);
    assertEquals(refused.status, 503, JSON.stringify(refused.json));
    assertMatch(refused.headers.get("retry-after") ?? "", /^\d+$/);
    assert(performance.now() - begin < 1_000, "at once");
    assertEquals(fleet.servers("w1").length, 20, "the servers do not mind");

    await fleet.redis.restart();
    for (const node of [a, b]) {
      await eventually(
        "it is ready again",
        async () => (await node.call("GET /readyz")).status === 200,
        LIMIT_MS,
      );
      const { json: { items } } = await node.call(`GET ${INSTANCES}?limit=100`);
      const shown = items.map((one: { id: string; status: string }) => [one.id, one.status]);
      assertEquals(shown.sort(), kept.map(({ id }) => [id, "Running"]).sort());
    }
    const stopped = await b.call(`POST ${INSTANCES}/${kept[0]!.id}/stop`);
    assertEquals(stopped.status, 200, JSON.stringify(stopped.json));
    assertEquals(fleet.servers("w1").length, 19, "the worker has come back by itself");
    assertMatch(worker.output, /Redis at .* is away/);
    await worker.hears(/Redis at .* is back/);
  },
);

testWithFleet(
  "Redis loses the end of its log: the nodes say how much, go on with what is there, and serve again",
  async (fleet) => {
    const [a, b] = [await fleet.serve(), await fleet.serve()];
    await fleet.worker("w1");
    const kept = await startInstance(a, commandInstance("kept", ["sleep", "600"]));
    const before = await fleet.redis.appendOnlyFileBytes();
    const gone = await a.call(`POST ${INSTANCES}`, commandInstance("gone", ["sleep", "600"]));
    await startInstance(b, commandInstance("gone too", ["sleep", "600"]));
    await fleet.redis.kill();
    fleet.redis.cutAppendOnlyFile(await fleet.redis.appendOnlyFileBytes() - before);
    await fleet.redis.restart();

    for (const node of [a, b]) {
      const [, count] = await node.hears(/HISTORY_ROLLBACK: .* at least (\d+) events/);
      assert(Number(count) >= 2, `${count} events`);
      await eventually("it is ready again", async () => {
        const { status, json } = await node.call("GET /readyz");
        return status === 200 && json.incidents[0]?.code === "HISTORY_ROLLBACK";
      }, LIMIT_MS);
      const { json: { items } } = await node.call(`GET ${INSTANCES}`);
      assertEquals(items.map(({ id }: { id: string }) => id), [kept.id], "what the log has");
      assertEquals((await node.call(`GET ${INSTANCES}/${gone.json.id}`)).status, 404);
    }
    const { pid } = await startInstance(b, commandInstance("new", ["sleep", "600"]));
    assert(isServed(fleet.servers("w1"), pid), "the fleet serves again");
    assert(isServed(fleet.servers("w1"), kept.pid), "what the log knows runs on");
  },
);
