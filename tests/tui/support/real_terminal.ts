/** A task of `deno.json` in a real terminal: tmux runs it, sends it keys, and tells what is on its screen. */
import { type ApiClient, plainClient } from "../../http/support/api_client.ts";
import { until, withDataDir } from "../../e2e/program.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** A task on a screen. */
export interface TaskScreen {
  /** The lines on the screen; with `styles`, the escape sequences that made them too. */
  screen(styles?: boolean): Promise<string[]>;
  /** Waits until a line has all of `parts`. */
  line(...parts: string[]): Promise<string>;
  /** Waits until no line has `part`. */
  noLine(part: string): Promise<unknown>;
  /** By tmux's names: `j`, `C-c`, `Enter`, `Escape`, `Down`. One after the other. */
  keys(...names: string[]): Promise<void>;
  /** As if typed, character by character. */
  type(text: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  tmux: Tmux;
}

/** `deno task start` on a screen. */
export interface RealTerminal extends TaskScreen {
  call: ApiClient;
  url: string;
  dataDir: string;
  /** Creates an instance that sleeps; gives its id. */
  create(name: string, fields?: Record<string, unknown>): Promise<string>;
}

export interface TerminalOptions {
  columns?: number;
  rows?: number;
  environment?: Record<string, string>;
  /** One that is there already; by default one of its own. */
  dataDir?: string;
  /** Starts it from an interactive shell, to which it can go back. */
  hasShell?: boolean;
}

/** The screen stays, and Ctrl-C is for the program alone. */
const AFTERWARDS = "echo exit code $?; trap '' INT; exec sleep 1000";

/** A program that does nothing for a long time. */
export const SLEEPER = {
  template: "command",
  serverConfiguration: { command: ["sleep", "1000"] },
};

/** Runs `test` with the program on the screen, and takes all of it down. */
export async function withRealTerminal(
  options: TerminalOptions,
  test: (terminal: RealTerminal) => Promise<void>,
): Promise<void> {
  if (options.dataDir !== undefined) return await withTerminalOn(options.dataDir, options, test);
  await withDataDir((dataDir) => withTerminalOn(dataDir, options, test));
}

async function withTerminalOn(
  dataDir: string,
  options: TerminalOptions,
  test: (terminal: RealTerminal) => Promise<void>,
): Promise<void> {
  const task = ["start", "--port", "0", "--data-dir", dataDir];
  await withTaskScreen({ ...options, task, folder: dataDir }, async (screen) => {
    const url = await until("the address of the API", () => addressOf(screen.tmux));
    await test(terminalOf({ ...screen, url, dataDir }));
  });
}

/** Runs `deno task <task>` for as long as `test` takes; `folder` is for the terminal's own file. */
export async function withTaskScreen(
  { columns = 80, rows = 24, environment = {}, hasShell = false, task, folder }:
    & Omit<TerminalOptions, "dataDir">
    & { task: readonly string[]; folder: string },
  test: (screen: TaskScreen) => Promise<void>,
): Promise<void> {
  const socket = `${folder}/tmux`;
  const tmux: Tmux = (...args) => run("tmux", ["-S", socket, "-u", "-f", "/dev/null", ...args]);
  const given = { ...inherited(), TERM: "screen-256color", LC_ALL: "C.UTF-8", ...environment };
  const start = startCommand(given, task);
  const first = hasShell ? "exec bash --norc" : `${start}; ${AFTERWARDS}`;
  await tmux("new-session", "-d", "-x", `${columns}`, "-y", `${rows}`, "-c", ROOT, first);
  if (hasShell) await tmux("send-keys", start, "Enter");
  const screen = screenOf(tmux);
  try {
    await test(screen);
  } catch (error) {
    const shown = await screen.screen().catch(() => ["there is no terminal any more"]);
    const message = `${(error as Error).message}\n\nOn the screen:\n${shown.join("\n")}`;
    throw new Error(message, { cause: error });
  } finally {
    if (await isThere(tmux)) await endPrograms(tmux, hasShell);
  }
}

/** The id of the program itself, which is the youngest `deno` in the terminal. */
export async function programOf(tmux: Tmux): Promise<number> {
  let pid = Number((await tmux("display-message", "-p", "#{pane_pid}")).trim());
  for (;;) {
    const children = (await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`)).trim();
    const next = Number(children.split(" ")[0]);
    if (!next || (await Deno.readTextFile(`/proc/${next}/comm`)).trim() !== "deno") return pid;
    pid = next;
  }
}

async function isThere(tmux: Tmux): Promise<boolean> {
  return await tmux("has-session").then(() => true, () => false);
}

/** Runs a command of tmux on this terminal; gives what it prints. */
export type Tmux = (...args: string[]) => Promise<string>;

function terminalOf(
  screen: TaskScreen & Pick<RealTerminal, "url" | "dataDir">,
): RealTerminal {
  const call = plainClient({
    fetch: (request) =>
      fetch(screen.url + new URL(request.url).pathname + new URL(request.url).search, request),
  });
  return {
    ...screen,
    call,
    create: async (name, fields = {}) => {
      const answer = await call("POST /api/server/instances", {
        body: { name, ...SLEEPER, ...fields },
      });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json.id;
    },
  };
}

function screenOf(tmux: Tmux): TaskScreen {
  const screen = async (styles = false) =>
    (await tmux("capture-pane", "-p", ...(styles ? ["-e"] : []))).replace(/\n$/, "").split("\n");
  return {
    tmux,
    screen,
    line: (...parts) =>
      until(
        `a line with ${parts.join(", ")}`,
        async () => (await screen()).find((text) => parts.every((part) => text.includes(part))),
      ),
    noLine: (part) =>
      until(
        `no line with ${part}`,
        async () => !(await screen()).some((text) => text.includes(part)),
      ),
    keys: async (...names) => {
      for (const name of names) await tmux("send-keys", name);
    },
    type: async (text) => void await tmux("send-keys", "-l", text),
    resize: async (columns, rows) =>
      void await tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`),
  };
}

function startCommand(environment: Record<string, string>, task: readonly string[]): string {
  return [
    "env -i",
    ...Object.entries(environment).map(([name, value]) => quote(`${name}=${value}`)),
    quote(Deno.execPath()),
    `task --quiet ${task.map(quote).join(" ")}`,
  ].join(" ");
}

/** It is on the title line while the fleet is small. */
async function addressOf(tmux: Tmux): Promise<string | undefined> {
  return /http:\/\/127\.0\.0\.1:\d+/.exec(await tmux("capture-pane", "-p"))?.[0];
}

/** The program first, so that it leaves its data folder whole; then the terminal. */
async function endPrograms(tmux: Tmux, hasShell: boolean): Promise<void> {
  const words = hasShell ? "DRaaS has ended" : "exit code";
  const hasEnded = async () => (await tmux("capture-pane", "-p")).includes(words);
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
