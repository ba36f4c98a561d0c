/** A worker without a line of DRaaS' code joins a fleet by what docs/wire-protocol.md says. */
import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { ForeignWorld, processesNaming, until } from "./foreign_worker.ts";

let seconds = 100_000 + Deno.pid % 10_000 * 10;

/** A program that no other test runs, by its arguments. */
function program(): { command: string[]; marker: string } {
  const marker = String(++seconds);
  return { command: ["sleep", marker], marker };
}

/** The servers that run it: not the shim or a lock's holder on the way to it. */
function serversOf(marker: string): number[] {
  return processesNaming(`sleep\0${marker}\0`).filter((pid) =>
    Deno.readTextFileSync(`/proc/${pid}/comm`).trim() === "sleep"
  );
}

function foreignTest(name: string, run: (world: ForeignWorld) => Promise<void>): void {
  testWith(["redis-server", "redis-cli", "node", "flock"], name, async () => {
    const server = await RedisServer.start();
    try {
      const world = await ForeignWorld.open(server);
      try {
        await run(world);
      } finally {
        await world.close();
      }
    } finally {
      await server.close();
    }
  });
}

foreignTest("a foreign worker serves start, restart, logs, stop and delete", async (world) => {
  const { marker } = program();
  world.work("alien");
  const id = await world.create({ command: ["sh", "-c", `echo hello; exec sleep ${marker}`] });
  const started = await world.ask(id, { type: "start" });
  assert(started.kind === "done", JSON.stringify(started));
  const { run } = started.state.context;
  assertEquals(serversOf(marker).map(String), [run?.runtimeInfo?.processId]);
  assertEquals(await world.system.logs(id, 10), ["hello"]);

  const again = await world.ask(id, { type: "restart" });
  assert(again.kind === "done", JSON.stringify(again));
  const next = again.state.context.run?.runtimeInfo;
  assert(next?.runId !== run?.runtimeInfo?.runId, "a restart is another run");
  assertEquals(serversOf(marker).map(String), [next?.processId]);

  const stopped = await world.ask(id, { type: "stop" });
  assert(stopped.kind === "done", JSON.stringify(stopped));
  assertEquals(stopped.state.context.run?.runtimeInfo?.status, "Stopped");
  assertEquals(serversOf(marker), []);
  const deleted = await world.ask(id, { type: "delete", force: false });
  assertEquals(deleted.kind, "done");
});

foreignTest("a foreign worker says what is wrong with a configuration", async (world) => {
  world.work("alien");
  const id = await world.create({ command: ["true"] });
  const configuration = { command: "sleep" };
  const outcome = await world.ask(id, { type: "start", configuration });
  assert(outcome.kind === "failed", JSON.stringify(outcome));
  assertEquals(outcome.failure.code, "configuration_invalid");
});

foreignTest("a server that ends by itself is reported with its exit code", async (world) => {
  world.work("alien");
  const id = await world.create({ command: ["sh", "-c", "sleep 0.6; exit 7"] });
  assertEquals((await world.ask(id, { type: "start" })).kind, "done");
  const { data } = await world.heard(id, "RuntimeObserved");
  assert("observation" in data && data.observation === "Exited", JSON.stringify(data));
  assertEquals(data.runtimeInfo.exit?.code, 7);
});

foreignTest(
  "killed after its accept, a foreign worker finishes the start in its next life, once",
  async (world) => {
    const { command, marker } = program();
    const first = world.work("alien");
    const id = await world.create({ command });
    const asked = world.ask(id, { type: "start" });
    await world.heard(id, "CommandAccepted");
    first.kill("SIGKILL");
    await first.status;
    assertEquals(
      world.events.filter(({ type }) => type === "CommandSucceeded"),
      [],
      "it was killed before it answered",
    );
    world.work("alien");
    const outcome = await asked;
    assert(outcome.kind === "done", JSON.stringify(outcome));
    const accepts = world.events.flatMap(({ type, data }) =>
      type === "CommandAccepted" ? [data.attempt] : []
    );
    assertEquals(accepts, [1, 2]);
    assertEquals(serversOf(marker).map(String), [
      outcome.state.context.run?.runtimeInfo?.processId,
    ]);
  },
);

foreignTest(
  "servers outlive their worker, and an end that it missed is reported when it is back",
  async (world) => {
    const [one, other] = [program(), program()];
    const first = world.work("alien");
    const ids = [
      await world.create({ command: one.command }),
      await world.create({ command: other.command }),
    ];
    for (const id of ids) assertEquals((await world.ask(id, { type: "start" })).kind, "done");
    first.kill("SIGKILL");
    await first.status;
    const [doomed = 0] = serversOf(one.marker);
    const survivors = serversOf(other.marker);
    Deno.kill(doomed, "SIGKILL");
    world.work("alien");
    await world.heard(ids[0]!, "RuntimeObserved");
    const state = await until("the exit in the fold", async () => {
      const found = await world.system.get(ids[0]!);
      return found?.context.run?.runtimeInfo?.status === "Stopped" && found;
    });
    assertEquals(state.context.run?.runtimeInfo?.exit?.reason, "Unknown");
    assertEquals(serversOf(other.marker), survivors);
    const stopped = await world.ask(ids[1]!, { type: "stop" });
    assertEquals(stopped.kind, "done");
    assertEquals(serversOf(other.marker), []);
  },
);

foreignTest("a second life of the same worker makes the first one leave", async (world) => {
  const first = world.work("alien");
  await until("the worker", async () => (await world.system.workers()).length === 1);
  world.work("alien");
  assertEquals((await first.status).code, 3);
});
