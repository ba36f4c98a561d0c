/** The terminal UI in a real terminal: what is seen, what keys do, and how the terminal is given back. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { until, withDataDir } from "../e2e/program.ts";
import { testWith } from "../support/tools.ts";
import { programOf, withRealTerminal } from "./support/real_terminal.ts";

/** The start of an escape sequence that sets a colour, and not only bold or dim. */
// deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
const COLOR = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;|m)/;

testWith(
  ["tmux"],
  "what is created and started elsewhere is seen, and q leaves servers running",
  () =>
    withRealTerminal({}, async ({ call, create, screen, line, keys }) => {
      await line("There are no instances yet.");
      const id = await create("web");
      await line("web", "○ Created");
      await call(`POST /api/server/instances/${id}/start`);
      await line("web", "● Running");
      await line("DRaaS", "● live", "1 Running");
      assert((await screen(true)).some((text) => COLOR.test(text)), "a running row has a colour");
      await keys("q");
      await line("DRaaS has ended. 1 instance runs on");
      await line("exit code 0");
    }),
);

testWith(
  ["tmux"],
  "by keys alone: start, stop, mark, filter, delete with the count typed",
  () =>
    withRealTerminal({ columns: 120, rows: 40 }, async ({ create, line, noLine, keys, type }) => {
      for (const name of ["api", "web-1", "web-2"]) await create(name);
      await line("web-2", "○ Created");
      await keys("s");
      await line("✔ api started");
      await line("api", "● Running");
      await keys("x");
      await line("api", "■ Stopped");
      await keys("/");
      await type("web");
      await line("/web", "2 of 3");
      await keys("Enter", "*", "D");
      await line("Delete 2 instances?");
      await keys("Enter");
      await noLine("Delete 2 instances?");
      await line("web-1", "○ Created");
      await keys("D");
      await line("Delete 2 instances?");
      await type("2");
      await line("[ Delete ]");
      await keys("Enter");
      await line("✔ 2 instances deleted");
      await line("None of the 1 instances matches /web");
      await keys("Escape");
      await line("api", "■ Stopped");
    }),
);

testWith(
  ["tmux"],
  "who has no fleet makes one to play with, starts all of it, and sees one crash and be started again",
  () =>
    withRealTerminal({ columns: 120, rows: 40 }, async ({ line, noLine, keys, type, screen }) => {
      await line(":demo", "creates four programs to play with");
      await keys(":");
      await type("demo");
      await keys("Enter");
      await line("DRaaS", "4 Created");
      await keys("*", "s");
      await line("Start 4 instances?");
      await keys("Tab", "Enter");
      await line("demo-sleeper", "● Running");
      await line("demo-once", "■ Stopped");
      await keys("Escape");
      await noLine("marked");
      await keys("/");
      await type("flaky");
      await until(
        "that it was started again",
        async () => (await screen()).some((text) => /demo-flaky.* v1 +[1-9]\d* /.test(text)),
      );
    }),
);

testWith(
  ["tmux"],
  "names from outside and a long fleet stay within 80×24",
  () =>
    withRealTerminal({}, async ({ create, screen, line, keys }) => {
      const names = [
        "\u001b[2J\u001b[H\u0007evil",
        "日本語".repeat(20),
        "x".repeat(100),
        "👨‍👩‍👧‍👦 family ❤️",
      ];
      for (const name of [...names, ...Array.from({ length: 30 }, (_, n) => `number ${n}`)]) {
        await create(name);
      }
      await line("34 Created");
      const ages = async () => {
        const shown = await screen();
        assertEquals(shown.length, 24);
        assertStringIncludes(shown[0]!, "DRaaS ");
        assertStringIncludes(shown[2]!, "STATE");
        assertStringIncludes(shown[22]!, "? help");
        const rows = shown.slice(3, 20).map((text) => / 0 {3}\d+[smh]/.test(text));
        assertEquals(rows, Array(17).fill(true), `columns are in line:\n${shown.join("\n")}`);
      };
      await line("> [2J [H evil");
      await ages();
      await keys("G");
      await line("> 👨 👩");
      await ages();
    }),
);

