/** The live view in a real terminal of 80×24: tmux runs `deno task start`, and tells what is on its screen. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ApiClient, plainClient } from "../http/support/api_client.ts";
import { until, withDataDir } from "../e2e/program.ts";
import { testWith } from "../support/tools.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const SLEEPER = { template: "command", serverConfiguration: { command: ["sleep", "1000"] } };
/** The start of an escape sequence that sets a colour, and not only bold or dim. */
// deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
const COLOR = /\u001b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;|m)/;

interface Terminal {
  call: ApiClient;
  /** The lines on the screen; with `styles`, the escape sequences that made them too. */
  screen(styles?: boolean): Promise<string[]>;
  /** Waits until a line has all of `parts`. */
  line(...parts: string[]): Promise<string>;
  keys(keys: string): Promise<void>;
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
  await withDataDir(async (dataDir) => {
    const socket = `${dataDir}/tmux`;
    const tmux = (...args: string[]) =>
      run("tmux", ["-S", socket, "-u", "-f", "/dev/null", ...args]);
    const given = { ...inherited(), TERM: "screen-256color", LC_ALL: "C.UTF-8", ...environment };
    const start = [
      "env -i",
      ...Object.entries(given).map(([name, value]) => quote(`${name}=${value}`)),
      quote(Deno.execPath()),
      `task --quiet start --port 0 --data-dir ${quote(dataDir)};`,
      // The screen stays, and Ctrl-C is for the program alone.
      "echo exit code $?; trap '' INT; exec sleep 1000",
    ].join(" ");
    await tmux("new-session", "-d", "-x", "80", "-y", "24", "-c", ROOT, start);
    const screen = async (styles = false) =>
      (await tmux("capture-pane", "-p", ...(styles ? ["-e"] : []))).replace(/\n$/, "").split("\n");
    const line = (...parts: string[]) =>
      until(
        `a line with ${parts.join(", ")}`,
        async () => (await screen()).find((text) => parts.every((part) => text.includes(part))),
      );
    const keys = async (names: string) => void await tmux("send-keys", names);
    try {
      const url = /http:\S+/.exec(await line("DRaaS", "http://127.0.0.1:"))?.[0] ?? "";
      const call = plainClient({
        fetch: (request) => fetch(url + new URL(request.url).pathname, request),
      });
      await test({ call, screen, line, keys });
    } catch (error) {
      const shown = (await screen()).join("\n");
      throw new Error(`${(error as Error).message}\n\nOn the screen:\n${shown}`, { cause: error });
    } finally {
      await endPrograms(tmux);
    }
  });
}

/** The program first, so that it leaves its data folder whole; then the terminal. */
async function endPrograms(tmux: (...args: string[]) => Promise<string>): Promise<void> {
  const hasEnded = async () => (await tmux("capture-pane", "-p")).includes("exit code");
  if (!await hasEnded()) await tmux("send-keys", "C-c");
  await until("the end of the program", hasEnded);
  await tmux("kill-server");
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text(stderr)}`);
  return text(stdout);
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "HOME", "DENO_DIR"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
