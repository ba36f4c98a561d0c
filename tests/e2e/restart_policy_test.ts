/** What becomes of servers that end, hang or are of no use, on whole programs. Design §4. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { type ControlPlane, withProgram } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const LIMIT_MS = 60_000;
/** By default it comes within 250 ms of the exit; a loaded machine gets more. */
const FIRST_RESTART_MS_MAX = 10_000;

// deno-lint-ignore no-explicit-any -- the API's answers, of every shape
type Shown = any;

async function create(life: ControlPlane, body: Record<string, unknown>): Promise<string> {
  const { status, json } = await life.call(`POST ${INSTANCES}`, {
    name: "one",
    template: "command",
    ...body,
  });
  assertEquals(status, 201, JSON.stringify(json));
  return json.id;
}

async function shown(life: ControlPlane, id: string): Promise<Shown> {
  return (await life.call(`GET ${INSTANCES}/${id}`)).json;
}

function until(
  life: ControlPlane,
  id: string,
  what: string,
  holds: (one: Shown) => boolean,
): Promise<Shown> {
  return eventually(what, async () => {
    const one = await shown(life, id);
    return holds(one) && one;
  }, LIMIT_MS);
}

/** From the exit of the first run to the start of the second, by the host's clock. */
async function firstRestartMs(life: ControlPlane): Promise<number> {
  const command = ["sh", "-c", "[ -e again ] && exec sleep 1000; touch again; sleep 0.5; exit 3"];
  const id = await create(life, { serverConfiguration: { command } });
  await life.call(`POST ${INSTANCES}/${id}/start`);
  const { restarts, runtimeInfo, lastFailure } = await until(
    life,
    id,
    "a second run",
    (one) => one.status === "Running" && one.restarts === 1,
  );
  assertEquals([restarts, lastFailure.run.exit.code], [1, 3]);
  return Date.parse(runtimeInfo.startedAt) - Date.parse(lastFailure.run.stoppedAt);
}

/** A server that is ill once the file says so, until it is started anew. */
const curable = {
  command: ["sh", "-c", "rm -f ill; exec sleep 1000"],
  liveness: {
    command: ["test", "!", "-e", "ill"],
    intervalMs: 500,
    timeoutMs: 20_000,
    failures: 2,
  },
};

Deno.test("a server that ends is started again soon after, with what happened kept", () =>
  withProgram(async (world) => {
    const tookMs = await firstRestartMs(await world.start());
    assert(tookMs >= 0 && tookMs < FIRST_RESTART_MS_MAX, String(tookMs));
  }));

Deno.test("the next try and its time are shown, and outlive the kill of everything; a stop takes it back", () =>
  withProgram(async (world) => {
    const first = await world.start();
    const id = await create(first, {
      serverConfiguration: { command: ["sh", "-c", "sleep 0.5; exit 3"] },
      restartPolicy: { baseMs: 3_600_000, capMs: 3_600_000 },
    });
    await first.call(`POST ${INSTANCES}/${id}/start`);
    const planned = await until(first, id, "a planned try", (one) => one.nextStartAt);
    assertEquals([planned.status, planned.nextStartAttempt], ["Failed", 1]);
    await first.end("SIGKILL");
    const second = await world.start();
    const again = await shown(second, id);
    assertEquals([again.status, again.nextStartAt], ["Failed", planned.nextStartAt]);
    assertEquals(again.lastFailure, planned.lastFailure);
    const { status } = await second.call(`POST ${INSTANCES}/${id}/stop`);
    assertEquals([status, (await shown(second, id)).nextStartAt], [200, undefined]);
  }));

