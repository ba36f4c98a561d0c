/** `deno task log:verify` on the logs of real fleets: the embedded one, and one on Redis while it is in use. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { commandInstance, startInstance, withProgram } from "./support/control_plane.ts";
import { ProgramLife } from "./support/program_life.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const PROVED = /^\d+ events of 1 instances, .*\nThe log is what it says\.\n$/;

Deno.test("the log in a data folder is proved once nothing uses it", () =>
  withProgram(async ({ start, dataFolder, folder }) => {
    const life = await start();
    await startInstance(life, commandInstance("one", ["sleep", "600"]));
    const verify = (place: string) => new ProgramLife("log:verify", ["--data-dir", place]).ended;
    const busy = await verify(dataFolder);
    assertEquals([busy.code, busy.stdout], [1, ""]);
    assertStringIncludes(busy.stderr, "in use");
    await life.end("SIGTERM");
    const { code, stdout, stderr } = await verify(dataFolder);
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, PROVED);
    const nothing = await verify(`${folder}/nowhere`);
    assertEquals(nothing.code, 1);
    assertStringIncludes(nothing.stderr, "There is no log in");
  }));

testWithFleet("the log in Redis is proved beside the fleet that uses it", async (fleet) => {
  const api = await fleet.serve();
  await fleet.worker("w1");
  await startInstance(api, commandInstance("one", ["sleep", "600"]));
  const { code, stdout, stderr } = await fleet.begin("log:verify", []).ended;
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, PROVED);
});
