/**
 * What the terminal UI costs with ten thousand instances of which two hundred change a second, and how long a key takes
 * until its last byte is on the terminal: `deno task bench:tui [--minutes 1] [--columns 200 --rows 60]`.
 */
import process from "node:process";
import { PassThrough, Writable } from "node:stream";
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { TuiHost } from "../tui/shell/host.ts";
import { openTui } from "../tui/shell/open_tui.tsx";
import { figure, percentile, tableOf } from "./figures.ts";
import { benchFleet } from "./tui_fleet.ts";

const INSTANCES = 10_000;
const CHANGES_PER_SECOND = 200;
const KEY_EVERY_MS = 250;
const ROUND_MS = 10_000;
const WARM_MS = 3_000;
/** The chosen row is drawn in reverse: when it is, and the frame ends, the key has been seen. */
const CHOSEN = "\u001b[7m";
const FRAME_END = "\u001b[?2026l";

const given = (name: string, value: number) => {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? value : Number(Deno.args[at + 1]);
};
const minutes = given("minutes", 1);
const columns = given("columns", 80);
const rows = given("rows", 24);

/** A terminal that takes everything at once. */
let pressedAt: number | null = null;
let isSeen = false;
const stdout = Object.assign(
  new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const text = new TextDecoder().decode(chunk);
      round.bytes += chunk.length;
      isSeen ||= text.includes(CHOSEN);
      if (text.includes(FRAME_END)) {
        round.frames++;
        if (pressedAt !== null && isSeen) {
          round.latencies.push(performance.now() - pressedAt);
          pressedAt = null;
        }
      }
      done();
    },
  }),
  { columns, rows, isTTY: true },
);
const stdin = Object.assign(new PassThrough(), {
  isTTY: true,
  setRawMode: () => stdin,
  ref: () => stdin,
  unref: () => stdin,
});

const host: TuiHost = {
  clock: hostClock,
  ids: hostIds,
  terminal: { hasStyles: true, hasColor: true, hasUnicode: true },
  write: () => {},
  stop: async () => false,
  edit: async (text) => text,
  saveNew: async () => {},
  onBug: (error) => {
    throw error;
  },
};

/** What was seen since the round began. */
interface Round {
  latencies: number[];
  renders: number[];
  frames: number;
  bytes: number;
  cpuMs: number;
  at: number;
}

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const newRound = (): Round => ({
  latencies: [],
  renders: [],
  frames: 0,
  bytes: 0,
  cpuMs: cpuMs(),
  at: performance.now(),
});
let round = newRound();

const fleet = benchFleet(INSTANCES);
const tui = openTui({
  fleet: fleet.port,
  host,
  origin: { url: fleet.port.url, version: "0.1.0" },
  streams: {
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
  },
  onRender: ({ renderTime }) => round.renders.push(renderTime),
  interactive: true,
});
await pause(WARM_MS);
const changing = setInterval(fleet.change, 1_000 / CHANGES_PER_SECOND);
const typing = setInterval(() => {
  isSeen = false;
  pressedAt = performance.now();
  stdin.write("j");
}, KEY_EVERY_MS);
await pause(WARM_MS);

const rounds: (Round & { seconds: number; share: number; rss: number })[] = [];
for (let left = minutes * 60_000; left > 0; left -= ROUND_MS) {
  round = newRound();
  await pause(ROUND_MS);
  const seconds = (performance.now() - round.at) / 1_000;
  const share = (cpuMs() - round.cpuMs) / 10 / seconds;
  rounds.push({ ...round, seconds, share, rss: Deno.memoryUsage().rss / 1_048_576 });
}
clearInterval(changing);
clearInterval(typing);
await tui.close();

const of = (
  name: string,
  unit: string,
  atMost: number | null,
  note: string,
  value: (round: typeof rounds[number]) => number,
) => figure({ name, unit, goal: atMost === null ? null : { atMost }, note }, rounds.map(value));
const key = "from a byte on the standard input to the last one of its frame";
Deno.stdout.writeSync(
  new TextEncoder().encode(
    `${INSTANCES} instances, ${CHANGES_PER_SECOND} changes a second, ${columns}×${rows}\n${
      tableOf([
        of("key, p95", "ms", 33, key, ({ latencies }) => percentile(latencies, 0.95)),
        of("key, p99", "ms", 66, key, ({ latencies }) => percentile(latencies, 0.99)),
        of("drawing, p95", "ms", 33, "Ink's part of a frame", ({ renders }) =>
          percentile(renders, 0.95)),
        of("CPU", "%", 50, "of a core", ({ share }) =>
          share),
        of("memory", "MiB", 300, "resident", ({ rss }) =>
          rss),
        of("frames", "/s", 30, "", ({ frames, seconds }) =>
          frames / seconds),
        of("bytes", "a frame", null, "", ({ bytes, frames }) =>
          bytes / frames),
      ])
    }\n`,
  ),
);
Deno.exit(0);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
