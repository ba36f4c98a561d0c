/** A data folder that cannot be used, in all ways that it cannot: a clear message, nothing lost, and a way on. On the whole program. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { isThere } from "../support/marked_processes.ts";
import {
  commandInstance,
  type ControlPlane,
  startInstance,
  withProgram,
} from "./support/control_plane.ts";
import { canMount, fillDisk, readOnly, smallDisk } from "./support/mounts.ts";
import type { ProgramEnd } from "./support/program_life.ts";

const INSTANCES = "/api/server/instances";

/** Code 1, one message with what to do next, and nothing of the inside. */
function assertRefused({ code, stdout, stderr }: ProgramEnd, ...parts: RegExp[]): void {
  assertEquals([code, stdout], [1, ""], stderr);
  assertMatch(stderr, /^draas: .+\n {2}.+\n$/s);
  assert(!/^\s+at /m.test(stderr) && !stderr.includes("Uncaught"), `no stack: ${stderr}`);
  for (const part of parts) assertMatch(stderr, part);
}

async function fleetOf(life: ControlPlane) {
  return (await life.call(`GET ${INSTANCES}`)).json;
}

Deno.test("a second control plane on the data folder is refused, and the first is not harmed", () =>
  withProgram(async (world) => {
    const first = await world.start();
    await startInstance(first, commandInstance("one", ["sleep", "1000"]));
    const [server] = world.servers();
    const before = await fleetOf(first);
    assertRefused(await world.refused(), /in use by another DRaaS process/, /Stop that process/);
    assertEquals(await fleetOf(first), before);
    const { id } = before.items[0];
    assertEquals((await first.call(`POST ${INSTANCES}/${id}/restart`)).status, 200);
    assert(server && !isThere(server), "the first still has its worker");
    await first.end("SIGKILL");
    const next = await world.start();
    assertEquals(
      (await fleetOf(next)).items[0].status,
      "Running",
      "the refusal was no lasting one",
    );
  }));

Deno.test("a data folder that cannot be written is told, whether it is new or has a fleet in it", () =>
  withProgram(async (world) => {
    Deno.mkdirSync(world.dataFolder);
    {
      using _ = readOnly(world.dataFolder);
      assertRefused(await world.refused(), /cannot be written/, /DRAAS_DATA_DIR/);
    }
    const life = await world.start();
    await startInstance(life, commandInstance("one", ["sleep", "1000"]));
    const before = await fleetOf(life);
    const [server] = world.servers();
    await life.end("SIGTERM");
    {
      using _ = readOnly(world.dataFolder);
      assertRefused(await world.refused(), /cannot be written/, /DRAAS_DATA_DIR/);
    }
    assertEquals(await fleetOf(await world.start()), before, "nothing is lost");
    assert(server && isThere(server), "and the server ran on all the while");
  }));

Deno.test("a data folder of a newer version is refused and left as it is", () =>
  withProgram(async (world) => {
    const life = await world.start();
    await life.call(`POST ${INSTANCES}`, commandInstance("one", ["sleep", "1000"]));
    const before = await fleetOf(life);
    await life.end("SIGTERM");
    const path = `${world.dataFolder}/log/draas.sqlite`;
    const present = setVersion(path, 9);
    assertRefused(await world.refused(), /form 9/, /Nothing was changed/, /newer version of DRaaS/);
    assertEquals(setVersion(path, present), 9, "it still says that it is newer");
    assertEquals(await fleetOf(await world.start()), before);
  }));

function setVersion(path: string, version: number): number {
  const database = new DatabaseSync(path);
  const before = database.prepare("PRAGMA user_version").get()!.user_version as number;
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
  return before;
}

for (const [part, offset] of [["head", 0], ["middle", 8_192]] as const) {
  Deno.test(`a log whose ${part} is garbage is refused, left as it is, and replaced by a copy`, () =>
    withProgram(async (world) => {
      const life = await world.start();
      await life.call(`POST ${INSTANCES}`, commandInstance("one", ["sleep", "1000"]));
      const before = await fleetOf(life);
      await life.end("SIGTERM");
      const path = `${world.dataFolder}/log/draas.sqlite`;
      const sound = Deno.readFileSync(path);
      const spoiled = sound.slice();
      // All but the head goes on to the end: no page but the first is what it was.
      spoiled.fill(0xa5, offset, offset === 0 ? 4_096 : undefined);
      Deno.writeFileSync(path, spoiled);
      const refused = await world.refused();
      assertRefused(refused, /is damaged/, /Nothing was changed/, /put back a copy/);
      if (offset === 0) assertEquals(Deno.readFileSync(path), spoiled, "not a byte was changed");
      for (const name of ["draas.sqlite-wal", "draas.sqlite-shm"]) {
        await Deno.remove(`${world.dataFolder}/log/${name}`).catch(() => {});
      }
      Deno.writeFileSync(path, sound);
      assertEquals(await fleetOf(await world.start()), before, "the copy is the fleet");
    }));
}

Deno.test({
  name: "a full disk is told, servers run on, and the same request works once there is room",
  ignore: !canMount,
  fn: () =>
    withProgram(async (world) => {
      Deno.mkdirSync(world.dataFolder);
      using _ = smallDisk(world.dataFolder, 6_144);
      const life = await world.start();
      await startInstance(life, commandInstance("one", ["sleep", "1000"]));
      const [server] = world.servers();
      const ballast = `${world.dataFolder}/ballast`;
      fillDisk(ballast);
      const body = {
        ...commandInstance("more", ["sleep", "1000"]),
        description: "x".repeat(2_000),
      };
      // The log's file has some room of its own.
      let refused = await life.call(`POST ${INSTANCES}`, body);
      let created = 0;
      for (; refused.status === 201 && created < 5_000; created++) {
        refused = await life.call(`POST ${INSTANCES}`, body);
      }
      assertEquals([refused.status, refused.json.code], [503, "log_unwritable"]);
      assertEquals(refused.json.retryable, true);
      assertStringIncludes(refused.json.hint, "Make room");
      const { items } = (await life.call(`GET ${INSTANCES}?limit=500`)).json;
      assertEquals(items.length, Math.min(500, created + 1), "what was answered is there");
      assert(server && isThere(server), "the server runs on");

      Deno.removeSync(ballast);
      assertEquals((await life.call(`POST ${INSTANCES}`, body)).status, 201, "the retry works");
      const before = (await life.call(`GET ${INSTANCES}?limit=500`)).json;
      await life.end("SIGKILL");
      const next = await world.start();
      assertEquals((await next.call(`GET ${INSTANCES}?limit=500`)).json, before);
    }),
});

Deno.test({
  name: "a start on a full disk is refused with a message, and works once there is room",
  ignore: !canMount,
  fn: () =>
    withProgram(async (world) => {
      Deno.mkdirSync(world.dataFolder);
      using _ = smallDisk(world.dataFolder, 6_144);
      const ballast = `${world.dataFolder}/ballast`;
      fillDisk(ballast);
      assertRefused(await world.refused(), /full|space|cannot be opened/, /room/);
      Deno.removeSync(ballast);
      const life = await world.start();
      await startInstance(life, commandInstance("one", ["sleep", "1000"]));
      const before = await fleetOf(life);
      await life.end("SIGKILL");
      fillDisk(ballast);
      const [server] = world.servers();
      const again = await world.refused();
      assertRefused(again, /full|space|cannot be opened/, /room/);
      Deno.removeSync(ballast);
      assertEquals(await fleetOf(await world.start()), before, "nothing is lost");
      assert(server && isThere(server), "and the server ran on all the while");
    }),
});
