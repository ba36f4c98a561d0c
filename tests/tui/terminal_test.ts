/** The live view of `deno task start` in a real terminal of 80×24. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ApiClient, plainClient } from "../http/support/api_client.ts";
import { withDataDir } from "../e2e/program.ts";
import { testWith } from "../support/tools.ts";
import { type TaskScreen, withTaskScreen } from "./support/task_screen.ts";

const SLEEPER = { template: "command", serverConfiguration: { command: ["sleep", "1000"] } };
/** The start of an escape sequence that sets a colour, and not only bold or dim. */
// deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
const COLOR = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;|m)/;

interface Terminal extends TaskScreen {
  call: ApiClient;
}

testWith(
  ["tmux"],
  "the live view shows what is created and started, and q leaves servers running",
  () =>
    withTerminal({}, async ({ call, screen, line, keys }) => {
      await line("no instances");
      const { id } =
        (await call("POST /api/server/instances", { body: { name: "web", ...SLEEPER } }))
          .json;
      await line(". Created", "web");
      const started = await call(`POST /api/server/instances/${id}/start`);
      await line("* Running", "web", started.json.runtimeInfo.processId);
      await line("1 Running");
      assert((await screen(true)).some((text) => COLOR.test(text)), "a running row has a colour");
      await keys("q");
      await line("DRaaS has ended. 1 instance runs on");
      await line("exit code 0");
    }),
);

testWith(
  ["tmux"],
  "names from outside and a long fleet stay within 80×24",
  () =>
    withTerminal({}, async ({ call, screen, line }) => {
      const names = [
        "\u001b[2J\u001b[H\u0007evil",
        "日本語".repeat(20),
        "x".repeat(100),
        "👨‍👩‍👧‍👦 family ❤️",
      ];
      for (const name of [...names, ...Array.from({ length: 30 }, (_, n) => `number ${n}`)]) {
        const { status, text } = await call("POST /api/server/instances", {
          body: { name, ...SLEEPER },
        });
        assertEquals(status, 201, text);
      }
      await line("34 Created", "(15 of them below");
      const shown = await screen();
      assertEquals(shown.length, 24);
      assertStringIncludes(shown[0]!, "DRaaS ");
      assertStringIncludes(shown[2]!, "STATUS");
      assertStringIncludes(shown[3]!, "[2J [H evil");
      assertStringIncludes(shown[21]!, "number 14");
      assertStringIncludes(shown[22]!, "q leaves; the servers run on");
      const ages = shown.slice(3, 22).map((text) => /0 {8}\d+s$/.test(text));
      assertEquals(ages, Array(19).fill(true), `columns are in line:\n${shown.join("\n")}`);
    }),
);

testWith(
  ["tmux"],
  "NO_COLOR leaves the colours out, and a signal gives the screen back",
  () =>
    withTerminal({ NO_COLOR: "1" }, async ({ call, screen, line, keys }) => {
      const { id } =
        (await call("POST /api/server/instances", { body: { name: "web", ...SLEEPER } }))
          .json;
      await call(`POST /api/server/instances/${id}/start`);
      await line("* Running", "web");
      const colored = (await screen(true)).filter((text) => COLOR.test(text));
      assertEquals(colored, []);
      await keys("C-c");
      await line("DRaaS has ended. 1 instance runs on");
      assert(!(await screen()).some((text) => text.includes("STATUS")), "the view is gone");
    }),
);

async function withTerminal(
  environment: Record<string, string>,
  test: (terminal: Terminal) => Promise<void>,
): Promise<void> {
  await withDataDir(async (folder) => {
    const task = ["start", "--port", "0", "--data-dir", folder];
    await withTaskScreen({ task, folder, environment }, async (shown) => {
      const url = /http:\S+/.exec(await shown.line("DRaaS", "http://127.0.0.1:"))?.[0] ?? "";
      const call = plainClient({
        fetch: (request) => fetch(url + new URL(request.url).pathname, request),
      });
      await test({ ...shown, call });
    });
  });
}
