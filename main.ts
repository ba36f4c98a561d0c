/** The composition root: picks the adapters, wires them, starts them, and stops them in reverse order. Design §7. */
import { openInstanceSystem } from "./actors/instance_system.ts";
import type { FleetSystem } from "./actors/instance_system.ts";
import { hostIds, hostRandomness, idFromKey, nextTurn } from "./adapters/host/host_chance.ts";
import { hostClock } from "./adapters/host/host_clock.ts";
import type { EmbeddedBroker } from "./adapters/embedded/embedded_broker.ts";
import { openSqliteBroker } from "./adapters/sqlite/sqlite_broker.ts";
import { HELP, inheritedEnvironment, parseSettings, readGiven, type Settings } from "./config.ts";
import { OperationalError, reasonOf } from "./events/errors.ts";
import { createHttpApp } from "./http/app.ts";
import { type HttpServer, serveHttp } from "./http/server.ts";
import { farewell, greeting, stopFleet } from "./program.ts";
import { openProcessPlatform } from "./workers/process/process_platform.ts";
import { Worker } from "./workers/worker_loop.ts";

/** The release; also what a worker reports. */
export const VERSION = "0.1.0";

const HELP_WORDS: readonly string[] = ["--help", "-h", "help"];
const SLOTS = 64;
/** How long a stop of the program waits for answers that are under way. */
const STOP_PATIENCE_MS = 3_000;
/** Signals that come within this time are one. */
const SAME_SIGNAL_MS = 500;

/** Everything that runs, for as long as it runs. */
interface Node {
  system: FleetSystem;
  server: HttpServer;
  dataDir: string;
  /** No more requests: what is under way is answered, as far as there is time. */
  closeApi(): Promise<void>;
  /** Stops the parts in the reverse order of their start; servers run on. */
  stop(): Promise<void>;
}

/** Runs the program; gives its exit code. 0: ended as asked; 1: it could not go on; 2: it was called wrongly. */
export async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (args.some((arg) => arg === "--version" || arg === "-V")) return say(`draas ${VERSION}`);
  if (command === undefined || args.some((arg) => HELP_WORDS.includes(arg))) return say(HELP);
  if (command !== "start") {
    return complain(
      `There is no command ${JSON.stringify(command)}.`,
      "The command is start; see --help.",
      2,
    );
  }
  const given = readGiven(rest);
  const settings = parseSettings(given);
  if (!settings.ok) {
    for (const { path, message } of settings.faults) complain(`${path}: ${message}`, "", 2);
    return 2;
  }
  try {
    return await start(settings.value, given.environment);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return complain(error.message, error.hint, 1);
  }
}

async function start(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const startedAt = hostClock.monotonic();
  const node = await openNode(settings, environment);
  const tookMs = Math.round(hostClock.monotonic() - startedAt);
  const asked = untilSignal();
  if (!settings.headless && Deno.stdout.isTerminal() && Deno.stdin.isTerminal()) {
    const { showLiveView } = await import("./tui/live_view.tsx");
    const hasColor = (environment.NO_COLOR ?? "") === "";
    const view = showLiveView({
      system: node.system,
      clock: hostClock,
      url: node.server.url,
      version: VERSION,
      hasColor,
    });
    await Promise.race([view.left, asked]);
    await view.close();
  } else {
    const { server: { url }, dataDir } = node;
    say(greeting(await node.system.status(), { version: VERSION, tookMs, url, dataDir }));
    await asked;
  }
  endAtNextSignal();
  const left = settings.stopOnExit ? await stopAll(node, settings) : 0;
  const words = await farewell(node.system, node.dataDir);
  await node.stop();
  say(words);
  return left > 0 ? 1 : 0;
}

/** The API goes first: a start that came later would be left running. */
async function stopAll(node: Node, { queueTimeoutMs }: Settings): Promise<number> {
  await node.closeApi();
  const voice = { say, complain: (message: string, hint: string) => complain(message, hint, 1) };
  return await stopFleet({
    system: node.system,
    clock: hostClock,
    voice,
    timeoutMs: queueTimeoutMs,
  });
}

