/** The records of an instance's folder, where the folder goes away meanwhile. */
import { assertEquals, assertRejects } from "@std/assert";
import { InstanceFolder } from "../../workers/process/instance_folder.ts";

async function withFolder(run: (folder: InstanceFolder) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await run(new InstanceFolder(root, "i-1"));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("whoever writes down how a run ended does not bring back a folder that was removed", async () => {
  await withFolder(async (folder) => {
    const stop = { reason: "Stopped", signal: "SIGTERM", graceMs: 1_000 } as const;
    await assertRejects(() => folder.writeExit({ runId: "r-1", code: 0 }), Deno.errors.NotFound);
    await assertRejects(() => folder.writeStop("r-1", stop), Deno.errors.NotFound);
    assertEquals(await folder.exists(), false);
  });
});

Deno.test("in a folder that has lost the records of its runs, the end of one is written all the same", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(folder.path);
    await folder.writeExit({ runId: "r-1", code: 7 });
    assertEquals((await folder.readExit("r-1"))?.record.code, 7);
  });
});
