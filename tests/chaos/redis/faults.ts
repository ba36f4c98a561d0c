/** The faults that are put upon the fleet, each with its recovery: what is drawn, on whom, and for how long. */
import { reasonOf } from "../../../events/errors.ts";
import type { Chance } from "../chance.ts";
import { serversOf, slay } from "../inspection.ts";
import { armShim, disarmShim, SHIM_POINTS } from "../killing_ports.ts";
import type { ChaosFleet, WorkerSeat } from "./chaos_fleet.ts";
import type { ProgramSeat } from "./program_seat.ts";
import { hasSmallDisks } from "./small_disk.ts";

/** Each sort of fault, and how often it comes in one turn of all. */
const TURN = {
  "node killed": 2,
  "node frozen": 1,
  "node restarted": 1,
  "worker killed": 2,
  /** At a place between the accept and the server's first instruction, by its own shim. */
  "worker killed at a start": 1,
  "worker frozen": 1,
  "worker restarted": 1,
  "redis killed": 2,
  "redis frozen": 1,
  "redis restarted": 1,
  "server killed": 2,
  "link cut": 1,
  /** A write reaches Redis, its answer does not come back, and the connection ends. */
  "answer lost": 2,
  "link frozen": 1,
  "link delayed": 1,
  "disk of redis full": 1,
  "disk of a worker full": 1,
} as const;

export type FaultKind = keyof typeof TURN;

/** Every sort, in the order of the table. */
export const FAULT_KINDS = Object.keys(TURN) as FaultKind[];

/** Those that end a part of DRaaS, or Redis, by SIGKILL. */
export const KILLS: readonly FaultKind[] = FAULT_KINDS.filter((kind) =>
  kind.includes("killed") && kind !== "server killed"
);

/** Sorts that this user of this host cannot bring about. */
export const IMPOSSIBLE: readonly FaultKind[] = hasSmallDisks
  ? []
  : ["disk of redis full", "disk of a worker full"];

/** How long things last. */
export interface Durations {
  /** A freeze of a program, of Redis or of a link. */
  freezeMsMax: number;
  /** From a death to the next life. */
  downMsMax: number;
}

const FREEZE_MS_MIN = 1_000;
/** After this, no start has come by that would have killed the worker. */
const START_WITHIN_MS = 5_000;
const DELAY_MS_MAX = 150;
/** What the writes of each program have in their bytes: the names of the functions that they call. */
const WRITES = {
  "serve": ["_append"],
  "worker:process": ["_accept", "_complete", "_observe"],
} as const;

/** One whole turn in random order. */
export function turnOf(chance: Chance): FaultKind[] {
  const all = FAULT_KINDS.flatMap((kind) => Array.from({ length: TURN[kind] }, () => kind));
  return chance.shuffled(all.filter((kind) => !IMPOSSIBLE.includes(kind)));
}

/** Puts faults upon a fleet. */
export class Faults {
  /** What was done, by sort. */
  readonly done = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;

  /** Recoveries that did not come to their end. */
  readonly failures: string[] = [];

  constructor(
    private readonly fleet: ChaosFleet,
    private readonly chance: Chance,
    private readonly durations: Durations,
    /** Aborted: nothing lasts any longer. */
    private readonly stopping: AbortSignal,
  ) {}

  /**
   * Begins a fault, if there is someone for it just now. The promise resolves when its recovery is over.
   * @returns null when everyone that it could be put upon is busy with another one
   */
  begin(kind: FaultKind): { told: string; over: Promise<void> } | null {
    const [subject, what] = [kind.split(" ")[0], kind];
    switch (subject) {
      case "node":
        return this.#onSeat(what, this.fleet.nodes);
      case "worker":
        return this.#onWorker(what);
      case "redis":
        return this.#onRedis(what, () => this.#toRedis(what));
      case "server":
        return this.#onServer(what);
      case "disk":
        return kind === "disk of redis full"
          ? this.#onRedis(what, () => this.#fillRedis())
          : this.#onDisk(what);
      default:
        return this.#onLink(what);
    }
  }

