/**
 * What the API costs: one instance read through it beside a bare hono route that answers the same bytes, and a start
 * beside the ask that it is made of, in one run; then both with traces. It never fails on time.
 *
 *     deno task bench:http [--json] [--rounds N]
 */
import { runBenchmarks } from "./bench_program.ts";
import { type Figure, figure, median } from "./figures.ts";
import { HttpConnection, rateOf } from "./http_load.ts";
import type { BenchServer } from "./http_server.ts";

/** The first round warms up and is not counted. */
const ROUNDS = 13;
const CONNECTIONS = 8;
/** Requests of each connection before it is another one's turn. */
const EACH = 400;
/** Starts of one round, each followed by a stop that is not timed. */
const STARTS = 100;

interface Round {
  /** Requests a second. */
  bare: number;
  api: number;
  traced: number;
  /** Medians, milliseconds. */
  askMs: number;
  startMs: number;
  tracedStartMs: number;
}

/** A server and the connections to it. */
interface Contestant {
  server: BenchServer;
  bare: HttpConnection[];
  api: HttpConnection[];
  close(): Promise<void>;
}

async function httpFigures(rounds: number): Promise<Figure[]> {
  const sink = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      await request.arrayBuffer();
      return new Response();
    },
  );
  const plain = await begin({});
  const traced = await begin({
    OTEL_DENO: "true",
    OTEL_SERVICE_NAME: "draas-bench",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink.addr.port}`,
  });
  const measured: Round[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const one = await measure(plain, traced);
      if (round > 0) measured.push(one);
    }
  } finally {
    await plain.close();
    await traced.close();
    await sink.shutdown();
  }
  return figuresOf(measured);
}

/** By turns, so that what the host does meanwhile hits all. */
async function measure(plain: Contestant, traced: Contestant): Promise<Round> {
  const { path } = plain.server;
  return {
    bare: await rateOf(plain.bare, path, EACH),
    api: await rateOf(plain.api, path, EACH),
    traced: await rateOf(traced.api, traced.server.path, EACH),
    askMs: Number(await plain.bare[0]!.ask("POST", `/asks/${STARTS}`)),
    startMs: await timeStarts(plain),
    tracedStartMs: await timeStarts(traced),
  };
}

async function timeStarts({ api, server: { startPath } }: Contestant): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < STARTS; n++) {
    const startedAt = performance.now();
    await api[0]!.ask("POST", `${startPath}/start`);
    times.push(performance.now() - startedAt);
    await api[0]!.ask("POST", `${startPath}/stop`);
  }
  return median(times);
}

async function begin(environment: Record<string, string>): Promise<Contestant> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      "--allow-all",
      pathOf("./http_server.ts"),
    ],
    env: environment,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const server: BenchServer = JSON.parse(await firstLine(child.stdout));
  const open = (port: number) =>
    Promise.all(Array.from({ length: CONNECTIONS }, () => HttpConnection.open(port)));
  const [bare, api] = [await open(server.barePort), await open(server.port)];
  return {
    server,
    bare,
    api,
    async close() {
      for (const connection of [...bare, ...api]) connection.close();
      await child.stdin.close();
      await child.status;
    },
  };
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.includes("\n")) return text.slice(0, text.indexOf("\n"));
  }
  throw new Error("the server has ended");
}

function figuresOf(rounds: readonly Round[]): Figure[] {
  const told = (of: (round: Round) => number, digits = 0) => median(rounds.map(of)).toFixed(digits);
  return [
    figure(
      {
        name: "GET, by the bare route's",
        unit: "×",
        goal: { atLeast: 0.5 },
        note: `requests/s with ${CONNECTIONS} connections: API ${told((one) => one.api)}, bare ${
          told((one) => one.bare)
        }`,
      },
      rounds.map(({ api, bare }) => api / bare),
    ),
    figure(
      {
        name: "GET with traces, by that without",
        unit: "×",
        goal: null,
        note: `requests/s: ${told((one) => one.traced)}; its collector runs beside the clients`,
      },
      rounds.map(({ traced, api }) => traced / api),
    ),
    figure(
      {
        name: "start, beyond an ask",
        unit: "ms",
        goal: { atMost: 1 },
        note: `p50: over HTTP ${told((one) => one.startMs, 3)}, ask ${told((one) => one.askMs, 3)}`,
      },
      rounds.map(({ startMs, askMs }) => startMs - askMs),
    ),
    figure(
      {
        name: "start with traces, beyond one without",
        unit: "ms",
        goal: null,
        note: `p50: ${told((one) => one.tracedStartMs, 3)}`,
      },
      rounds.map(({ tracedStartMs, startMs }) => tracedStartMs - startMs),
    ),
  ];
}

function pathOf(file: string): string {
  return decodeURIComponent(new URL(file, import.meta.url).pathname);
}

const HOST = { disk: "disk class unknown; server and clients are processes of their own" };

if (import.meta.main) {
  const at = Deno.args.indexOf("--rounds");
  const rounds = at < 0 ? ROUNDS : Math.max(2, Number(Deno.args[at + 1]) || ROUNDS);
  Deno.exit(await runBenchmarks({ http: () => httpFigures(rounds) }, HOST, Deno.args));
}
