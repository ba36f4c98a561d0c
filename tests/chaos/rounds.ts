/** Rounds of kills of the control plane under random requests, on one data folder, each checked on real facts. */
import { endProcessesOf } from "../support/marked_processes.ts";
import { Chance } from "./chance.ts";
import { answerFaults, emptyHistory, repetitionFaults } from "../history/history_checker.ts";
import { catchUp, inspect, list, type Listed, Sampler, serversOf, slay } from "./inspection.ts";
import { type Armed, KILL_POINTS, type KillPoint } from "./kill_points.ts";
import { SEATS } from "./seats.ts";
import { countAnswers, emptyTally, type Tally } from "./tally.ts";
import { Users } from "./users.ts";
import { VictimProcess } from "./victim_process.ts";

/** What is to be done. */
export interface ChaosOptions {
  /** At most this many rounds … */
  rounds: number;
  /** … and for this long; */
  seconds: number;
  /** then, where a place has not been met yet, only such places, up to this long. */
  secondsMax: number;
  seed: number;
  /** Only this place; null: all of them in turn. */
  at: KillPoint | null;
  onProgress: (tally: Tally) => void;
  /** Aborted: no more rounds; what was started is taken down and told of. */
  stopping: AbortSignal;
}

/** What was found wrong, with what led to it. */
export interface Story {
  seed: number;
  round: number;
  kill: string;
  faults: string[];
  lastRequests: string[];
  /** The last events of the instances that the faults name. */
  histories: string[];
}

export interface ChaosResult {
  tally: Tally;
  /** Null: nothing was found. */
  story: Story | null;
  /** Places that no kill came from. */
  missed: KillPoint[];
}

const CROWD = 5;
/** A place that is not reached by then is not on the way of these requests. */
const ROUND_MS_MAX = 1_500;
/** This share of the kills is armed before the recovery begins. */
const IN_RECOVERY = 0.2;
const OCCURRENCES_MAX = 4;
const RANDOM_KILL_MS_MAX = 500;
const LAST_REQUESTS = 25;

