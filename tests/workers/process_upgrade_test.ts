/** A worker on a host whose servers another release has started: nothing of them is lost. Design §4 rule 6. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import {
  eventually,
  isRunning,
  type ProcessWorld,
  shell,
  started,
  withWorld,
} from "./process_world.ts";

const steady = shell("exec sleep 1000");
/** Ends with 7 once it is told to. */
const patient = shell("mkfifo go; read -r line <go; exit 7");

/** The shim of the release before: it leaves no mark for those who are not its parent. */
async function useFormerShim({ dataFolder }: ProcessWorld): Promise<void> {
  for await (const { name } of Deno.readDir(dataFolder)) {
    if (!name.startsWith("shim-")) continue;
    const path = `${dataFolder}/${name}`;
    const text = await Deno.readTextFile(path);
    const former = text.replace(/^ *true >.*\/ended\/.*\n/m, "");
    assertNotEquals(former, text);
    await Deno.writeTextFile(path, former);
  }
}

async function edit(path: string, change: (record: JsonObject) => JsonObject): Promise<void> {
  await Deno.writeTextFile(
    path,
    JSON.stringify(change(JSON.parse(await Deno.readTextFile(path)))) + "\n",
  );
}

/** As the release before left it: without what this one has added to the folder and its records. */
async function makeFormer(world: ProcessWorld, { runId }: RuntimeInfo): Promise<void> {
  await world.platform.close();
  await Deno.remove(`${world.dataFolder}/ended`, { recursive: true });
  await edit(`${world.folder()}/runs/${runId}/launch.json`, ({ leaseMs: _, ...rest }) => rest);
}

/** As a newer release may leave it: with fields, files and folders that nobody knows yet. */
async function makeNewer(world: ProcessWorld, { runId }: RuntimeInfo): Promise<void> {
  await world.platform.close();
  const added = { ofTomorrow: { deep: [1] } };
  const run = `${world.folder()}/runs/${runId}`;
  for (const path of [`${world.folder()}/run.json`, `${run}/run.json`, `${run}/launch.json`]) {
    await edit(path, (record) => ({ ...record, ...added }));
  }
  await Deno.mkdir(`${run}/of-tomorrow`);
  await Deno.mkdir(`${world.folder()}/of-tomorrow`);
  await Deno.writeTextFile(`${world.dataFolder}/of-tomorrow`, "");
}

for (
  const [whose, make] of [["the release before", makeFormer], ["a newer one", makeNewer]] as const
) {
  Deno.test(`a live server of ${whose} is adopted as it is, and stopped`, () =>
    withWorld(async (world) => {
      await useFormerShim(world);
      const info = await started(world.platform, steady);
      await make(world, info);
      const next = await world.reopen();
      assertEquals(await next.inventory(), [info]);
      assert(await isRunning(info.processId), "it runs on");
      const { runtimeInfo } = await next.stop("i-1", NO_FENCE);
      assertEquals([runtimeInfo?.exit?.reason, runtimeInfo?.exit?.signal], ["Stopped", "SIGTERM"]);
      await started(next, steady, { fence: { generation: 2, attempt: 1 } });
    }));

  Deno.test(`a server of ${whose} ends under its new worker, which is told how`, () =>
    withWorld(async (world) => {
      await useFormerShim(world);
      const info = await started(world.platform, patient);
      await make(world, info);
      const next = await world.reopen();
      const exits: RuntimeInfo[] = [];
      next.onExit((exited) => exits.push(exited));
      await next.inventory();
      await Deno.writeTextFile(`${world.folder()}/go`, "\n");
      const exit = await eventually("its exit is told", () => exits[0]?.exit);
      assertEquals([exit.reason, exit.code], ["Exited", 7]);
    }));
}

Deno.test("an exit that a newer release gives a reason of its own keeps its code", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, patient);
    await Deno.writeTextFile(`${world.folder()}/go`, "\n");
    await eventually("it has ended", () => world.exits[0]);
    await world.platform.close();
    await edit(
      `${world.folder()}/runs/${info.runId}/exit.json`,
      (record) => ({ ...record, reason: "OfTomorrow" }),
    );
    const [found] = await (await world.reopen()).inventory();
    assertEquals([found?.exit?.reason, found?.exit?.code], ["Exited", 7]);
  }));

Deno.test("a worker that begins takes no notice of marks that were left for the one before", () =>
  withWorld(async (world) => {
    const info = await started(world.platform, steady);
    await Deno.writeTextFile(`${world.dataFolder}/ended/i-1`, "");
    await Deno.writeTextFile(`${world.dataFolder}/ended/removed-long-ago`, "");
    const next = await world.reopen();
    assertEquals(await next.inventory(), [info]);
    assertEquals([...Deno.readDirSync(`${world.dataFolder}/ended`)], []);
  }));
