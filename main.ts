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
import { statusOf } from "./machines/status.ts";
import { openProcessPlatform } from "./workers/process/process_platform.ts";
import { Worker } from "./workers/worker_loop.ts";

/** The release; also what a worker reports. */
export const VERSION = "0.1.0";

const SLOTS = 64;
/** How long a stop of the program waits for answers that are under way. */
const STOP_PATIENCE_MS = 3_000;

/** Everything that runs, for as long as it runs. */
interface Node {
  system: FleetSystem;
  server: HttpServer;
  dataDir: string;
  /** Stops the parts in the reverse order of their start; servers run on. */
  stop(): Promise<void>;
}

/** Runs the program; gives its exit code. 0: ended as asked; 1: it could not go on; 2: it was called wrongly. */
export async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === "--version" || command === "-V") return say(`draas ${VERSION}`);
  if (
    command === undefined || rest.includes("--help") || command === "--help" || command === "help"
  ) return say(HELP);
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
    await greet(node, tookMs);
    await asked;
  }
  if (settings.stopOnExit) await stopFleet(node.system, settings.commandTimeoutMs);
  const running = await namesOfRunning(node.system);
  await node.stop();
  say(
    running === 0
      ? "DRaaS has ended."
      : `DRaaS has ended. ${running} ${
        running === 1 ? "instance runs" : "instances run"
      } on; \`deno task start\` finds them again.`,
  );
  return 0;
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
    const server = listen(settings, system, undo);
    return {
      system,
      server,
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
  undo: (() => Promise<unknown>)[],
): HttpServer {
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
  undo.push(() => {
    closing.abort();
    return Promise.race([
      server.finished,
      new Promise<void>((resolve) => hostClock.after(STOP_PATIENCE_MS, resolve)),
    ]);
  });
  return server;
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

async function greet({ system, server, dataDir }: Node, tookMs: number): Promise<void> {
  const { instances, durability } = await system.status();
  say(`DRaaS ${VERSION}, ready in ${tookMs} ms`);
  say(`  API    ${server.url}`);
  say(
    `  Data   ${dataDir} (${
      durability === "disk" ? "every answer is on the disk before it is given" : durability
    })`,
  );
  say(`  Fleet  ${instances} ${instances === 1 ? "instance" : "instances"}`);
  say("  Ctrl-C ends DRaaS and leaves the servers running; --stop-on-exit stops them.");
}

async function stopFleet(system: FleetSystem, timeoutMs: number): Promise<void> {
  const { items } = await system.list({ limit: Infinity });
  const running = items.filter((state) =>
    statusOf(state) !== "Created" && statusOf(state) !== "Stopped"
  );
  if (running.length > 0) say(`Stopping ${running.length} instances …`);
  const outcomes = await Promise.all(
    running.map((state) =>
      system.ask(state.context.instanceId, { type: "stop" }, {
        timeoutMs,
        wait: true,
        requestedBy: "exit",
      })
    ),
  );
  const left = outcomes.filter((outcome) => outcome.kind !== "done").length;
  if (left > 0) {
    complain(
      `${left} instances could not be stopped.`,
      "They run on; see their status after the next start.",
      1,
    );
  }
}

async function namesOfRunning(system: FleetSystem): Promise<number> {
  const { items } = await system.list({ limit: Infinity });
  return items.filter((state) => state.value.run === "running").length;
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
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