async function openNode(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<Node> {
  const broker = openSqliteBroker({
    folder: `${settings.dataDir}/log`,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: endAtOnce,
  });
  hostClock.neverBefore(broker.newestAt);
  const undo: (() => Promise<unknown>)[] = [() => broker.close()];
  try {
    const worker = await openWorker(settings, environment, broker);
    const system = await openInstanceSystem({
      ...broker,
      clock: hostClock,
      ids: hostIds,
      randomness: hostRandomness,
      nodeId: hostIds.next("incarnation"),
      queueTimeoutMs: settings.queueTimeoutMs,
      deriveId: (key) => idFromKey(settings.namespace, key),
      onBug: tellBug,
    });
    undo.push(() => system.shutdown());
    await worker.start();
    undo.push(() => worker.stop(STOP_PATIENCE_MS));
    const { server, close } = listen(settings, system);
    undo.push(close);
    return {
      system,
      server,
      closeApi: close,
      dataDir: Deno.realPathSync(settings.dataDir),
      stop: () => undoAll(undo),
    };
  } catch (error) {
    await undoAll(undo);
    throw error;
  }
}

async function openWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  broker: EmbeddedBroker,
): Promise<Worker> {
  const platform = await openProcessPlatform({
    dataFolder: `${settings.dataDir}/process`,
    clock: hostClock,
    ids: hostIds,
    hostEnvironment: inheritedEnvironment(environment),
    drasiServer: {
      drasiServerBin: settings.drasiServerBin,
      standIn: settings.standIn,
      standInCommand: standInCommand(),
    },
  });
  const channel = broker.workerChannel({
    workerId: `embedded-${platform.site}`,
    platform: platform.name,
    site: platform.site,
    incarnation: hostIds.next("incarnation"),
    machineId: platform.site,
    slots: SLOTS,
    version: VERSION,
    labels: {},
  });
  return new Worker({
    channel,
    platform,
    clock: hostClock,
    ids: hostIds,
    slots: SLOTS,
    onBug: tellBug,
    onStranger: ({ instanceId, processId }) =>
      complain(
        `The server of instance ${instanceId} (process ${processId}) runs here, and the log does not know it.`,
        "The log was lost, or an older copy was put back. The server is left alone: put the newer log back, or end it.",
        1,
      ),
    onSuperseded: () =>
      complain("Another worker has taken over this data folder.", "Start one at a time.", 1),
  });
}

function listen(
  settings: Settings,
  system: FleetSystem,
): { server: HttpServer; close(): Promise<void> } {
  const closing = new AbortController();
  const app = createHttpApp({
    system,
    token: settings.apiToken,
    clock: hostClock,
    ids: hostIds,
    onBug: tellBug,
    allowedHosts: settings.apiToken === null ? [] : null,
    defaultTimeoutMs: settings.commandTimeoutMs,
    queueTimeoutMs: settings.queueTimeoutMs,
    version: VERSION,
    closing: closing.signal,
  });
  const server = serveHttp(app, {
    hostname: settings.host,
    port: settings.port,
    signal: closing.signal,
  });
  const finish = () => {
    closing.abort();
    return Promise.race([
      server.finished,
      new Promise<void>((resolve) => hostClock.after(STOP_PATIENCE_MS, resolve)),
    ]);
  };
  let closed: Promise<void> | null = null;
  return { server, close: () => closed ??= finish() };
}

async function undoAll(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

/** The built-in stand-in, run by this very Deno with its least permissions. */
function standInCommand(): string[] {
  const entry = new URL("./workers/templates/stand_in/main.ts", import.meta.url);
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];
  return [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--quiet",
    ...permissions,
    decodeURIComponent(entry.pathname),
  ];
}

function untilSignal(): Promise<void> {
  return new Promise(onSignal);
}

/** Whoever asks again does not want to wait. What is in the log is safe: it is as after a crash. */
function endAtNextSignal(): void {
  const since = hostClock.monotonic();
  onSignal(() => {
    // `deno task` hands on what the terminal has sent to both: one Ctrl-C comes twice.
    if (hostClock.monotonic() - since < SAME_SIGNAL_MS) return;
    complain(
      "Ended at once, as it was asked again.",
      "What runs goes on; `deno task start` finds it again.",
      1,
    );
    Deno.exit(1);
  });
}

function onSignal(run: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, run);
}

function endAtOnce(error: OperationalError): never {
  complain(error.message, error.hint, 1);
  Deno.exit(1);
}

function tellBug(error: unknown): void {
  complain(
    `A fault in DRaaS itself: ${reasonOf(error)}`,
    "Please report it, with what you did before.",
    1,
  );
}

const encoder = new TextEncoder();

function say(text: string): number {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
  return 0;
}

function complain(message: string, hint: string, exitCode: number): number {
  Deno.stderr.writeSync(encoder.encode(`draas: ${message}\n${hint ? `  ${hint}\n` : ""}`));
  return exitCode;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
