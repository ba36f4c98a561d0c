/** Rounds of random faults on a fleet over Redis while random users work with it; at the end of each all is checked. */
import { Chance } from "../chance.ts";
import { Sampler, slay } from "../inspection.ts";
import { Users } from "../users.ts";
import { answerFaults, repetitionFaults } from "../../history/history_checker.ts";
import { ChaosFleet, type FleetSize } from "./chaos_fleet.ts";
import { FollowedLog } from "./followed_log.ts";
import {
  type Durations,
  FAULT_KINDS,
  type FaultKind,
  Faults,
  IMPOSSIBLE,
  turnOf,
} from "./faults.ts";
import { fleetKinds } from "./fleet_kinds.ts";
import { comeToRest } from "./rest.ts";
import { countAnswers, type RedisTally } from "./tally.ts";

/** What is to be done. */
export interface RedisChaosOptions {
  /** At most this many rounds … */
  rounds: number;
  /** … and no new one after this time; it is then checked and taken down; */
  seconds: number;
  /** but where a sort of fault has not been met yet, only such faults, up to this time. */
  secondsMax: number;
  seed: number;
  /** Null: drawn. */
  size: FleetSize | null;
  durations: Durations;
  /** New faults come for this long in each round. */
  roundMs: number;
  onProgress: (tally: RedisTally) => void;
  /** Aborted: everything is ended at once. */
  stopping: AbortSignal;
}

/** What was found wrong, with what led to it. */
export interface RedisStory {
  seed: number;
  round: number;
  /** The faults of the round and of the one before, with their times. */
  faults: string[];
  found: string[];
  lastRequests: string[];
  /** What each program has said last. */
  programs: string[];
  /** The last events of the instances that were found. */
  histories: string[];
}

export interface RedisChaosResult {
  tally: RedisTally;
  /** Null: nothing was found. */
  story: RedisStory | null;
  /** Sorts of faults that were never done. */
  missed: FaultKind[];
}

const CROWD = 5;
const PAUSE_MS_MAX = 200;
const RETRY_MS = 400;
const GAP_MS_MAX = 700;
const AT_ONCE_MAX = 4;
const SAMPLE_EVERY_MS = 50;
const PATIENCE = "8s";
const LAST_REQUESTS = 40;
const LAST_FAULTS = 40;
const EMPTY_WITHIN_MS = 45_000;

/** Runs the rounds; everything that it started is ended when it is done. */
export async function runRedisChaos(options: RedisChaosOptions): Promise<RedisChaosResult> {
  const chance = new Chance(options.seed);
  const size = options.size ?? { nodes: 2 + chance.below(2), workers: 2 + chance.below(2) };
  const fleet = new ChaosFleet(size);
  const rounds = new RedisRounds(options, fleet, size, chance);
  try {
    await fleet.start();
    return await rounds.run();
  } finally {
    await rounds.close();
    await fleet.close();
  }
}

class RedisRounds {
  readonly #users: Users;
  readonly #doorChance: Chance;
  readonly #faults: Faults;
  readonly #log = new FollowedLog();
  readonly #sampler: Sampler;
  readonly #startedAt = performance.now();
  readonly #tally: RedisTally;
  /** Faults that are not over. */
  readonly #running = new Set<Promise<void>>();
  #asking: Promise<void> = Promise.resolve();
  #turn: FaultKind[] = [];
  #told: string[] = [];
  #lastRequests: string[] = [];

