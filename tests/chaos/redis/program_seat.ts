/** One program of the fleet, a node or a worker, for all its lives: how it is started, and the ways in which it can end. */
import { ProgramLife } from "../../e2e/support/program_life.ts";
import { TcpProxy } from "../../support/tcp_proxy.ts";
import type { SmallDisk } from "./small_disk.ts";

/** What a seat is for. */
export interface SeatPlan {
  name: string;
  /** Its task in `deno.json`, and its arguments. */
  task: "serve" | "worker:process";
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** What it says once it is at work. */
  greeting: RegExp;
  redisPort: number;
  /** A worker's data; null for a node, which keeps nothing. */
  disk: SmallDisk | null;
}

/** It is to be done with all that it has begun by then. */
const END_WITHIN_MS = 60_000;
const TRY_AGAIN_MS = 500;
const BUG = /A fault in DRaaS itself: .*/g;
/** Of what a program said, for the story of its unexpected end. */
const LAST_WORDS = 1_500;

/** A node or a worker, with a way of its own to Redis. */
export class ProgramSeat {
  readonly proxy: TcpProxy;
  /** What it did that nobody had asked for. */
  readonly faults: string[] = [];
  /** A fault of the program as a whole is under way: there is no second one at once. */
  isBusy = false;
  isFrozen = false;
  #life: ProgramLife | null = null;
  #greeted: RegExpExecArray | null = null;
  #isClosed = false;

  constructor(readonly plan: SeatPlan) {
    this.proxy = new TcpProxy(plan.redisPort);
  }

  /** What its greeting matched; null while it does not work. */
  get greeted(): RegExpExecArray | null {
    return this.#greeted;
  }

  get pid(): number | null {
    return this.#life?.pid ?? null;
  }

  /** Begins a life, and waits until it works. Where its disk is full it is tried again. */
  async start(): Promise<void> {
    while (!this.#isClosed) {
      const life = this.#begin();
      try {
        this.#greeted = await life.hears(this.plan.greeting);
        this.#watch(life);
        return;
      } catch (error) {
        await life.end("SIGKILL");
        this.#life = null;
        if (this.#isClosed) return;
        if (!this.plan.disk?.isFull) {
          this.faults.push(`${this.plan.name} did not begin: ${(error as Error).message}`);
          return;
        }
        await new Promise((done) => setTimeout(done, TRY_AGAIN_MS));
      }
    }
  }

  /** Ends it in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.#take()?.end("SIGKILL");
  }

  /** Resolves when somebody else has killed it; false when that has not happened in time. */
  async isKilledWithin(limitMs: number): Promise<boolean> {
    const life = this.#life;
    if (life === null) return false;
    // Whoever ends it now is expected to.
    this.#life = null;
    const limit = Promise.withResolvers<false>();
    const timer = setTimeout(() => limit.resolve(false), limitMs);
    const wasKilled = await Promise.race([life.ended.then(() => true), limit.promise]);
    clearTimeout(timer);
    if (wasKilled) this.#greeted = null;
    else if (!this.#isClosed) {
      this.#life = life;
      this.#watch(life);
    }
    return wasKilled;
  }

  /** Ends it as its owner would. */
  async stop(): Promise<void> {
    const life = this.#take();
    if (life === null) return;
    const patience = setTimeout(() => {
      this.faults.push(`${this.plan.name} did not end within ${END_WITHIN_MS} ms of SIGTERM`);
      life.signal("SIGKILL");
    }, END_WITHIN_MS);
    const { code, signal } = await life.end("SIGTERM");
    clearTimeout(patience);
    if (code !== 0 && signal === null) this.faults.push(this.#lastWords(life, `code ${code}`));
  }

  freeze(): void {
    this.isFrozen = true;
    this.#life?.signal("SIGSTOP");
  }

  thaw(): void {
    this.isFrozen = false;
    this.#life?.signal("SIGCONT");
  }

  /** Ends it for good, without a fault. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const life = this.#take();
    life?.signal("SIGCONT");
    await life?.end("SIGKILL");
    await this.proxy.close();
  }

  #begin(): ProgramLife {
    const { task, args, environment } = this.plan;
    const redis = { REDIS_URL: `redis://127.0.0.1:${this.proxy.port}`, DRAAS_REDIS_WAIT: "2m" };
    this.#life = new ProgramLife(task, args, { ...environment, ...redis });
    return this.#life;
  }

  /** From now on its end is no surprise. */
  #take(): ProgramLife | null {
    const life = this.#life;
    this.#life = null;
    this.#greeted = null;
    this.isFrozen = false;
    return life;
  }

  #watch(life: ProgramLife): void {
    void life.ended.then(({ code, signal, stdout, stderr }) => {
      this.faults.push(...new Set((stdout + stderr).match(BUG) ?? []));
      if (this.#life !== life) return;
      this.#take();
      this.faults.push(this.#lastWords(life, signal ?? `code ${code}`));
    });
  }

  /** What the present life has told of faults in the program. */
  bugs(): string[] {
    return [...new Set(this.#life?.output.match(BUG) ?? [])].map((bug) =>
      `${this.plan.name}: ${bug}`
    );
  }

  /** The end of what its present life has said, and how it is. */
  words(): string {
    const state = this.#life === null ? "down" : this.#greeted === null ? "beginning" : "at work";
    return `${this.plan.name} (${state}): ${this.#life?.output.slice(-LAST_WORDS) ?? ""}`;
  }

  #lastWords(life: ProgramLife, end: string): string {
    return `${this.plan.name} ended by itself (${end}): ${life.output.slice(-LAST_WORDS)}`;
  }
}
