/**
 * The server of `http.ts`, a process of its own: DRaaS as `deno task start` puts it together, over a worker that runs
 * nothing, and beside it a bare hono route that answers the same bytes. Tells where they are on its first line.
 */
import { Hono } from "hono";
import { hostIds, idFromKey } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { readGiven } from "../config.ts";
import { createHttpApp } from "../http/app.ts";
import {
  openMetrics,
  openTelemetry,
  watchedAnswers,
  watchedAsks,
  watchedCommands,
  watchedLog,
  watchedPlatform,
} from "../programs/telemetry.ts";
import { openVoice } from "../programs/voice.ts";
import { defaultSettings } from "../settings/settings.ts";
import { fail } from "./bench_worker.ts";
import { inFolder, openEmbeddedNode, sqliteBroker } from "./embedded_node.ts";
import { median } from "./figures.ts";
import { IdlePlatform } from "./idle_platform.ts";

/** What the first line tells. */
export interface BenchServer {
  port: number;
  barePort: number;
  /** The instance that is read. */
  path: string;
  /** The one that is started and stopped. */
  startPath: string;
}

const LOCAL = { hostname: "127.0.0.1", port: 0, onListen: () => {} };

async function main(folder: string): Promise<void> {
  const silent = openVoice({
    level: "error",
    format: "text",
    hasColours: false,
    program: "bench",
    secrets: [],
    now: hostClock.now,
    out: () => {},
    log: fail,
  });
  const telemetry = await openTelemetry(
    silent,
    defaultSettings("start"),
    readGiven([]).environment,
  );
  const metrics = openMetrics();
  const broker = sqliteBroker(folder);
  const aroundCommand = watchedCommands(telemetry);
  const node = await openEmbeddedNode(broker, watchedPlatform(new IdlePlatform(), telemetry), {
    ...watchedAsks(metrics, telemetry),
    log: watchedLog(broker.log, telemetry),
    ...(aroundCommand ? { aroundCommand } : {}),
  });
  metrics.watch({ system: node.system, log: broker.log, availability: broker.availability });
  const app = createHttpApp({
    system: node.system,
    tokens: null,
    clock: hostClock,
    ids: hostIds,
    onBug: fail,
    allowedHosts: [],
    defaultTimeoutMs: 30_000,
    queueTimeoutMs: 30_000,
    version: "bench",
    deriveId: (key) => idFromKey("bench", key),
    metrics: () => metrics.text(),
    watch: watchedAnswers(metrics, telemetry),
  });
  const [read, started] = [await node.create(), await node.create()];
  await node.ask(read, { type: "start" });
  const path = `/api/server/instances/${read}`;
  const whole = await app.request(path, { headers: { host: "localhost" } });
  const bare = bareApp(await whole.text(), [...whole.headers], async (count) => {
    const times: number[] = [];
    for (let n = 0; n < count; n++) {
      const startedAt = performance.now();
      await node.ask(started, { type: "start" });
      times.push(performance.now() - startedAt);
      await node.ask(started, { type: "stop" });
    }
    return median(times);
  });
  const server = Deno.serve(LOCAL, (request) => app.fetch(request));
  const bareServer = Deno.serve(LOCAL, (request) => bare.fetch(request));
  const told: BenchServer = {
    port: server.addr.port,
    barePort: bareServer.addr.port,
    path,
    startPath: `/api/server/instances/${started}`,
  };
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(told)}\n`));
  // Whoever began it ends it by closing its input.
  for await (const _ of Deno.stdin.readable);
  await Promise.all([server.shutdown(), bareServer.shutdown()]);
  metrics.close();
  await node.close();
}

/** The same answer from as little as hono takes; by its side the process's CPU time (µs), and that of asks without HTTP. */
function bareApp(
  body: string,
  headers: [string, string][],
  timeAsks: (count: number) => Promise<number>,
): Hono {
  const app = new Hono();
  app.get("/api/server/instances/:id", () => new Response(body, { headers }));
  app.post("/cpu", (context) => {
    const { user, system } = process.cpuUsage();
    return context.json(user + system);
  });
  app.post(
    "/asks/:count",
    async (context) => context.json(await timeAsks(Number(context.req.param("count")))),
  );
  return app;
}

if (import.meta.main) await inFolder(main);
