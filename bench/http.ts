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
  bare: Reading;
  api: Reading;
  traced: Reading;
  /** Medians, milliseconds. */
  askMs: number;
  startMs: number;
  tracedStartMs: number;
}

/** Reading one instance, many times over. */
interface Reading {
  /** Requests a second. */
  rate: number;
  /** Of the server, for one request, µs: what it takes of the host, however busy that is. */
  cpu: number;
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
  return {
    bare: await read(plain, plain.bare),
    api: await read(plain, plain.api),
    traced: await read(traced, traced.api),
    askMs: Number(await plain.bare[0]!.ask("POST", `/asks/${STARTS}`)),
    startMs: await timeStarts(plain),
    tracedStartMs: await timeStarts(traced),
  };
}

async function read({ server, bare }: Contestant, by: HttpConnection[]): Promise<Reading> {
  const cpuTime = async () => Number(await bare[0]!.ask("POST", "/cpu"));
  const before = await cpuTime();
  const rate = await rateOf(by, server.path, EACH);
  return { rate, cpu: (await cpuTime() - before) / (by.length * EACH) };
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
        note: `requests/s with ${CONNECTIONS} connections: API ${
          told((one) => one.api.rate)
        }, bare ${told((one) => one.bare.rate)}`,
      },
      rounds.map(({ api, bare }) => api.rate / bare.rate),
    ),
    figure(
      {
        name: "GET, the bare route's CPU by its",
        unit: "×",
        goal: null,
        note: `µs of the server's CPU: API ${told((one) => one.api.cpu)}, bare ${
          told((one) => one.bare.cpu)
        }, with traces ${told((one) => one.traced.cpu)}`,
      },
      rounds.map(({ api, bare }) => bare.cpu / api.cpu),
    ),
    figure(
      {
        name: "GET with traces, by that without",
        unit: "×",
        goal: null,
        note: `requests/s: ${
          told((one) => one.traced.rate)
        }; its collector runs beside the clients`,
      },
      rounds.map(({ traced, api }) => traced.rate / api.rate),
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
