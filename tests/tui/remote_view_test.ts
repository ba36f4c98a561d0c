/** The terminal UI of another process's fleet, over HTTP, in a real terminal: also while that one ends and begins anew. */
import { until } from "../e2e/program.ts";
import { withProgram } from "../e2e/support/control_plane.ts";
import { testWith } from "../support/tools.ts";
import { SLEEPER, withTaskScreen } from "./support/real_terminal.ts";

testWith(
  ["tmux"],
  "the fleet at a URL is shown as it changes, kept while nobody answers, and shown on by the next control plane",
  () =>
    withProgram(async (world) => {
      const first = await world.start();
      const url = await first.ready();
      await first.call("POST /api/server/instances", { name: "web", ...SLEEPER });
      const screen = { task: ["tui"], folder: world.folder, environment: { DRAAS_URL: url } };
      await withTaskScreen(screen, async ({ line, keys, screen }) => {
        await line("DRaaS", url);
        await line("web", "○ Created");
        await first.call("POST /api/server/instances", { name: "cache", ...SLEEPER });
        await line("cache", "○ Created");

        await first.end("SIGTERM");
        await line("◌ reconnecting, stale for");
        await line("what is shown may be old:");
        await line("cache", "○ Created");

        const port = new URL(url).port;
        const second = await world.start("--port", port);
        await second.call("POST /api/server/instances", { name: "later", ...SLEEPER });
        await line("later", "○ Created");
        await line("3 Created");
        await until("it is heard again", async () => (await screen())[0]!.includes("● live"));
        await keys("q");
        await line("exit code 0");
      });
    }),
);
