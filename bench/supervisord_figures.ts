/** The same programs started and stopped by us and by supervisord, by turns in one run, each asked over its own socket. */
import { commandInstance, ControlPlane } from "../tests/e2e/support/control_plane.ts";
import { endProcessesOf } from "../tests/support/marked_processes.ts";
import { isOnPath } from "../tests/support/tools.ts";
import { inFolder } from "./embedded_node.ts";
import { type Figure, figure, median } from "./figures.ts";
import { Supervisord } from "./supervisord.ts";

const INSTANCES = "/api/server/instances";
const PROGRAMS = 50;
/** The first one warms up and is not counted. */
const ROUNDS = 6;
const LIMIT_MS = 30_000;

/** One of the two, with its programs made known to it. */
export interface Contestant {
  /** Resolve when it has answered for all, or for one. */
  startAll(): Promise<void>;
  stopAll(): Promise<void>;
  startOne(): Promise<void>;
  stopOne(): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds. */
interface Round {
  /** Until every program runs; until each is answered for as started; until each is answered for as stopped. */
  up: number;
  started: number;
  stopped: number;
  oneUp: number;
  oneStarted: number;
  oneStopped: number;
}

type Rounds = Record<"ours" | "theirs", Round[]>;

/** By round: our time by supervisord's. */
export async function supervisordFigures(): Promise<Figure[] | { skipped: string }> {
  if (!isOnPath("supervisord")) {
    return { skipped: "there is no supervisord here (Debian: supervisor)" };
  }
  return await inFolder(async (folder) => {
    // Each program says so once it runs: neither of the two decides what counts as started.
    const voices = { ours: `${folder}/ours`, theirs: `${folder}/theirs` };
    const rounds: Rounds = { ours: [], theirs: [] };
    const ours = await Ours.open(folder, programOf(voices.ours), PROGRAMS);
    const theirs = await Supervisord.start(folder, programOf(voices.theirs), PROGRAMS);
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (const [who, contestant] of [["ours", ours], ["theirs", theirs]] as const) {
          const measured = await measure(contestant, voices[who]);
          if (round > 0) rounds[who].push(measured);
        }
      }
    } finally {
      await Promise.all([ours.close(), theirs.close()]);
    }
    return figuresOf(rounds);
  });
}

function programOf(voice: string): string[] {
  return ["/bin/sh", "-c", `echo up >>${voice}; exec sleep 6000`];
}

async function measure(contestant: Contestant, voice: string): Promise<Round> {
  const start = await startedAfter(() => contestant.startAll(), voice, PROGRAMS);
  const stopped = await timeOf(() => contestant.stopAll());
  const one = await startedAfter(() => contestant.startOne(), voice, 1);
  const oneStopped = await timeOf(() => contestant.stopOne());
  return {
    up: start.up,
    started: start.answered,
    stopped,
    oneUp: one.up,
    oneStarted: one.answered,
    oneStopped,
  };
}

async function startedAfter(start: () => Promise<void>, voice: string, programs: number) {
  await Deno.writeTextFile(voice, "");
  const [answered, up] = await Promise.all([
    timeOf(start),
    timeOf(() => untilAllSpoke(voice, programs)),
  ]);
  return { answered, up };
}

async function untilAllSpoke(voice: string, programs: number): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (Deno.statSync(voice).size < programs * "up\n".length) {
    if (performance.now() > end) throw new Error(`not all of ${programs} programs came up`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

function figuresOf(rounds: Rounds): Figure[] {
  const all = `${PROGRAMS} programs`;
  const kinds: [keyof Round, string][] = [
    ["up", `${all} run`],
    ["started", `${all} started, as answered`],
    ["stopped", `${all} stopped, as answered`],
    ["oneUp", "one runs"],
    ["oneStarted", "one started, as answered"],
    ["oneStopped", "one stopped, as answered"],
  ];
  return kinds.map(([kind, name]) => {
    const [ours, theirs] = (["ours", "theirs"] as const).map((who) =>
      rounds[who].map((one) => one[kind])
    ) as [number[], number[]];
    const told = `${median(ours).toFixed(1)} ms, supervisord ${median(theirs).toFixed(1)} ms`;
    return figure(
      { name: `${name}, by supervisord's time`, unit: "×", goal: { atMost: 1 }, note: told },
      ours.map((ms, index) => ms / theirs[index]!),
    );
  });
}

/** `deno task start` on a data folder of its own, asked over HTTP, each program for itself. */
class Ours implements Contestant {
  private constructor(
    private readonly life: ControlPlane,
    private readonly dataFolder: string,
    private readonly ids: readonly string[],
  ) {}

  static async open(folder: string, program: string[], programs: number): Promise<Ours> {
    const dataFolder = `${folder}/data`;
    const life = new ControlPlane(["--port", "0", "--data-dir", dataFolder]);
    await life.ready();
    const ids: string[] = [];
    for (let index = 0; index < programs; index++) {
      const body = commandInstance(`p${index}`, program, "never");
      ids.push((await life.call(`POST ${INSTANCES}`, body)).json.id);
    }
    return new Ours(life, dataFolder, ids);
  }

  async startAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.ask(id, "start")));
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.ask(id, "stop")));
  }

  startOne(): Promise<void> {
    return this.ask(this.ids[0]!, "start");
  }

  stopOne(): Promise<void> {
    return this.ask(this.ids[0]!, "stop");
  }

  async close(): Promise<void> {
    await this.life.end("SIGKILL");
    await endProcessesOf(Deno.readTextFileSync(`${this.dataFolder}/process/site`).trim());
  }

  private async ask(id: string, request: "start" | "stop"): Promise<void> {
    const { status, json } = await this.life.call(`POST ${INSTANCES}/${id}/${request}`);
    if (status !== 200) throw new Error(`a ${request} came to ${JSON.stringify(json)}`);
  }
}
