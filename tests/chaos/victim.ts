/**
 * The control plane that is to be killed: the production parts of `main.ts`, with kill points around their ports.
 * Told what to do by lines of JSON on its standard input; its end is the end of its parent's.
 */
import { FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { EmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { hostIds, hostRandomness, idFromKey, nextTurn } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../../adapters/sqlite/sqlite_broker.ts";
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { reasonOf } from "../../events/errors.ts";
import { createHttpApp } from "../../http/app.ts";
import { serveHttp } from "../../http/server.ts";
import { openProcessPlatform } from "../../workers/process/process_platform.ts";
import { Worker } from "../../workers/worker_loop.ts";
import { type Armed, Trigger } from "./kill_points.ts";
import {
  disarmShim,
  killingChannel,
  killingLog,
  killingPlatform,
  makeShimTools,
} from "./killing_ports.ts";

/** What the victim is told, one line each. */
export type VictimOrder =
  /** Open the data folder and serve; until then it only stands by. */
  | { open: { dataFolder: string; tools: string }; armed: Armed | null }
  | { arm: Armed }
  /** Say what the log holds after a position. */
  | { report: Position }
  | { end: true };

/** What the victim says, one line each. */
export type VictimWord =
  | { ready: { url: string; site: string; tookMs: number } }
  | { report: VictimReport }
  /** What only a fault in the program can bring about. */
  | { bug: string };

/** The log's next events, and the commands in hand at the very same instant if there are no more events. */
export interface VictimReport {
  events: RecordedEvent[];
  inHand: string[];
}

const SLOTS = 64;
const REPORT_EVENTS = 5_000;

const trigger = new Trigger(() => {
  Deno.kill(Deno.pid, "SIGKILL");
  // The signal is on its way; not one more line of the program may run.
  for (;;);
});

async function open(
  { dataFolder, tools }: { dataFolder: string; tools: string },
): Promise<{ broker: EmbeddedBroker; end: () => Promise<void> }> {
  const startedAt = performance.now();
  makeShimTools(tools);
  disarmShim(tools);
  const broker = openSqliteBroker({
    folder: `${dataFolder}/log`,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => bug(error),
  });
  const { worker, site } = await openWorker(dataFolder, tools, broker);
  const system = await openSystem(broker);
  await worker.start();
  const closing = new AbortController();
  const server = serveHttp(appOf(system, closing.signal), {
    hostname: "127.0.0.1",
    port: 0,
    signal: closing.signal,
  });
  say({ ready: { url: server.url, site, tookMs: Math.round(performance.now() - startedAt) } });
  const end = async () => {
    closing.abort();
    await Promise.race([server.finished, new Promise((done) => setTimeout(done, 3_000))]);
    await worker.stop(3_000);
    await system.shutdown();
    await broker.close();
  };
  return { broker, end };
}

function openSystem(broker: EmbeddedBroker): Promise<FleetSystem> {
  return openInstanceSystem({
    ...broker,
    log: killingLog(broker.log, trigger),
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: hostIds.next("incarnation"),
    queueTimeoutMs: 600_000,
    deriveId: (key) => idFromKey("default", key),
    onBug: bug,
  });
}

async function openWorker(dataFolder: string, tools: string, broker: EmbeddedBroker) {
  const path = Deno.env.get("PATH") ?? "";
  const platform = await openProcessPlatform({
    dataFolder: `${dataFolder}/process`,
    clock: hostClock,
    ids: hostIds,
    hostEnvironment: { PATH: `${tools}:${path}` },
    drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
  });
  const openChannel = () =>
    broker.workerChannel({
      workerId: `embedded-${platform.site}`,
      platform: platform.name,
      site: platform.site,
      incarnation: hostIds.next("incarnation"),
      machineId: platform.site,
      slots: SLOTS,
      version: "chaos",
      labels: {},
    });
  const worker = new Worker({
    openChannel: () => killingChannel(openChannel(), trigger),
    platform: killingPlatform(platform, trigger, tools),
    clock: hostClock,
    ids: hostIds,
    slots: SLOTS,
    onBug: bug,
    onStranger: ({ instanceId }) => bug(`${instanceId} runs here and is newer than the log`),
    onSuperseded: () => bug("superseded, though nobody else uses this data folder"),
  });
  return { worker, site: platform.site };
}

function appOf(system: FleetSystem, closing: AbortSignal) {
  return createHttpApp({
    system,
    tokens: null,
    clock: hostClock,
    ids: hostIds,
    onBug: bug,
    allowedHosts: [],
    defaultTimeoutMs: 10_000,
    queueTimeoutMs: 600_000,
    version: "chaos",
    deriveId: (key) => idFromKey("default", key),
    closing,
  });
}

async function report({ log, bus }: EmbeddedBroker, after: Position): Promise<VictimReport> {
  // Both are asked for in one turn of the event loop: nothing is committed in between.
  const [events, inFlight] = await Promise.all([log.read(after, REPORT_EVENTS), bus.inFlight()]);
  return { events, inHand: inFlight.map(({ command }) => command.messageId) };
}

function bug(error: unknown): void {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  say({ bug: `${reasonOf(error)} ${stack.split("\n").slice(1, 4).join(" ")}` });
}

function say(word: VictimWord): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(word)}\n`);
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

async function obey(lines: AsyncIterable<string>): Promise<void> {
  let node: Awaited<ReturnType<typeof open>> | null = null;
  for await (const line of lines) {
    const order = JSON.parse(line) as VictimOrder;
    if ("open" in order) {
      if (order.armed) trigger.arm(order.armed);
      node = await open(order.open);
    } else if ("arm" in order) trigger.arm(order.arm);
    else if ("report" in order && node) say({ report: await report(node.broker, order.report) });
    else if ("end" in order) {
      await node?.end();
      return;
    }
  }
}

/** The lines of a stream of bytes. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

if (import.meta.main) {
  await obey(linesOf(Deno.stdin.readable));
  Deno.exit(0);
}
