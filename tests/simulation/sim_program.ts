/** A program of the simulated world: a series of lives, each of which may end at any moment and be followed by another. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import { Life, type VirtualTime } from "./virtual_time.ts";

/** What every program of a world shares. */
export interface ProgramParts {
  /** For people: `node 1`, `worker a`. */
  name: string;
  time: VirtualTime;
  say(text: string): void;
  onBug(error: unknown): void;
  /** Does what the program does; resolves when it is up. A failure of the world ends this life. */
  live(life: Life): Promise<void>;
  /** What lived in the life that ended is gone. */
  onDeath(): void;
}

/** After this its service manager starts a program again that could not begin. */
const AGAIN_MS = 1_000;

export class SimProgram {
  life: Life | null = null;
  /** Processes of it whose place another one took: they are there until they find that out. */
  private readonly former: Life[] = [];
  private cancelStart: (() => void) | null = null;
  private wallAheadMs = 0;

  constructor(private readonly parts: ProgramParts) {}

  get name(): string {
    return this.parts.name;
  }

  /** It is stopped, and nothing of it happens. */
  get isFrozen(): boolean {
    return this.life !== null && this.life.frozenUntil > this.parts.time.now;
  }

  /** A new process of it, unless there is one; a program that cannot begin is started again. */
  start(): void {
    this.cancelStart?.();
    this.cancelStart = null;
    if (this.life) return;
    const life = this.life = new Life();
    life.wallAheadMs = this.wallAheadMs;
    this.parts.live(life).then(
      () => life.isAlive && this.parts.say(`${this.name} is up`),
      (error) => {
        if (!life.isAlive) return;
        if (!(error instanceof OperationalError)) this.parts.onBug(error);
        this.kill(`cannot start: ${reasonOf(error)}`, AGAIN_MS);
      },
    );
  }

  /** kill -9, and a new process after `downMs`. */
  kill(why: string, downMs: number): void {
    if (!this.life) return;
    this.parts.say(`${this.name} is killed (${why}) for ${downMs} ms`);
    this.life.isAlive = false;
    this.life = null;
    this.parts.onDeath();
    this.cancelStart = this.parts.time.after(downMs, () => this.start());
  }

  /** Its host goes off, and comes back: every process of it ends. */
  powerOff(why: string, downMs: number): void {
    for (const life of this.former.splice(0)) life.isAlive = false;
    this.kill(why, downMs);
  }

  /** SIGSTOP, and SIGCONT after a while. */
  freeze(ms: number): void {
    if (!this.life) return;
    this.parts.say(`${this.name} is stopped for ${ms} ms`);
    this.life.frozenUntil = Math.max(this.life.frozenUntil, this.parts.time.now + ms);
  }

  /** SIGSTOP for a while; its service manager takes it for dead and starts another process of it. */
  double(ms: number): void {
    if (!this.life) return;
    this.freeze(ms);
    this.former.push(this.life);
    this.life = null;
    this.start();
  }

  /** Its host's wall clock is set. */
  jumpClock(ms: number): void {
    this.parts.say(`the wall clock of ${this.name} jumps by ${ms} ms`);
    this.wallAheadMs += ms;
    if (this.life) this.life.wallAheadMs = this.wallAheadMs;
  }
}