/** Runs the rounds; everything that it started is ended when it is done. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const folder = await Deno.makeTempDir({ prefix: "draas-chaos-" });
  const rounds = new Rounds(options, folder);
  try {
    return await rounds.run();
  } finally {
    await rounds.close();
    await Deno.remove(folder, { recursive: true });
  }
}

class Rounds {
  readonly #chance: Chance;
  readonly #users: Users;
  readonly #history = emptyHistory();
  readonly #sampler: Sampler;
  readonly #startedAt = performance.now();
  readonly #tally = emptyTally();
  #site: string | null = null;
  #victim: VictimProcess | null = null;
  #standby: VictimProcess | null = null;
  #schedule: KillPoint[] = [];
  #lastKill = "none yet";
  #lastRequests: string[] = [];

  constructor(private readonly options: ChaosOptions, private readonly folder: string) {
    this.#chance = new Chance(options.seed);
    this.#users = new Users(
      new Chance(options.seed + 1),
      `chaos-${options.seed}`,
      (instanceId) => slay(this.#sites(), instanceId),
      { kinds: SEATS },
    );
    this.#sampler = new Sampler(() => this.#sites());
  }

  async run(): Promise<ChaosResult> {
    const { options } = this;
    let faults: string[] = [];
    while (faults.length === 0 && !this.#isOver()) {
      faults = await this.#round();
      options.onProgress(this.#measure());
    }
    if (faults.length === 0) faults = await this.#takeDown();
    const tally = this.#measure();
    return {
      tally,
      missed: this.#missed(),
      story: faults.length === 0 ? null : this.#story(faults),
    };
  }

  async close(): Promise<void> {
    this.#sampler.close();
    for (const victim of [this.#victim, this.#standby]) {
      victim?.kill();
      await victim?.ended;
    }
    if (this.#site) await endProcessesOf(this.#site);
  }

  /** Recovery, check, requests, kill. */
  async #round(): Promise<string[]> {
    const point = this.#nextPoint();
    const armed = { point, occurrence: 1 + this.#chance.below(OCCURRENCES_MAX) };
    const isPlace = point !== "random" && point !== "graceful";
    const isEarly = isPlace && this.#chance.happens(IN_RECOVERY);
    const victim = this.#standby ?? new VictimProcess();
    this.#victim = victim;
    this.#standby = null;
    const ready = await victim.open(this.#folders(), isEarly ? { point, occurrence: 1 } : null);
    this.#tally.rounds++;
    if (ready === null) return await this.#afterEarlyDeath(victim, isEarly ? point : null);
    this.#site = ready.site;
    this.#tally.recoveryMs += ready.tookMs;
    this.#tally.recoveries++;
    using client = Deno.createHttpClient({});
    const api = { url: ready.url, client };
    const found = await this.#check(victim, api);
    if (found === null) return await this.#afterEarlyDeath(victim, isEarly ? point : null);
    if (found.length > 0) return found;
    // The next life loads its modules while this one works.
    this.#standby = new VictimProcess();
    const hasHit = await this.#work(victim, api, isEarly ? null : armed);
    return await this.#afterDeath(victim, hasHit ? point : "random", false);
  }

  /** Everything that can be said of the rounds before; null when the control plane died meanwhile. */
  async #check(
    victim: VictimProcess,
    api: { url: string; client: Deno.HttpClient },
  ): Promise<string[] | null> {
    const order = await catchUp(victim, this.#history);
    // What was asked is held against the log in the next life, then.
    if (order === null) return null;
    const { asked, repetitions } = this.#users.takeAsked();
    this.#note(
      asked.map((one) =>
        `${one.kind} ${one.instanceId ?? ""} ${one.requestId}: ${JSON.stringify(one.answer)}`
      ),
    );
    countAnswers(this.#tally, asked);
    this.#tally.repetitions += repetitions.length;
    const faults = [
      ...order,
      ...answerFaults(this.#history, asked),
      ...repetitions.flatMap(({ first, again }) => repetitionFaults(first, again)),
      ...this.#users.faults,
    ];
    if (faults.length > 0) return faults;
    const site = { id: this.#site!, folder: `${this.folder}/data/process/instances` };
    const inspection = await inspect(victim, api, this.#history, site);
    if (inspection.kind === "died") return null;
    const seen = [...inspection.faults, ...this.#sampler.faults, ...victim.bugs];
    if (seen.length > 0) return seen;
    // Of two users who filled a seat at once, one was too late; what does not go now is tried again in the next round.
    await this.#users.remove(api, this.#users.seat(inspection.fleet));
    return [];
  }

  /** Requests until the kill; true when it came from the place that was asked for. */
  async #work(
    victim: VictimProcess,
    api: { url: string; client: Deno.HttpClient },
    armed: Armed | null,
  ): Promise<boolean> {
    const stopping = new AbortController();
    const isPlace = armed && armed.point !== "random" && armed.point !== "graceful";
    if (isPlace) victim.arm(armed);
    const asking = this.#users.ask(() => api, CROWD, stopping.signal);
    const delayMs = isPlace ? ROUND_MS_MAX : this.#chance.below(RANDOM_KILL_MS_MAX);
    let hasHit = true;
    const timer = setTimeout(() => {
      hasHit = !isPlace;
      if (armed?.point === "graceful") victim.end();
      else victim.kill();
    }, delayMs);
    await victim.ended;
    clearTimeout(timer);
    stopping.abort();
    await asking;
    return hasHit && armed !== null;
  }

  /** `point` is null for a life that nobody was to end yet. */
  async #afterEarlyDeath(victim: VictimProcess, point: KillPoint | null): Promise<string[]> {
    if (point !== null) return await this.#afterDeath(victim, point, true);
    const { signal, code } = await victim.ended;
    return [...victim.bugs, `the recovery did not come to its end: ${signal ?? `code ${code}`}`];
  }

  async #afterDeath(victim: VictimProcess, point: KillPoint, early: boolean): Promise<string[]> {
    const { signal, code } = await victim.ended;
    this.#tally.kills[point]++;
    if (early) this.#tally.inRecovery++;
    this.#lastKill = `${point}${early ? " (in the recovery)" : ""}`;
    const isAsMeant = point === "graceful" ? code === 0 : signal === "SIGKILL";
    if (isAsMeant && victim.bugs.length === 0) return [];
    return [...victim.bugs, `the control plane ended by itself: ${signal ?? `code ${code}`}`];
  }

  /** One more life: everything is deleted, and nothing may be left. */
  async #takeDown(): Promise<string[]> {
    const victim = this.#standby ?? new VictimProcess();
    this.#victim = victim;
    this.#standby = null;
    const ready = await victim.open(this.#folders(), null);
    if (ready === null) return ["the last life of the control plane did not begin"];
    this.#site = ready.site;
    using client = Deno.createHttpClient({});
    const api = { url: ready.url, client };
    const before = await this.#check(victim, api);
    if (before === null || before.length > 0) return before ?? ["the last life died"];
    const ids = (await list(api) ?? []).map(({ id }: Listed) => id);
    const undeleted = await this.#users.remove(api, ids);
    if (undeleted.length > 0) return undeleted.map((one) => `it cannot be deleted: ${one}`);
    const after = await this.#check(victim, api);
    if (after === null || after.length > 0) return after ?? ["the last life died"];
    victim.end();
    const { code } = await victim.ended;
    const fromTheStart = await this.#reread();
    const left = [...Deno.readDirSync(`${this.folder}/data/process/instances`)];
    return [
      ...(code === 0 ? [] : [`the last life ended with code ${code}`]),
      ...serversOf(ready.site).map(({ pid }) => `process ${pid} is left over`),
      ...left.map(({ name }) => `the folder of ${name} is left over`),
      ...fromTheStart,
    ];
  }

  /** The whole log once more, from a snapshot's recovery: what was read in pieces must still be there. */
  async #reread(): Promise<string[]> {
    const victim = new VictimProcess();
    this.#victim = victim;
    await victim.open(this.#folders(), null);
    const whole = emptyHistory();
    const faults = await catchUp(victim, whole);
    victim.end();
    await victim.ended;
    const same = [...this.#history.states].every(([id, state]) =>
      JSON.stringify(whole.states.get(id)?.context) === JSON.stringify(state.context)
    );
    return [
      ...faults ?? ["the log cannot be read again"],
      ...(same ? [] : ["read again, the log gives other states"]),
    ];
  }

  #nextPoint(): KillPoint {
    if (this.options.at) return this.options.at;
    if (this.#elapsedSeconds() >= this.options.seconds) return this.#chance.oneOf(this.#missed());
    if (this.#schedule.length === 0) this.#schedule = this.#chance.shuffled(KILL_POINTS);
    return this.#schedule.pop()!;
  }

  /** The places that no kill has come from yet. */
  #missed(): KillPoint[] {
    const wanted = this.options.at ? [this.options.at] : KILL_POINTS;
    return wanted.filter((point) => this.#tally.kills[point] === 0);
  }

  #sites(): string[] {
    return this.#site === null ? [] : [this.#site];
  }

  #folders() {
    return { dataFolder: `${this.folder}/data`, tools: `${this.folder}/tools` };
  }

  #isOver(): boolean {
    const { rounds, seconds, secondsMax, stopping } = this.options;
    if (stopping.aborted || this.#tally.rounds >= rounds) return true;
    const elapsed = this.#elapsedSeconds();
    return elapsed >= secondsMax || (elapsed >= seconds && this.#missed().length === 0);
  }

  #elapsedSeconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  #measure(): Tally {
    this.#tally.seconds = this.#elapsedSeconds();
    this.#tally.events = Number.parseInt(this.#history.position);
    this.#tally.looks = this.#sampler.looks;
    this.#tally.reads = this.#users.reads;
    return this.#tally;
  }

  #note(lines: readonly string[]): void {
    this.#lastRequests = [...this.#lastRequests, ...lines].slice(-LAST_REQUESTS);
  }

  #story(faults: string[]): Story {
    const { seed } = this.options;
    return {
      seed,
      round: this.#tally.rounds,
      kill: this.#lastKill,
      faults,
      lastRequests: this.#lastRequests,
      histories: [...this.#history.told].filter(([id]) =>
        faults.some((fault) => fault.includes(id))
      )
        .flatMap(([, lines]) => lines),
    };
  }
}
