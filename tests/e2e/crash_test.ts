/** What survives a kill -9 of the control plane: servers, facts, answers, logs. On the whole program. Design §1, promises 1, 2, 7, 8. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { isThere, type MarkedProcess, signal } from "../support/marked_processes.ts";
import { eventually } from "../workers/process_world.ts";
import {
  commandInstance,
  type ControlPlane,
  startInstance,
  withProgram,
} from "./support/control_plane.ts";

const INSTANCES = "/api/server/instances";
const LIMIT_MS = 60_000;

interface Shown {
  id: string;
  status: string;
  pid: string;
}

async function fleetOf(life: ControlPlane): Promise<Map<string, Shown>> {
  const { json } = await life.call(`GET ${INSTANCES}?limit=500`);
  return new Map(
    json.items.map((one: { id: string; status: string; runtimeInfo?: { processId: string } }) =>
      [one.id, { id: one.id, status: one.status, pid: one.runtimeInfo?.processId ?? "" }] as const
    ),
  );
}

function leaderOf(servers: readonly MarkedProcess[], instanceId: string): MarkedProcess {
  const found = servers.find((one) => one.instanceId === instanceId && one.leads);
  assert(found, `${instanceId} has a live server`);
  return found;
}

Deno.test("20 servers survive the kill of their control plane and are Running with the same pids after it", () =>
  withProgram(async (world) => {
    const first = await world.start();
    const started = await Promise.all(Array.from({ length: 20 }, (_, index) => {
      const policy = index === 1 ? "never" : "on-failure";
      const command = index % 2 === 0
        ? ["sleep", "1000"]
        : ["sh", "-c", `echo "server ${index} speaks"; while :; do sleep 1000; done`];
      return startInstance(first, commandInstance(`server-${index}`, command, policy));
    }));
    const servers = world.servers();
    await first.end("SIGKILL");
    assert(servers.every(isThere), "none dies with its control plane");

    const second = await world.start();
    const expected = started.map(({ id, pid }) => ({ id, pid, status: "Running" }));
    const shown = await fleetOf(second);
    assertEquals(started.map(({ id }) => shown.get(id)), expected as Shown[]);
    assert(servers.every(isThere), "none was touched by the adoption");
    const talker = started[1]!;
    const { json: logs } = await second.call(`GET ${INSTANCES}/${talker.id}/logs`);
    assertEquals(logs.items, ["server 1 speaks"], "the log of before is there");

    await second.end("SIGKILL");
    const [mended, given] = [started[0]!, talker];
    for (const { id } of [mended, given]) signal(leaderOf(servers, id), "SIGKILL");
    const third = await world.start();
    const settled = await eventually("both are treated by their policies", async () => {
      const fleet = await fleetOf(third);
      const isMended = fleet.get(mended.id)?.status === "Running" &&
        fleet.get(mended.id)?.pid !== mended.pid;
      return isMended && fleet.get(given.id)?.status === "Failed" && fleet;
    }, LIMIT_MS);
    assertNotEquals(settled.get(mended.id)?.pid, mended.pid, "on-failure: a new process");
    assertEquals(String(leaderOf(world.servers(), mended.id).pid), settled.get(mended.id)?.pid);
    assertEquals(world.servers().filter((one) => one.instanceId === given.id), []);
    const others = started.slice(2).map(({ id }) => settled.get(id));
    assertEquals(others, expected.slice(2) as Shown[], "the others run on as before");
    const { json: later } = await third.call(`GET ${INSTANCES}/${given.id}/logs`);
    assertEquals(later.items, ["server 1 speaks"], "also the log of one that is gone");
  }));

Deno.test("a start that was under way at the kill has its end in the log, and its key fetches the answer", () =>
  withProgram(async (world) => {
    const first = await world.start();
    const created = await first.call(
      `POST ${INSTANCES}`,
      commandInstance("in-flight", ["sleep", "1000"]),
    );
    const at = `${INSTANCES}/${created.json.id}`;
    const key = { "idempotency-key": "the-start" };
    const lost = first.call(`POST ${at}/start`, undefined, key).catch(() => "no answer");
    const server = await eventually("the server is spawned", () => world.servers()[0], LIMIT_MS);
    await first.end("SIGKILL");
    assertEquals(await lost, "no answer", "it was killed before it could answer");

    const second = await world.start();
    const answer = await second.call(`POST ${at}/start`, undefined, key);
    assertEquals([answer.status, answer.json.changed], [200, true], JSON.stringify(answer.json));
    assertEquals(answer.json.runtimeInfo.processId, String(server.pid), "the server of the first");
    const { json: { items } } = await second.call(`GET ${at}/events`);
    const types = items.map(({ type }: { type: string }) => type);
    assertEquals(types.filter((type: string) => type === "StartRequested").length, 1);
    assertEquals(types.at(-1), "CommandSucceeded");
    assertEquals(world.servers().length, 1, "it was started once");
    const again = await second.call(`POST ${at}/start`, undefined, key);
    assertEquals(again.json, answer.json, "and once more the same answer");
    await second.end("SIGKILL");
    const third = await world.start();
    assertEquals((await third.call(`POST ${at}/start`, undefined, key)).json, answer.json);
  }));

Deno.test("the fleet without its snapshot is the fleet with it", () =>
  withProgram(async (world) => {
    const first = await world.start();
    const running = await startInstance(first, commandInstance("runs", ["sleep", "1000"]));
    const stopped = await startInstance(first, commandInstance("stopped", ["sleep", "1000"]));
    await first.call(`POST ${INSTANCES}/${stopped.id}/stop`);
    const gone = await startInstance(first, commandInstance("gone", ["sleep", "1000"]));
    await first.call(`DELETE ${INSTANCES}/${gone.id}`);
    const { json: dud } = await first.call(`POST ${INSTANCES}`, commandInstance("dud", ["false"]));
    await first.call(`POST ${INSTANCES}/${dud.id}/start`);
    const before = (await first.call(`GET ${INSTANCES}`)).json;
    assertEquals((await first.end("SIGTERM")).code, 0);

    const second = await world.start();
    assertEquals((await second.call(`GET ${INSTANCES}`)).json, before, "from the snapshot");
    await second.end("SIGTERM");
    const path = `${world.dataFolder}/log/draas.sqlite`;
    const database = new DatabaseSync(path);
    assertEquals(Number(database.prepare("DELETE FROM snapshots").run().changes), 1);
    database.exec("DELETE FROM snapshot_chunks");
    database.close();

    const third = await world.start();
    const { json } = await third.call(`GET ${INSTANCES}`);
    assertEquals(json, before, "from the log alone");
    const { status } = await third.call(`GET ${INSTANCES}/${gone.id}`);
    assertEquals(status, 410, "what was deleted stays deleted");
    assertEquals(String(leaderOf(world.servers(), running.id).pid), running.pid);
  }));
