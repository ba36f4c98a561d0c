/** From embedded to Redis, as a user does it: what runs is taken up and started by nobody twice, what was under way goes on. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openRedisCopyTarget } from "../../adapters/redis/copy/redis_copy_target.ts";
import { isThere } from "../support/marked_processes.ts";
import { commandInstance, type ControlPlane, startInstance } from "./support/control_plane.ts";
import { isServed, type RedisFleet, testWithFleet } from "./support/redis_fleet.ts";

/** The fleet's Redis is in the environment of every program: not for those that are about the embedded log. */
const EMBEDDED = { REDIS_URL: "" };
const SETTLED_WITHIN_MS = 60_000;

/** Waits until `look` gives something. */
async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  for (const end = performance.now() + SETTLED_WITHIN_MS; performance.now() < end;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain until ${what}`);
}

function untilStatus(api: ControlPlane, id: string, status: string) {
  return until(`${id} is ${status}`, async () => {
    const { json } = await api.call(`GET /api/server/instances/${id}`);
    return json.status === status ? json : null;
  });
}

/** Runs a program of the fleet that ends by itself; gives what it said. */
async function done(fleet: RedisFleet, task: string, args: string[], environment = {}) {
  const { code, stdout, stderr } = await fleet.begin(task, args, environment).ended;
  assertEquals(code, 0, stderr);
  return stdout;
}

/** The id of the first event that a stream tells to who had come to `place` before. */
async function nextIdAfter(api: ControlPlane, place: string): Promise<string | undefined> {
  const headers = { "last-event-id": place };
  const { body } = await fetch(`${await api.ready()}/api/events`, { headers });
  let text = "";
  for await (const more of body!.pipeThrough(new TextDecoderStream())) {
    text += more;
    const [, id] = /^id: (\S+)\nevent: (?!connected)/m.exec(text) ?? [];
    if (id !== undefined) return id;
  }
  return undefined;
}

/** What is told of an instance's past, with positions and times. */
async function eventsOf(api: ControlPlane, id: string): Promise<{ position: string }[]> {
  return (await api.call(`GET /api/server/instances/${id}/events`)).json.items;
}

/** Creates an instance under a key and begins to start it; gives its id. */
async function begun(api: ControlPlane, body: unknown, key: string): Promise<string> {
  const headers = { "idempotency-key": key };
  const { json: { id } } = await api.call("POST /api/server/instances", body, headers);
  const { status } = await api.call(`POST /api/server/instances/${id}/start?wait=false`);
  assertEquals(status, 202);
  return id;
}

/** An instance whose server says that it is ready once there is a file `gate`. */
function slowInstance(gate: string, name = "slow") {
  const command = `until [ -e ${gate} ]; do sleep 0.1; done; echo ready; exec sleep 600`;
  const { serverConfiguration, ...rest } = commandInstance(name, ["sh", "-c", command]);
  const readiness = { logLine: { contains: "ready" }, withinMs: 600_000 };
  return { ...rest, serverConfiguration: { ...serverConfiguration, readiness } };
}

/** From the data folder `name` into the fleet's Redis, as a user does it; gives what the programs say. */
async function moved(fleet: RedisFleet, name: string) {
  const file = `${fleet.folder}/${name}.ndjson.gz`;
  const args = ["--to", file, "--data-dir", `${fleet.folder}/${name}`];
  const exported = await done(fleet, "log:export", args, EMBEDDED);
  const proved = await done(fleet, "backup:verify", ["--from", file]);
  assertStringIncludes(proved, "The copy is what it says.");
  const imported = await done(fleet, "log:import", ["--from", file]);
  const site = Deno.readTextFileSync(`${fleet.folder}/${name}/process/site`).trim();
  return { exported, imported, workerId: `embedded-${site}` };
}

testWithFleet(
  "a fleet of an embedded log goes on over Redis: nothing is started twice, nothing is lost",
  async (fleet) => {
    const gate = `${fleet.folder}/gate`;
    const far = { ...commandInstance("far", ["sleep", "600"]), workerLabels: { zone: "b" } };
    const embedded = await fleet.start("w1");
    const one = await startInstance(embedded, commandInstance("one", ["sleep", "600"]));
    const two = await startInstance(embedded, commandInstance("two", ["sleep", "600"]));
    const slow = await begun(embedded, slowInstance(gate), "k1");
    const waits = await begun(embedded, far, "k2");
    await until("the slow one is spawned", async () => fleet.servers("w1").length >= 3 || null);
    const before = await eventsOf(embedded, one.id);
    const place = (await nextIdAfter(embedded, "3-0"))!;
    await embedded.end("SIGKILL");

    const { exported, imported, workerId } = await moved(fleet, "w1");
    assertMatch(
      exported,
      /^\d+ events of 4 instances \(0-0 to \d+-0\) of the embedded log in .*\.gz, .*KiB\.$/m,
    );
    const underWay =
      `Under way: 1 waiting for a worker, until their time is over; 1 in the hands of worker ${workerId},`;
    assertStringIncludes(exported, underWay);
    assertStringIncludes(imported, underWay);
    assertStringIncludes(imported, "4 of 4 instances are what the copy makes of them.");
    assertStringIncludes(imported, `--worker-id ${workerId}`);

    const api = await fleet.serve();
    await fleet.worker("w1", ["--worker-id", workerId]);
    for (const { id, pid } of [one, two]) {
      assertEquals((await untilStatus(api, id, "Running")).runtimeInfo.processId, pid);
      assert(isServed(fleet.servers("w1"), pid), `${id} has its process`);
    }
    const after = await eventsOf(api, one.id);
    assertEquals(after.slice(0, before.length), before, "positions and times are kept");
    Deno.writeTextFileSync(gate, "");
    await untilStatus(api, slow, "Running");
    await fleet.worker("w2", ["--label", "zone=b"]);
    await untilStatus(api, waits, "Running");
    assertEquals(fleet.servers("w1").filter(isThere).length, 3);
    const runs = [...fleet.runs("w1").values(), ...fleet.runs("w2").values()];
    assertEquals(runs.map(({ length }) => length), [1, 1, 1, 1], "each was started once");
    const again = await api.call("POST /api/server/instances", far, { "idempotency-key": "k2" });
    assertEquals([again.status, again.json.id], [201, waits], "the same key, the same answer");
    const next = await nextIdAfter(api, place);
    // An id has a digest of its event: the stream would break off where that is another one.
    assertMatch(`${place} ${next}`, /^\w{8}:4-0 \w{8}:5-0$/);
    assertStringIncludes(await done(fleet, "log:verify", []), "The log is what it says.");
  },
);

testWithFleet(
  "a worker of another name takes up what runs; what the former one had in hand ends when that is given up",
  async (fleet) => {
    const embedded = await fleet.start("w1");
    const one = await startInstance(embedded, commandInstance("one", ["sleep", "600"]));
    const slow = await begun(embedded, slowInstance(`${fleet.folder}/gate`), "k1");
    await until("the slow one is spawned", async () => fleet.servers("w1").length >= 2 || null);
    await embedded.end("SIGKILL");
    const { workerId } = await moved(fleet, "w1");
    const api = await fleet.serve();
    await fleet.worker("w1");
    assertEquals((await untilStatus(api, one.id, "Running")).runtimeInfo.processId, one.pid);
    assertEquals((await untilStatus(api, slow, "Starting")).status, "Starting");
    await until("the former worker counts as gone", async () => {
      const { status } = await api.call(`POST /api/workers/${workerId}/forget`);
      return status === 200 || null;
    });
    assertEquals((await untilStatus(api, slow, "Failed")).lastError.code, "forgotten");
    await until(
      "what was given up has ended",
      async () => fleet.servers("w1").filter(isThere).length === 1 || null,
    );
    assertEquals((await untilStatus(api, one.id, "Running")).runtimeInfo.processId, one.pid);
    assertEquals([...fleet.runs("w1").values()].map(({ length }) => length), [1, 1]);
  },
);

testWithFleet(
  "no program of the fleet begins beside an import that was not finished",
  async (fleet) => {
    const place = { url: fleet.redis.url, namespace: "default", clock: hostClock };
    const target = await openRedisCopyTarget({ ...place, ids: hostIds });
    await target.begin("0-0");
    await target.close();
    for (const task of ["serve", "worker:process", "log:verify"]) {
      const own = task === "worker:process" ? ["--data-dir", `${fleet.folder}/w1`] : [];
      const { code, stderr } = await fleet.begin(task, ["--redis-wait", "0s", ...own]).ended;
      assertEquals(code, 1, task);
      assertMatch(
        stderr,
        /^draas: An import into the namespace default was begun at .* and is not finished\.\n {2}Wait for its end, or run it again .*\n$/,
      );
    }
  },
);

testWithFleet(
  "copies go through pipes, are never written over, and say what is wrong with them",
  async (fleet) => {
    const folder = `${fleet.folder}/w1`;
    const place = ["--data-dir", folder];
    const embedded = await fleet.start("w1");
    await startInstance(embedded, commandInstance("one", ["sleep", "600"]));
    const file = `${fleet.folder}/fleet.ndjson`;
    await done(fleet, "log:export", ["--to", file, ...place], EMBEDDED);
    assertEquals(Deno.statSync(file).mode! & 0o777, 0o600);
    await embedded.end("SIGTERM");
    const again = await fleet.begin("log:export", ["--to", file, ...place], EMBEDDED).ended;
    assertEquals([again.code, again.stdout], [1, ""]);
    assertStringIncludes(again.stderr, "fleet.ndjson is there already");
    const piped = await fleet.begin("log:export", ["--to", "-", ...place], EMBEDDED).ended;
    assertEquals(piped.code, 0);
    assertMatch(piped.stdout, /^\{"draasLog":1,/);
    assertMatch(piped.stderr, /^draas: \d+ events of 1 instance /);
    const packed = `${fleet.folder}/fleet.ndjson.gz`;
    await done(fleet, "log:export", ["--to", packed, ...place], EMBEDDED);
    const bytes = Deno.readFileSync(packed);
    Deno.writeFileSync(packed, bytes.subarray(0, bytes.length - 20));
    const short = await fleet.begin("backup:verify", ["--from", packed]).ended;
    assertEquals([short.code, short.stdout], [1, ""]);
    assertMatch(
      short.stderr,
      /^draas: This copy of a log cannot be used: it cannot be unpacked to its end, .*\n {2}Take another copy.*\n$/,
    );
    Deno.writeTextFileSync(file, piped.stdout.slice(0, -40));
    const cut = await fleet.begin("log:import", ["--from", file]).ended;
    assertEquals([cut.code, cut.stdout], [1, ""]);
    assertStringIncludes(cut.stderr, "cannot be used: it was cut short");
    assertEquals(await fleet.redis.cli("KEYS", "*"), "", "nothing is left in Redis");
    const elsewhere = ["--data-dir", `${fleet.folder}/copy`];
    Deno.writeTextFileSync(file, piped.stdout);
    await done(fleet, "log:import", ["--from", file, ...elsewhere], EMBEDDED);
    assertStringIncludes(
      await done(fleet, "log:verify", elsewhere, EMBEDDED),
      "The log is what it says.",
    );
    const unnamed = await fleet.begin("log:import", []).ended;
    assertEquals(unnamed.code, 2);
    assertMatch(unnamed.stderr, /^draas: --from: must name the file to read/);
    const nowhere = await fleet.begin("backup:verify", ["--from", `${fleet.folder}/none`]).ended;
    assertEquals(nowhere.code, 1);
    assertStringIncludes(nowhere.stderr, "none cannot be read");
  },
);