testWith(
  ["tmux"],
  "NO_COLOR leaves the colours out, and Ctrl-C gives the screen back",
  () =>
    withRealTerminal({ environment: { NO_COLOR: "1" } }, async (terminal) => {
      const { call, create, screen, line, keys } = terminal;
      const id = await create("web");
      await call(`POST /api/server/instances/${id}/start`);
      await line("web", "● Running");
      assertEquals((await screen(true)).filter((text) => COLOR.test(text)), []);
      await keys("C-c");
      await line("DRaaS has ended. 1 instance runs on");
      assert(!(await screen()).some((text) => text.includes("STATE")), "the screen is given back");
    }),
);

testWith(
  ["tmux"],
  "the screen follows the size of the terminal, also below what it needs",
  () =>
    withRealTerminal({}, async ({ create, screen, line, resize }) => {
      await create("web");
      await line("web", "○ Created");
      for (const [columns, rows] of [[200, 60], [40, 10], [60, 15], [120, 40], [80, 24]] as const) {
        await resize(columns, rows);
        const isTiny = columns < 50;
        await line(...(isTiny ? [`This terminal is ${columns}×${rows}`] : ["> web", "○ Created"]));
        await until("a screen of this size", async () => {
          const shown = await screen();
          const isWhole = isTiny || (shown.at(-2) ?? "").includes("? help");
          return shown.length === rows && isWhole;
        });
      }
    }),
);

testWith(
  ["tmux", "bash"],
  "Ctrl-Z gives the terminal to the shell, and fg comes back to the same screen",
  () =>
    withRealTerminal({ hasShell: true }, async ({ create, line, noLine, keys, type }) => {
      await create("web");
      await line("> web", "○ Created");
      await keys("C-z");
      await line("Stopped");
      await noLine("○ Created");
      await type("fg");
      await keys("Enter");
      await line("> web", "○ Created");
      await keys("s");
      await line("web", "● Running");
    }),
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testWith(
    ["tmux"],
    `${signal} ends the program and gives the terminal back`,
    () =>
      withRealTerminal({}, async ({ line, screen, tmux }) => {
        await line("There are no instances yet.");
        Deno.kill(await programOf(tmux), signal);
        await line("DRaaS has ended.");
        const shown = await screen();
        assert(!shown.some((text) => text.includes("● live")), shown.join("\n"));
        assertEquals(
          (await tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}")).trim(),
          "0 1",
        );
      }),
  );
}

testWith(
  ["tmux"],
  "a frame never clears the whole screen",
  () =>
    withRealTerminal({}, async ({ create, line, keys, tmux, dataDir, call }) => {
      await create("web");
      await line("> web");
      const tape = `${dataDir}/tape`;
      await tmux("pipe-pane", `cat > ${tape}`);
      const id = await create("api");
      await call(`POST /api/server/instances/${id}/start`);
      await line("api", "● Running");
      await keys("j", "k", "?", "Escape", ":", "Escape");
      await line("? help");
      const bytes = await Deno.readTextFile(tape);
      assert(bytes.length > 0, "something was drawn");
      // deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
      assertEquals(bytes.match(/\u001b\[[23]J/g), null);
    }),
);

testWith(
  ["tmux"],
  "the mouse is taken only when it is asked for, and scrolls then",
  () =>
    withRealTerminal({}, async ({ create, line, keys, tmux }) => {
      for (const name of ["a", "b", "c", "d", "e"]) await create(name);
      await line("> a");
      const isTaken = async () =>
        (await tmux("display-message", "-p", "#{mouse_standard_flag}")).trim() === "1";
      assertEquals(await isTaken(), false);
      await keys("C-t");
      await line("The mouse scrolls and chooses");
      assertEquals(await isTaken(), true);
      await tmux("send-keys", "-l", "\u001b[<65;5;5M");
      await line("> d");
      await tmux("send-keys", "-l", "\u001b[<0;5;5M");
      await line("> b");
      await keys("C-c");
      await line("exit code 0");
      assertEquals(await isTaken(), false);
    }),
);

testWith(
  ["tmux"],
  "a terminal that goes away ends the program, and the next one finds what runs",
  async () => {
    await withDataDir(async (dataDir) => {
      let pid = 0;
      await withRealTerminal({ dataDir }, async ({ call, create, line, tmux }) => {
        const id = await create("web");
        await call(`POST /api/server/instances/${id}/start`);
        await line("● Running");
        pid = await programOf(tmux);
        await tmux("kill-server");
        await until("the end of the program", async () => !await isAlive(pid));
      });
      await withRealTerminal({ dataDir }, async ({ line }) => {
        await line("> web", "● Running");
      });
    });
  },
);

async function isAlive(pid: number): Promise<boolean> {
  return await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
}
