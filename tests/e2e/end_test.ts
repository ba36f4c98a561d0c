/** How the program ends in order: servers run on, unless it was told to stop them. On the whole program. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isThere } from "../support/marked_processes.ts";
import { commandInstance, startInstance, withProgram } from "./support/control_plane.ts";

const deaf = ["sh", "-c", 'trap "" TERM; exec sleep 1000'];

for (const name of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${name} ends the program in order: it says that the servers run on, and they do`, () =>
    withProgram(async (world) => {
      const life = await world.start();
      await startInstance(life, commandInstance("one", ["sleep", "1000"]));
      await startInstance(life, commandInstance("two", ["sleep", "1000"]));
      const servers = world.servers();
      const { code, stdout, stderr } = await life.end(name);
      assertEquals([code, stderr], [0, ""]);
      assertStringIncludes(stdout, "2 instances run on; `deno task start` finds them again.");
      assert(servers.length === 2 && servers.every(isThere), "both run on");
    }));
}

Deno.test("--stop-on-exit stops every server before the program ends, also one that ignores SIGTERM", () =>
  withProgram(async (world) => {
    const life = await world.start("--stop-on-exit");
    await startInstance(life, commandInstance("willing", ["sleep", "1000"], "always"));
    const stubborn = commandInstance("stubborn", deaf, "always");
    stubborn.serverConfiguration.stopGraceMs = 200;
    await startInstance(life, stubborn);
    assertEquals(world.servers().length, 2);
    const { code, stdout, stderr } = await life.end("SIGTERM");
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "Stopping 2 instances");
    assertEquals(world.servers(), [], "nothing is left");
    const next = await world.start();
    const { json } = await next.call("GET /api/server/instances");
    const statuses = json.items.map(({ status }: { status: string }) => status);
    assertEquals(statuses, ["Stopped", "Stopped"], "and they stay stopped");
  }));