Deno.test("each exit ends as its policy says: by its code, by the mode, and in a crash loop", () =>
  withProgram(async (world) => {
    const life = await world.start();
    const ends = async (script: string, restartPolicy: object, holds: (one: Shown) => boolean) => {
      const id = await create(life, {
        serverConfiguration: { command: ["sh", "-c", script] },
        restartPolicy: { baseMs: 1, capMs: 1, ...restartPolicy },
      });
      await life.call(`POST ${INSTANCES}/${id}/start`);
      return await until(life, id, script, holds);
    };
    const over = ({ status, nextStartAt }: Shown) =>
      ["Failed", "Stopped"].includes(status) && nextStartAt === undefined;
    const never = await ends("sleep 0.5; exit 3", { exitCodes: { "3": "never" } }, over);
    assertEquals([never.status, never.restarts, never.lastError.code], ["Failed", 0, "exited"]);
    const completed = await ends("sleep 0.5", {}, over);
    assertEquals([completed.status, completed.restarts], ["Stopped", 0]);
    const always = await ends(
      "sleep 0.5",
      { mode: "always", maxStarts: 2 },
      (one) => one.lastError?.code === "crash_loop",
    );
    assertEquals([always.status, always.restarts], ["Failed", 2]);
    // Gone within its first millisecond: it never counted as started, and a start that a user asked for is final.
    const atOnce = await ends("exit 0", { mode: "always" }, over);
    assertEquals([atOnce.status, atOnce.lastError.code], ["Failed", "exited_at_once"]);
    const changed = await life.call(`PATCH ${INSTANCES}/${atOnce.id}`, {
      restartPolicy: { mode: "never", resetAfterMs: 5, exitCodes: { "7": "always" } },
    });
    assertEquals(changed.json.restartPolicy, {
      mode: "never",
      baseMs: 200,
      factor: 2,
      capMs: 60_000,
      resetAfterMs: 5,
      maxStarts: 10,
      windowMs: 600_000,
      exitCodes: { "7": "always" },
    });
  }));

Deno.test("a server that hangs is unhealthy, and is restarted by its policy; one under never is left", () =>
  withProgram(async (world) => {
    const life = await world.start();
    const kept = await create(life, {
      serverConfiguration: curable,
      restartPolicy: { mode: "never" },
    });
    const cured = await create(life, { serverConfiguration: curable });
    for (const id of [kept, cured]) {
      await life.call(`POST ${INSTANCES}/${id}/start`);
      await until(life, id, "a healthy server", (one) => one.health === "healthy");
      await Deno.writeTextFile(`${world.dataFolder}/process/instances/${id}/ill`, "");
    }
    const ill = await until(life, kept, "an unhealthy server", (one) => one.health === "unhealthy");
    assertEquals([ill.status, ill.healthDetail.cause, ill.healthDetail.reason], [
      "Running",
      "liveness",
      "test ended with 1",
    ]);
    const well = await until(
      life,
      cured,
      "a new run",
      (one) => one.restarts === 1 && one.health === "healthy",
    );
    assertEquals([well.status, well.lastError.code], ["Running", "unhealthy"]);
    assertEquals(well.lastFailure.capsule.probes.at(-1).problem, "test ended with 1");
    assertEquals((await shown(life, kept)).restarts, 0);
    const { json: { items } } = await life.call(`GET ${INSTANCES}/${cured}/events?limit=50`);
    const why = items.find(({ type }: Shown) => type === "RestartScheduled");
    assertEquals(why.data.cause, "Unhealthy");
  }));

testWithFleet(
  "over Redis any node shows health, the progress of a start and the last failure; a worker that comes back goes on probing",
  async (fleet) => {
    const [one, two] = [await fleet.serve(), await fleet.serve()];
    const worker = await fleet.worker("w1");
    const tookMs = await firstRestartMs(one);
    assert(tookMs >= 0 && tookMs < FIRST_RESTART_MS_MAX, String(tookMs));
    const id = await create(one, {
      serverConfiguration: {
        ...curable,
        readiness: { logLine: { contains: "never said" }, withinMs: 600_000 },
      },
    });
    await one.call(`POST ${INSTANCES}/${id}/start?wait=false`);
    const slow = await until(two, id, "a start that waits", (one) => one.startProgress);
    assertEquals([slow.health, slow.startProgress.step, slow.startProgress.problem], [
      "starting",
      "waiting-for-readiness",
      'no line of its output has "never said" yet',
    ]);
    await one.call(`POST ${INSTANCES}/${id}/stop`);
    const { readiness: _, ...ready } = slow.configuration.serverConfiguration;
    await one.call(`PATCH ${INSTANCES}/${id}`, { serverConfiguration: ready });
    await one.call(`POST ${INSTANCES}/${id}/start`);
    await until(two, id, "a healthy server", (one) => one.health === "healthy");

    await worker.end("SIGKILL");
    await until(two, id, "a worker that is silent", (one) => one.health === "unknown");
    await Deno.writeTextFile(`${fleet.folder}/w1/process/instances/${id}/ill`, "");
    await fleet.worker("w1");
    const well = await until(
      two,
      id,
      "a new run",
      (one) => one.restarts === 1 && one.health === "healthy",
    );
    assertEquals(well.lastFailure.capsule.probes.at(-1).problem, "test ended with 1");
  },
);
