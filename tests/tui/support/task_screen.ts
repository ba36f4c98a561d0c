/** A task of `deno.json` in a real terminal of 80×24: tmux runs it, and tells what is on its screen. */
import { until } from "../../e2e/program.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** A task on a screen. */
export interface TaskScreen {
  /** The lines on the screen; with `styles`, the escape sequences that made them too. */
  screen(styles?: boolean): Promise<string[]>;
  /** Waits until a line has all of `parts`. */
  line(...parts: string[]): Promise<string>;
  keys(keys: string): Promise<void>;
}

/** Runs `deno task <task>` for as long as `test` takes; `folder` is for the terminal's own file. */
export async function withTaskScreen(
  { task, folder, environment = {} }: {
    task: readonly string[];
    folder: string;
    environment?: Readonly<Record<string, string>>;
  },
  test: (screen: TaskScreen) => Promise<void>,
): Promise<void> {
  const socket = `${folder}/tmux`;
  const tmux = (...args: string[]) => run("tmux", ["-S", socket, "-u", "-f", "/dev/null", ...args]);
  const given = { ...inherited(), TERM: "screen-256color", LC_ALL: "C.UTF-8", ...environment };
  const start = [
    "env -i",
    ...Object.entries(given).map(([name, value]) => quote(`${name}=${value}`)),
    quote(Deno.execPath()),
    `task --quiet ${task.map(quote).join(" ")};`,
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
    await test({ screen, line, keys });
  } catch (error) {
    const shown = (await screen()).join("\n");
    throw new Error(`${(error as Error).message}\n\nOn the screen:\n${shown}`, { cause: error });
  } finally {
    await endPrograms(tmux);
  }
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
