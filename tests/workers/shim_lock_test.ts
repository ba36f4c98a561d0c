/** The shim's lock when nobody hears its report any more: the worker that spawned it has died. Design §4 rule 6. */
import { assertEquals } from "@std/assert";
import shimScript from "../../workers/process/shim.sh" with { type: "text" };

Deno.test("a shim that finds the lock held starts nothing, also when its worker is dead", async () => {
  const folder = await Deno.makeTempDir({ prefix: "draas-shim-" });
  using holder = await Deno.open(`${folder}/run.lock`, { create: true, write: true });
  await holder.lock(true);
  try {
    await Deno.mkdir(`${folder}/runs/r-1`, { recursive: true });
    await Deno.writeTextFile(`${folder}/shim.sh`, shimScript);
    const args = [
      "r-1",
      "1",
      "1000001",
      "999999999999",
      "0",
      "boot",
      "0",
      "0",
      "TERM",
      "/usr/bin/setsid",
      "touch",
      "ran",
    ];
    // It waits for a line, so that its output is closed before its first word.
    const shim = new Deno.Command("sh", {
      args: ["-c", 'read -r go; exec sh "$@"', "sh", `${folder}/shim.sh`, folder, ...args],
      cwd: folder,
      env: { DRAAS_SHIM: "1", DRAAS_SET: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await shim.stdout.cancel();
    const go = shim.stdin.getWriter();
    await go.write(new TextEncoder().encode("go\n"));
    await go.close();
    await shim.status;
    const left = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(left, ["run.lock", "runs", "shim.sh"], "no run was recorded, nothing ran");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