  constructor(
    private readonly options: RedisChaosOptions,
    private readonly fleet: ChaosFleet,
    size: FleetSize,
    private readonly chance: Chance,
  ) {
    const { seed, durations } = options;
    const userChance = new Chance(seed + 1);
    const kinds = fleetKinds();
    this.#faults = new Faults(fleet, new Chance(seed + 2), durations, options.stopping);
    this.#doorChance = new Chance(seed + 3);
    this.#users = new Users(userChance, `chaos-${seed}`, (id) => this.#slay(id), {
      kinds,
      pauseMsMax: PAUSE_MS_MAX,
      retryMs: RETRY_MS,
      patience: PATIENCE,
    });
    this.#sampler = new Sampler(() => fleet.sites(), SAMPLE_EVERY_MS);
    this.#tally = {
      size,
      rounds: 0,
      seconds: 0,
      faults: this.#faults.done,
      requests: 0,
      answers: new Map(),
      repetitions: 0,
      reads: 0,
      events: 0,
      looks: 0,
      foldersLeft: 0,
      restMs: 0,
      restMsMax: 0,
    };
  }

  /** Ends the programs, and waits until no user and no fault has anything under way. */
  async close(): Promise<void> {
    this.#sampler.close();
    await this.fleet.endPrograms();
    await Promise.all([this.#asking, ...this.#running]);
  }

  async run(): Promise<RedisChaosResult> {
    const { options } = this;
    let found: string[] = [];
    while (found.length === 0 && !this.#isOver()) {
      found = await this.#round();
      options.onProgress(this.#measure());
    }
    if (found.length === 0 && !options.stopping.aborted) found = await this.#takeDown();
    if (options.stopping.aborted) countAnswers(this.#tally, this.#users.takeAsked().asked);
    // Who is told to end ends in the middle: nothing that is found then means anything.
    const isFound = found.length > 0 && !options.stopping.aborted;
    const story = isFound ? this.#story(found) : null;
    return { tally: this.#measure(), story, missed: this.#missed() };
  }

  /** Requests and faults, then rest, then everything that can be said of them. */
  async #round(): Promise<string[]> {
    this.#tally.rounds++;
    await this.fleet.syncs(this.chance.happens(0.5) ? "always" : "everysec");
    const quiet = new AbortController();
    const stop = () => quiet.abort();
    this.options.stopping.addEventListener("abort", stop);
    this.#asking = this.#users.ask(() => this.#anyDoor(), CROWD, quiet.signal);
    await this.#makeFaults();
    quiet.abort();
    this.options.stopping.removeEventListener("abort", stop);
    if (this.options.stopping.aborted) return [];
    await this.#asking;
    return await this.#check();
  }

  async #makeFaults(): Promise<void> {
    const end = performance.now() + this.options.roundMs;
    const stopped = aborted(this.options.stopping);
    while (performance.now() < end && !this.options.stopping.aborted) {
      await Promise.race([
        stopped,
        new Promise((done) => setTimeout(done, this.chance.below(GAP_MS_MAX))),
      ]);
      if (this.#running.size < AT_ONCE_MAX) this.#beginOne();
    }
    await Promise.race([stopped, Promise.all(this.#running)]);
  }

  #beginOne(): void {
    if (this.#seconds() >= this.options.seconds) this.#turn = this.#missed();
    else if (this.#turn.length === 0) this.#turn = turnOf(this.chance);
    // The first that there is somebody for; the others wait for their turn.
    for (const [index, kind] of this.#turn.entries()) {
      const fault = this.#faults.begin(kind);
      if (fault === null) continue;
      this.#turn.splice(index, 1);
      this.#tell(fault.told);
      const over = fault.over.then(() => {
        this.#tell(`over: ${fault.told}`);
        this.#running.delete(over);
      });
      this.#running.add(over);
      return;
    }
  }

  async #check(): Promise<string[]> {
    if (this.#faults.failures.length > 0) return this.#faults.failures;
    const restFrom = performance.now();
    const unrest = await comeToRest(this.fleet, this.#log, this.options.stopping);
    const restMs = Math.round(performance.now() - restFrom);
    this.#tally.restMs += restMs;
    this.#tally.restMsMax = Math.max(this.#tally.restMsMax, restMs);
    const { asked, repetitions } = this.#users.takeAsked();
    this.#note(
      asked.map((one) =>
        `${one.kind} ${one.instanceId ?? ""} ${one.requestId}: ${JSON.stringify(one.answer)}`
      ),
    );
    countAnswers(this.#tally, asked);
    this.#tally.repetitions += repetitions.length;
    const found = [
      ...unrest,
      ...answerFaults(this.#log.history, asked),
      ...repetitions.flatMap(({ first, again }) => repetitionFaults(first, again)),
      ...this.#users.faults,
      ...this.#sampler.faults,
    ];
    if (found.length > 0) return found;
    await this.#seat();
    return [];
  }

  /** Of two users who filled a seat at once, one was too late: its instance goes. */
  async #seat(): Promise<void> {
    const [fleet] = await this.fleet.listings() ?? [];
    const door = this.#anyDoor();
    if (fleet && door) await this.#users.remove(door, this.#users.seat(fleet));
  }

  /** Everything is deleted; nothing may be left, and the log, read once more as a whole, gives the same. */
  async #takeDown(): Promise<string[]> {
    const { fleet } = this;
    const [listed] = await fleet.listings() ?? [];
    const door = this.#anyDoor();
    if (!listed || !door) return ["no node answers at the end"];
    const undeleted = await this.#users.remove(door, listed.map(({ id }) => id));
    if (undeleted.length > 0) return undeleted.map((one) => `it cannot be deleted: ${one}`);
    const found = await this.#check();
    if (found.length > 0) return found;
    const end = performance.now() + EMPTY_WITHIN_MS;
    while (fleet.leftovers().length > 0 && performance.now() < end) {
      await new Promise((done) => setTimeout(done, 100));
    }
    const whole = new FollowedLog();
    const { faults, inHand } = await fleet.withBroker((broker) => whole.follow(broker));
    const same = [...this.#log.history.states].every(([id, state]) =>
      JSON.stringify(whole.history.states.get(id)?.context) === JSON.stringify(state.context)
    );
    const left = fleet.leftovers();
    this.#tally.foldersLeft = fleet.folders();
    await Promise.all(fleet.seats.map((seat) => seat.stop()));
    return [
      ...left,
      ...faults,
      ...(inHand ?? []).map((id) => `the command ${id} is left over`),
      ...(same ? [] : ["read again, the log gives other states"]),
      ...fleet.faults(),
    ];
  }

  #slay(instanceId: string): void {
    if (slay(this.fleet.sites(), instanceId)) this.#faults.done["server killed"]++;
  }

  #anyDoor() {
    const doors = this.fleet.doors();
    return doors.length === 0 ? null : this.#doorChance.oneOf(doors);
  }

  #isOver(): boolean {
    const { rounds, seconds, secondsMax, stopping } = this.options;
    if (stopping.aborted || this.#tally.rounds >= rounds) return true;
    const isEnough = this.#seconds() >= seconds && this.#missed().length === 0;
    return isEnough || this.#seconds() >= secondsMax;
  }

  /** Sorts of faults that have not been done yet, and can be. */
  #missed(): FaultKind[] {
    return FAULT_KINDS.filter((kind) =>
      this.#faults.done[kind] === 0 && !IMPOSSIBLE.includes(kind)
    );
  }

  #seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }

  #measure(): RedisTally {
    this.#tally.seconds = this.#seconds();
    this.#tally.events = this.#log.history.order.length;
    this.#tally.looks = this.#sampler.looks;
    this.#tally.reads = this.#users.reads;
    return this.#tally;
  }

  #tell(what: string): void {
    const line = `${this.#seconds().toFixed(2)} s, round ${this.#tally.rounds}: ${what}`;
    this.#told = [...this.#told, line].slice(-LAST_FAULTS);
  }

  #note(lines: readonly string[]): void {
    this.#lastRequests = [...this.#lastRequests, ...lines].slice(-LAST_REQUESTS);
  }

  #story(found: string[]): RedisStory {
    const named = [...this.#log.history.told].filter(([id]) => found.some((f) => f.includes(id)));
    return {
      seed: this.options.seed,
      round: this.#tally.rounds,
      faults: this.#told,
      found,
      lastRequests: this.#lastRequests,
      programs: this.fleet.seats.map((seat) => seat.words()),
      histories: named.flatMap(([, lines]) => lines),
    };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
