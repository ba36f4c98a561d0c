/** The process platform needs no more rights than its task gives it. */
import { assertEquals } from "@std/assert";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { isRunning, shell, withWorld } from "./process_world.ts";

for (
  const [what, probe] of Object.entries({
    "over HTTP": { http: { path: "/" } },
    "by a program": { command: ["true"] },
  })
) {
  Deno.test(`a worker that may run nothing but sh and setsid starts a server, probes it ${what}, and leaves it`, () =>
    withWorld(async ({ dataFolder, platform }) => {
      const script = new URL("./worker_process.ts", import.meta.url).pathname;
      const configuration = shell(
        `exec '${Deno.execPath()}' eval "Deno.serve({port: \${PORT:-0}}, () => new Response('ok'))"`,
        { readiness: probe, env: { LD_LIBRARY_PATH: "/opt/lib" } },
      );
      const worker = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          "--allow-read",
          `--allow-write=${dataFolder}`,
          "--allow-net=127.0.0.1",
          "--allow-env=PATH",
          "--allow-run=sh,setsid",
          script,
          dataFolder,
          JSON.stringify(configuration),
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const reader = worker.stdout.getReader();
      const { value } = await reader.read();
      const info: RuntimeInfo = JSON.parse(new TextDecoder().decode(value));
      worker.kill("SIGKILL");
      await worker.status;
      await reader.cancel();
      assertEquals(await isRunning(info.processId), true);
      assertEquals(await platform.inventory(), [info]);
    }));
}
