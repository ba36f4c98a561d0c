/** The world of the stand-in's tests: starts the real program in a folder of its own, and ends it. */
import { assert } from "@std/assert";

const ENTRY = new URL("../../workers/templates/stand_in/main.ts", import.meta.url).pathname;
const LIMIT_MS = 15_000;

/** A configuration with components that start by themselves and others that don't. */
export const COMPONENTS = `
id: inst-1
sources:
  - { kind: mock, id: sensors }
  - { kind: mock, id: idle, autoStart: false }
queries:
  - { id: readings, query: "MATCH (n) RETURN n", autoStart: true, sources: [{ sourceId: sensors }] }
  - { id: lazy, query: "MATCH (n) RETURN n" }
reactions:
  - { kind: log, id: console, queries: [readings] }
`;

/** Fails unless `text` has all `parts`, each after the one before. */
export function assertInOrder(text: string, parts: readonly string[]): void {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    assert(at >= 0, `expected ${JSON.stringify(part)} in its place in:\n${text}`);
    from = at + part.length;
  }
}

/** Waits until `isSo`, with a limit; `what` names it in the failure. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + LIMIT_MS;
  while (!(await isSo())) {
    assert(Date.now() < deadlineMs, `waited ${LIMIT_MS} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a server answers its health route within half a second. */
export async function answers(url: string): Promise<boolean> {
  return (await healthOf(url)) !== null;
}

/** Whether something listens on `port`. */
export async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionRefused);
    return false;
  }
}

async function healthOf(url: string): Promise<Response | null> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(500) });
    return new Response(await response.text(), response);
  } catch (error) {
    assert(error instanceof Error);
    return null;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function inherited(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** How the stand-in is started; by default with a small valid file and its own port. */
export interface LaunchSettings {
  /** The file's text; null for no file, in a folder that isn't there either. */
  config?: string | null;
  port?: number;
  dotEnv?: string;
  environment?: Record<string, string>;
  /** False leaves `--config` away. */
  hasConfigFlag?: boolean;
  /** False leaves `--port` away. */
  hasPortFlag?: boolean;
  /** Leaves stdout unread until `read()`. */
  isReadLater?: boolean;
  /** What is run in the stand-in's place. */
  binary?: string | null;
}

/** A stand-in that was started. Waits have a limit; disposal kills it and removes its folder. */
export interface Launched extends AsyncDisposable {
  url: string;
  port: number;
  configPath: string;
  /** Begins to read stdout. */
  read(): void;
  stdout(): string;
  stderr(): string;
  signal(name: Deno.Signal): void;
  /** Waits until stdout contains `text`. */
  says(text: string): Promise<void>;
  /** Waits for the first answer of `/health`; fails when the process ends before it. */
  health(): Promise<Response>;
  /** Waits for the exit and the end of both streams. */
  ended(): Promise<{ success: boolean; code: number; signal: Deno.Signal | null }>;
}

/** Starts the real program in a temporary folder. */
export async function launch(
  flags: readonly string[],
  settings: LaunchSettings = {},
): Promise<Launched> {
  const folder = await Deno.makeTempDir();
  const port = settings.port ?? freePort();
  const configPath = await writeFiles(folder, settings);
  const child = spawn(folder, [
    ...flags,
    ...(settings.hasConfigFlag === false ? [] : ["--config", configPath]),
    ...(settings.hasPortFlag === false ? [] : ["--port", String(port)]),
  ], settings);
  return launched(child, { folder, port, configPath, isReadLater: settings.isReadLater ?? false });
}

async function writeFiles(folder: string, settings: LaunchSettings): Promise<string> {
  if (settings.dotEnv !== undefined) await Deno.writeTextFile(`${folder}/.env`, settings.dotEnv);
  if (settings.config === null) return `${folder}/new/server.yaml`;
  const config = settings.config ?? "id: inst-1\n";
  // Tests don't listen beyond this machine.
  const hostLine = /\bhost"?:/.test(config) ? "" : "host: 127.0.0.1\n";
  await Deno.writeTextFile(`${folder}/server.yaml`, hostLine + config);
  return `${folder}/server.yaml`;
}

function spawn(
  folder: string,
  flags: readonly string[],
  { environment = {}, binary = null }: LaunchSettings,
): Deno.ChildProcess {
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];
  const standIn = ["run", "--no-prompt", ...permissions, ENTRY];
  return new Deno.Command(binary ?? Deno.execPath(), {
    args: [...(binary === null ? standIn : []), ...flags],
    cwd: folder,
    // Settings of the developer's own shell must not reach the server; Deno needs its cache.
    clearEnv: true,
    env: { ...inherited("PATH", "HOME", "DENO_DIR"), NO_COLOR: "1", ...environment },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

function launched(
  child: Deno.ChildProcess,
  run: { folder: string; port: number; configPath: string; isReadLater: boolean },
): Launched {
  const collected = { stdout: "", stderr: "" };
  const collect = async (name: "stdout" | "stderr") => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      collected[name] += text;
    }
  };
  const reads = [collect("stderr")];
  let isRead = false;
  const read = () => {
    isRead = true;
    reads.push(collect("stdout"));
  };
  if (!run.isReadLater) read();
  let status: Deno.CommandStatus | null = null;
  const exit = child.status.then((ended) => status = ended);
  const url = `http://127.0.0.1:${run.port}`;
  return {
    url,
    port: run.port,
    configPath: run.configPath,
    read,
    stdout: () => collected.stdout,
    stderr: () => collected.stderr,
    signal: (name) => child.kill(name),
    says: (text) =>
      until(`the line ${text}`, () => Promise.resolve(collected.stdout.includes(text))),
    async health() {
      let response: Response | null = null;
      await until("health", async () => {
        assert(status === null, `the server ended early: ${collected.stderr}`);
        response = await healthOf(url);
        return response !== null;
      });
      return response!;
    },
    async ended() {
      await until("the exit", () => Promise.resolve(status !== null));
      await Promise.all(reads);
      const { success, code, signal } = await exit;
      return { success, code, signal };
    },
    async [Symbol.asyncDispose]() {
      if (status === null) child.kill("SIGKILL");
      await exit;
      if (!isRead) await child.stdout.cancel();
      await Promise.all(reads);
      await Deno.remove(run.folder, { recursive: true });
    },
  };
}
