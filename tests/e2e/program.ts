/** The real program as a user starts it: `deno task start --headless` in a data folder of its own, taken down afterwards. */
import { type Answer, type ApiClient, plainClient } from "../http/support/api_client.ts";
import { endProcessesOf } from "../support/marked_processes.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Generous: the machine may be busy with something else. */
const LIMIT_MS = 30_000;

/** The program while it runs. */
export interface Program {
  url: string;
  call: ApiClient;
  dataDir: string;
  /** What it has said so far, on both streams. */
  output(): string;
  /** Creates an instance; gives its id, or fails with the API's words. */
  create(body: Record<string, unknown>): Promise<string>;
  /** Ends it as Ctrl-C would; gives the exit code. */
  stop(): Promise<number>;
}

/** What the program is started with. */
export interface StartOptions {
  flags?: readonly string[];
  environment?: Record<string, string>;
  /** By default a temporary folder, removed at the end. */
  dataDir?: string;
}

/** Runs `test` against a program of its own. Servers that it leaves are ended too. */
export async function withProgram(
  test: (program: Program) => Promise<void>,
  options: StartOptions = {},
): Promise<void> {
  await withDataDir(async (dataDir) => {
    const program = await startProgram({ dataDir, ...options });
    try {
      await test(program);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n\nThe program said:\n${program.output()}`, {
        cause: error,
      });
    } finally {
      await program.stop();
    }
  });
}

/** Runs `test` with a temporary data folder; ends what runs in it, and removes it. */
export async function withDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "draas-e2e-" });
  try {
    await test(dataDir);
  } finally {
    const site = await Deno.readTextFile(`${dataDir}/process/site`).catch(() => "");
    if (site.trim() !== "") await endProcessesOf(site.trim());
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Starts the program and waits until it listens. Whoever calls this ends it. */
export async function startProgram(options: StartOptions & { dataDir: string }): Promise<Program> {
  const child = spawn(options);
  const output = collect(child);
  const url = await until("the line with its address", async () => {
    const found = /API\s+(http:\S+)/.exec(output.text)?.[1];
    if (!found && output.isOver) throw new Error(`The program ended: ${output.text}`);
    return found;
  });
  const call = plainClient({
    fetch: (request) =>
      fetch(url + new URL(request.url).pathname + new URL(request.url).search, request),
  });
  let exit: Promise<number> | null = null;
  return {
    url,
    call,
    dataDir: options.dataDir,
    output: () => output.text,
    create: async (body) => idOf(await call("POST /api/server/instances", { body })),
    stop: () => exit ??= endChild(child),
  };
}

/** Runs the program until it ends by itself. */
export async function runProgram(
  options: StartOptions & { dataDir: string },
): Promise<{ code: number; output: string }> {
  const child = spawn(options);
  const output = collect(child);
  const { code } = await child.status;
  await until("the end of its output", async () => output.isOver);
  return { code, output: output.text };
}

/** Waits until `condition` gives something, with a limit. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A port that nobody listens on just now; the wanted one if that is free. */
export function freePort(wanted = 0): number {
  try {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: wanted });
    listener.close();
    return listener.addr.port;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse && wanted !== 0) return freePort();
    throw error;
  }
}

/** The task of `deno.json` itself, with its permissions, and an environment without settings. */
function spawn({ dataDir, flags = [], environment = {} }: StartOptions): Deno.ChildProcess {
  const inherited = ["PATH", "HOME", "DENO_DIR", "TMPDIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const place = flags.some((flag) => flag.startsWith("--port")) ? [] : ["--port", "0"];
  return new Deno.Command(Deno.execPath(), {
    args: [
      "task",
      "--quiet",
      "start",
      "--headless",
      "--data-dir",
      dataDir ?? "",
      ...place,
      ...flags,
    ],
    cwd: ROOT,
    clearEnv: true,
    env: {
      ...Object.fromEntries(inherited),
      NO_COLOR: "1",
      DRAAS_LOG_FORMAT: "text",
      ...environment,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function collect(child: Deno.ChildProcess): { text: string; isOver: boolean } {
  const output = { text: "", isOver: false };
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output.text += text;
  };
  void Promise.all([read(child.stdout), read(child.stderr)]).then(() => output.isOver = true);
  return output;
}

async function endChild(child: Deno.ChildProcess): Promise<number> {
  try {
    child.kill("SIGTERM");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError)) throw error;
  }
  const patience = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  const { code } = await child.status;
  clearTimeout(patience);
  return code;
}

function idOf(answer: Answer): string {
  if (answer.status !== 201) throw new Error(`create answered ${answer.status}: ${answer.text}`);
  return answer.json.id;
}
