/** Output whose secrets nobody can tell any more: it is withheld, with the reason, and only as much of it as must be. */
import { assertEquals } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { LAUNCH_LOST } from "../../workers/process/hidden_secrets.ts";
import {
  eventually,
  failureOf,
  shell,
  started,
  startIt,
  withWorld,
  writeSecret,
} from "./process_world.ts";

const EARLIER =
  "--- earlier output is withheld: it may hold secrets that are not known any more, so they could not be hidden ---";
const ENV = { env: { KEY: "${secret:key}" } };

const next = (generation: number) => ({ fence: { generation, attempt: 1 } });

Deno.test("where the launch record is torn, what the run said is withheld, also when it ends and after the next start", () =>
  withWorld(async (world) => {
    const { platform } = world;
    await writeSecret(world, "key", "hunter2");
    const script = 'echo "key $KEY"; while [ ! -e ../../end ]; do sleep 0.05; done; exit 1';
    const { runId } = await started(platform, shell(script, ENV));
    const record = `${world.folder()}/runs/${runId}/launch.json`;
    await Deno.writeTextFile(record, "");
    assertEquals(await platform.logs("i-1", 9), [LAUNCH_LOST]);
    await Deno.writeTextFile(`${world.dataFolder}/end`, "");
    const [exit] = await eventually("its exit", () => world.exits.length > 0 && world.exits);
    assertEquals(exit?.logTail, LAUNCH_LOST);

    await started(platform, shell("echo anew; exec sleep 9"), next(2));
    assertEquals(await platform.logs("i-1", 9), [EARLIER, "anew"]);
    await platform.stop("i-1", NO_FENCE);
    await started(platform, shell("echo again; exec sleep 9"), next(3));
    assertEquals(await platform.logs("i-1", 9), [EARLIER, "anew", "again"]);
  }));

Deno.test("where the instance's run record is torn, its secrets are still hidden", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", "hunter2");
    await started(world.platform, shell('echo "key $KEY"; exec sleep 9', ENV));
    const whole = await Deno.readTextFile(`${world.folder()}/run.json`);
    await Deno.writeTextFile(`${world.folder()}/run.json`, "");
    assertEquals(await world.platform.logs("i-1", 9), ["key (secret)"]);
    await Deno.writeTextFile(`${world.folder()}/run.json`, whole);
  }));

Deno.test("a launch record of a release that knew no secrets withholds nothing", () =>
  withWorld(async (world) => {
    const { runId } = await started(world.platform, shell("echo plain; exec sleep 9"));
    const record = `${world.folder()}/runs/${runId}/launch.json`;
    const { secrets: _, ...older } = JSON.parse(await Deno.readTextFile(record));
    await Deno.writeTextFile(record, JSON.stringify(older));
    assertEquals(await world.platform.logs("i-1", 9), ["plain"]);
  }));

Deno.test("a worker that knows only the new value of a secret shows nothing of the run that was given the old one", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", "hunter2-OLD");
    await started(world.platform, shell('echo "key $KEY"; exec sleep 9', ENV));
    await world.platform.close();
    await writeSecret(world, "key", "hunter2-NEW");
    const later = await world.reopen();
    const LOST =
      "(withheld: the secret key cannot be read, or was changed since, so it could not be hidden)";
    assertEquals(await later.logs("i-1", 9), [LOST]);
    await later.stop("i-1", NO_FENCE);
    await started(later, shell('echo "key $KEY"; exec sleep 9', ENV), next(2));
    assertEquals(await later.logs("i-1", 9), [EARLIER, "key (secret)"]);
  }));

Deno.test("after a rotation with a restart of the server, a later worker shows what the new run says, and not the old one", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", "hunter2-OLD");
    await started(world.platform, shell('echo "key $KEY"; exec sleep 9', ENV));
    await world.platform.stop("i-1", NO_FENCE);
    await writeSecret(world, "key", "hunter2-NEW");
    await started(world.platform, shell('echo "key $KEY"; exec sleep 9', ENV), next(2));
    assertEquals(await world.platform.logs("i-1", 9), ["key (secret)", "key (secret)"]);
    await world.platform.close();
    const later = await world.reopen();
    assertEquals(await later.logs("i-1", 9), [EARLIER, "key (secret)"]);
    await writeSecret(world, "key", "hunter2-OLD");
    assertEquals((await later.logs("i-1", 9)).length, 2, "what is known of both hides both");
  }));

Deno.test("a secret that is used no more and is gone from the host withholds the output from before, and no other", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", "hunter2");
    await started(world.platform, shell('echo "key $KEY"; exec sleep 9', ENV));
    await world.platform.stop("i-1", NO_FENCE);
    failureOf(await startIt(world.platform, shell("echo two; exit 3"), next(2)));
    await world.platform.close();
    await Deno.remove(`${world.dataFolder}/secrets/key`);
    const later = await world.reopen();
    assertEquals((await later.inspect("i-1"))?.logTail, "two");
    assertEquals(await later.logs("i-1", 9), [EARLIER, "two"]);
    await started(later, shell("echo three; exec sleep 9"), next(3));
    assertEquals(await later.logs("i-1", 9), [EARLIER, "two", "three"]);
    const { runId = "" } = await later.inspect("i-1") ?? {};
    const record = await Deno.readTextFile(`${world.folder()}/runs/${runId}/launch.json`);
    assertEquals(JSON.parse(record).secrets, [], "and is forgotten with the next start");
  }));

Deno.test("of a secret across the cut of a very long line neither half is shown, in one page, two, or a failure", () =>
  withWorld(async (world) => {
    await writeSecret(world, "key", "hunter2-SECRET");
    // The cut is in the midst of the first secret; the second is whole.
    const script = `head -c 65529 /dev/zero | tr '\\0' x; echo "$KEY and $KEY"; exit 3`;
    const { runtimeInfo } = failureOf(await startIt(world.platform, shell(script, ENV)));
    const { lines } = await world.platform.readLogs("i-1", {});
    const texts = lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
    assertEquals(texts, [`${"x".repeat(65_529)}(secret)`, "(secret) and (secret)"]);
    assertEquals(
      runtimeInfo?.logTail?.slice(-25),
      "xxx(secret) and (secret)".slice(-25).padStart(25, "x"),
    );
    assertEquals(/hunt|SECRET|CRET/.test(JSON.stringify(runtimeInfo)), false);

    // As a follower has it whose page begins with the second piece.
    const cursor = `0.${65_536}.0`;
    const rest = await world.platform.readLogs("i-1", { cursor });
    const [second] = rest.lines.filter(({ stream }) => stream === "stdout");
    assertEquals(second?.text, "(secret) and (secret)");
  }));