  #onSeat(kind: FaultKind, seats: readonly ProgramSeat[]) {
    const seat = this.#oneOf(seats.filter(({ isBusy, greeted }) => !isBusy && greeted !== null));
    if (seat === null) return null;
    seat.isBusy = true;
    return this.#doing(kind, seat.plan.name, async () => {
      await this.#toSeat(kind, seat);
      seat.isBusy = false;
    });
  }

  #onWorker(kind: FaultKind) {
    if (kind !== "worker killed at a start") return this.#onSeat(kind, this.fleet.workers);
    const free = this.fleet.workers.filter(({ isBusy, greeted }) => !isBusy && greeted !== null);
    const worker = this.#oneOf(free);
    if (worker === null) return null;
    worker.isBusy = true;
    return this.#doing(null, `${kind} of ${worker.plan.name}`, async () => {
      await this.#killAtStart(worker);
      worker.isBusy = false;
    });
  }

  async #toSeat(kind: FaultKind, seat: ProgramSeat): Promise<void> {
    if (kind.endsWith("frozen")) {
      seat.freeze();
      await this.#pause(this.#freezeMs());
      seat.thaw();
      return;
    }
    await (kind.endsWith("killed") ? seat.kill() : seat.stop());
    await this.#pause(this.chance.below(this.durations.downMsMax));
    await seat.start();
  }

  /** Its shim kills it, so it is the real program that dies, and at the very place. */
  async #killAtStart(worker: WorkerSeat): Promise<void> {
    const { pid, tools } = worker;
    if (pid === null) return;
    armShim(tools, this.chance.oneOf(SHIM_POINTS), pid);
    const wasKilled = await worker.isKilledWithin(START_WITHIN_MS);
    disarmShim(tools);
    if (!wasKilled) return;
    this.done["worker killed at a start"]++;
    await this.#pause(this.chance.below(this.durations.downMsMax));
    await worker.start();
  }

  #onRedis(kind: FaultKind, run: () => Promise<void>) {
    if (this.fleet.isRedisBusy) return null;
    this.fleet.isRedisBusy = true;
    return this.#doing(kind, "", async () => {
      await run();
      this.fleet.isRedisBusy = false;
    });
  }

  async #toRedis(kind: FaultKind): Promise<void> {
    const { redis } = this.fleet;
    if (kind === "redis frozen") {
      redis.freeze();
      await this.#pause(this.#outageMs());
      redis.thaw();
      return;
    }
    await (kind === "redis killed" ? redis.kill() : redis.stop());
    await this.#pause(this.chance.below(this.durations.downMsMax));
    await redis.restart();
  }

  async #fillRedis(): Promise<void> {
    this.fleet.redisDisk.fill();
    await this.#pause(this.#outageMs());
    this.fleet.redisDisk.free();
    await this.fleet.mendRedis();
  }

  #onDisk(kind: FaultKind) {
    const worker = this.#oneOf(this.fleet.workers.filter(({ disk }) => !disk.isFull));
    if (worker === null) return null;
    return this.#doing(kind, worker.plan.name, async () => {
      worker.disk.fill();
      await this.#pause(this.#freezeMs());
      worker.disk.free();
    });
  }

  #onServer(kind: FaultKind) {
    const sites = this.fleet.sites();
    const server = this.#oneOf(serversOf(...sites).filter(({ leads }) => leads));
    if (server === null || !slay(sites, server.instanceId)) return null;
    return this.#doing(kind, server.instanceId, () => Promise.resolve());
  }

  #onLink(kind: FaultKind) {
    const { plan, proxy } = this.chance.oneOf(this.fleet.seats);
    return this.#doing(kind, plan.name, async () => {
      if (kind === "link cut") proxy.cut();
      else if (kind === "answer lost") {
        proxy.cutAnswerTo(this.chance.oneOf<string>(WRITES[plan.task]));
      } else if (kind === "link frozen") {
        proxy.hold();
        await this.#pause(this.#freezeMs());
        proxy.release();
      } else {
        proxy.delayMs = 1 + this.chance.below(DELAY_MS_MAX);
        await this.#pause(this.#freezeMs());
        proxy.delayMs = 0;
      }
    });
  }

  #doing(kind: FaultKind | null, on: string, run: () => Promise<void>) {
    if (kind !== null) this.done[kind]++;
    const told = `${kind ?? ""}${kind && on ? ": " : ""}${on}`;
    const over = run().catch((error) => {
      this.failures.push(`${told} is not recovered from: ${reasonOf(error)}`);
    });
    return { told, over };
  }

  #oneOf<T>(choices: readonly T[]): T | null {
    return choices.length === 0 ? null : this.chance.oneOf(choices);
  }

  async #pause(delayMs: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, delayMs);
    const stop = () => over.resolve();
    this.stopping.addEventListener("abort", stop);
    if (!this.stopping.aborted) await over.promise;
    this.stopping.removeEventListener("abort", stop);
    clearTimeout(timer);
  }

  /** While Redis is away everybody else waits. */
  #outageMs(): number {
    return Math.max(FREEZE_MS_MIN, this.#freezeMs() / 3);
  }

  #freezeMs(): number {
    return FREEZE_MS_MIN + this.chance.below(this.durations.freezeMsMax - FREEZE_MS_MIN);
  }
}
