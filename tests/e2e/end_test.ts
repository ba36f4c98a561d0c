/** How the program ends in order: servers run on, unless it was told to stop them. On the whole program. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { isThere } from "../support/marked_processes.ts";
import {
  commandInstance,
  type ProgramWorld,
  startInstance,
  withProgram,
} from "./support/control_plane.ts";

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
      assertStringIncludes(stdout, "2 instances run on; the next start on ");
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

/** A program that was told to end and has closed its API, with one server that does not end within `stopGraceMs`. */
async function ending(world: ProgramWorld, stopGraceMs: number) {
  const life = await world.start("--stop-on-exit");
  const stubborn = commandInstance("stubborn", deaf);
  stubborn.serverConfiguration.stopGraceMs = stopGraceMs;
  await startInstance(life, stubborn);
  const ended = life.end("SIGTERM");
  for (let look = 0; look < 500; look++) {
    const isOpen = await life.call("GET /readyz").then(() => true, () => false);
    if (!isOpen) return { life, ended };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the API does not close");
}

Deno.test("--stop-on-exit takes no more requests before it stops: none can begin what would be left", () =>
  withProgram(async (world) => {
    const { ended } = await ending(world, 3_000);
    assertEquals(world.servers().length, 1, "the API is closed while the stop is under way");
    const { code, stderr } = await ended;
    assertEquals([code, stderr, world.servers()], [0, "", []]);
  }));

Deno.test("a second signal ends the program at once, and it says so", () =>
  withProgram(async (world) => {
    const { life } = await ending(world, 60_000);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const { code, stderr } = await life.end("SIGTERM");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Ended at once");
    assertEquals(world.servers().length, 1, "what was not stopped runs on");
  }));
