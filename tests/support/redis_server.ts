/** A real `redis-server` for tests: a free port, a folder of its own, and the ways in which it can die and come back. */
import { testWith } from "./tools.ts";

/** What a server is started with. */
export interface RedisOptions {
  /** Lines of `redis.conf`; they come after the defaults, so the last one counts: `"appendfsync always"`. */
  config?: readonly string[];
  /** Asked of everyone (`requirepass`); it is in `url`. */
  password?: string;
}

const START_WITHIN_MS = 15_000;
const PORT_TRIES = 5;
/** An append-only file, written out each second, and no snapshots: what DRaaS expects of its Redis. */
const DEFAULTS = [
  "appendonly yes",
  "appendfsync everysec",
  'save ""',
  "maxmemory-policy noeviction",
];

/** One server over one folder and port, with as many lives as a test gives it. */
export class RedisServer {
  readonly folder: string;
  readonly #options: RedisOptions;
  #port = 0;
  #child: Deno.ChildProcess | null = null;

  private constructor(folder: string, options: RedisOptions) {
    this.folder = folder;
    this.#options = options;
  }

  /** Starts a server and waits until it answers. Whoever calls this calls `close`. */
  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(await Deno.makeTempDir({ prefix: "draas-redis-" }), options);
    for (let tries = 1;; tries++) {
      try {
        server.#port = freePort();
        await server.restart();
        return server;
      } catch (error) {
        // Somebody else may have taken the port in between.
        if (tries < PORT_TRIES && server.log().includes("Address already in use")) continue;
        await server.close();
        throw error;
      }
    }
  }

  get port(): number {
    return this.#port;
  }

  /** `redis://…` with the password, if there is one. */
  get url(): string {
    const { password } = this.#options;
    const secret = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    return `redis://${secret}127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** What it has logged in all its lives. */
  log(): string {
    try {
      return Deno.readTextFileSync(`${this.folder}/redis.log`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /** Begins a new life over the same folder and port; waits until it has loaded its data and answers. */
  async restart(): Promise<void> {
    if (this.#child) throw new Error("the server runs; stop or kill it first");
    const child = new Deno.Command("redis-server", {
      args: ["-"],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let hasEnded = false;
    void child.status.then(() => hasEnded = true);
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode(`${this.#configuration().join("\n")}\n`));
    await input.close();
    const end = performance.now() + START_WITHIN_MS;
    while (await this.#pingFails()) {
      if (!hasEnded && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      await this.kill();
      throw new Error(`redis-server did not start:\n${this.log()}`);
    }
  }

  /** Ends it as an operator would: everything is written out. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** It stays connected and answers nothing, until `thaw`. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** How many bytes of commands it has appended since its file was last rewritten. */
  async appendOnlyFileBytes(): Promise<number> {
    // While a sync of the file is under way, Redis answers before it writes.
    while (
      this.#child && !/^aof_buffer_length:0\r?$/m.test(await this.cli("INFO", "persistence"))
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return Deno.statSync(this.#appendOnlyFile()).size;
  }

  /** Loses the end of what it had appended, as a disk may at a power failure. It must not run. */
  cutAppendOnlyFile(bytes: number): void {
    if (this.#child) throw new Error("a server that runs does not notice; stop or kill it first");
    const path = this.#appendOnlyFile();
    Deno.truncateSync(path, Math.max(0, Deno.statSync(path).size - bytes));
  }

  /** One command by `redis-cli`, over the server's own socket; gives what that prints. */
  async cli(...args: string[]): Promise<string> {
    const { password } = this.#options;
    const { code, stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-s", `${this.folder}/socket`, "-e", ...args],
      env: password === undefined ? {} : { REDISCLI_AUTH: password },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stdout).trim();
    if (code === 0) return said;
    throw new Error(`redis-cli ${args[0]}: ${said}${new TextDecoder().decode(stderr)}`);
  }

  /** Ends it and removes its folder. */
  async close(): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #configuration(): string[] {
    const { config = [], password } = this.#options;
    return [
      "bind 127.0.0.1",
      `port ${this.port}`,
      `unixsocket ${this.folder}/socket`,
      `dir ${this.folder}`,
      `logfile ${this.folder}/redis.log`,
      ...DEFAULTS,
      ...(password === undefined ? [] : [`requirepass ${JSON.stringify(password)}`]),
      ...config,
    ];
  }

  /** While it loads its data it answers with an error. */
  async #pingFails(): Promise<boolean> {
    try {
      return await this.cli("PING") !== "PONG";
    } catch {
      return true;
    }
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (!child) return;
    try {
      // A frozen one would keep a SIGTERM for later.
      child.kill("SIGCONT");
      child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await child.status;
    this.#child = null;
  }

  #appendOnlyFile(): string {
    const folder = `${this.folder}/appendonlydir`;
    const files = [...Deno.readDirSync(folder)].map(({ name }) => name)
      .filter((name) => name.endsWith(".incr.aof"));
    // The newest of them: names carry a number that grows with each rewrite.
    const numberOf = (name: string) => Number(/\.(\d+)\.incr\.aof$/.exec(name)?.[1] ?? 0);
    const newest = files.sort((a, b) => numberOf(b) - numberOf(a))[0];
    if (newest === undefined) throw new Error("the server keeps no append-only file");
    return `${folder}/${newest}`;
  }
}

/** Runs `test` against a server of its own. */
export async function withRedisServer(
  test: (server: RedisServer) => Promise<void>,
  options: RedisOptions = {},
): Promise<void> {
  const server = await RedisServer.start(options);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** Registers a test against a server of its own; skipped with a reason where there is no Redis, a failure in CI. */
export function testWithRedis(
  name: string,
  run: (server: RedisServer) => Promise<void>,
  options: RedisOptions = {},
): void {
  testWith(["redis-server", "redis-cli"], name, () => withRedisServer(run, options));
}

/** A port that nobody listens on at the moment. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}
