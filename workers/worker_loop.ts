/**
 * The worker: a series of lives, each an incarnation that the log knows. It begins a new one when the log does not know
 * the present one any more, and leaves when another worker has taken its place. The same for every platform, in the
 * control plane's own process or on a far host. Design §3 steps 4-5, §4 rules 7 and 8.
 */
import { type Clock, sleep } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { Ids } from "../events/ids.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { WorkerChannel } from "../events/worker_channel.ts";
import { HealthReports } from "./health_reports.ts";
import { Lanes } from "./lanes.ts";
import type { Platform } from "./platform.ts";
import { type AroundCommand, WorkerLife } from "./worker_life.ts";

export interface WorkerParts {
  /** Opens a channel for a new incarnation of this worker: at its start, and at each new life. */
  openChannel(): WorkerChannel;
  platform: Platform;
  clock: Clock;
  ids: Ids;
  /** How many instances it works on at once. */
  slots: number;
  /** Called with what can only be a bug; the worker goes on with other instances. */
  onBug(error: unknown): void;
  /** Called when another incarnation of this worker has taken over: this one has left. */
  onSuperseded(): void;
  /** Called once with each live server here that is newer than the log and that the log cannot take up: it is left alone. */
  onStranger(found: RuntimeInfo): void;
  /** Called around the work on each command, for who measures it. */
  aroundCommand?: AroundCommand;
}

/** Before a new life: a log that knows none of them must not be asked without end. */
const REBIRTH_PAUSE_MS = 100;

export class Worker {
  private readonly lanes = new Lanes();
  private readonly stopping = new AbortController();
  private readonly health: HealthReports;
  private life: WorkerLife;
  private lives: Promise<void> = Promise.resolve();

  constructor(private readonly parts: WorkerParts) {
    this.life = this.newLife(null);
    this.health = new HealthReports({
      clock: parts.clock,
      send: (report) => this.life.tellHealth(report),
    });
  }

  /**
   * Registers, adopts what runs here, finishes what an older incarnation had begun, then takes commands.
   * @throws {OperationalError} `worker_refused` when another worker of this id lives elsewhere
   */
  async start(): Promise<void> {
    const { life } = this;
    this.parts.platform.onExit((exited) => this.life.tell(exited));
    const refusal = await life.begin();
    if (refusal !== null) {
      throw new OperationalError(
        "worker_refused",
        refusal,
        false,
        "Give this worker another id.",
      );
    }
    // Only now: what an incarnation before it may still say is refused from here on.
    this.parts.platform.onHealth((report) => this.health.hear(report));
    this.lives = this.live().catch((error) => this.parts.onBug(error));
  }

  /** Takes nothing more, waits `patienceMs` for what is in work, and leaves; servers run on. */
  async stop(patienceMs: number): Promise<void> {
    this.stopping.abort();
    this.health.close();
    this.life.end("stopped");
    await Promise.race([this.lanes.idle(), sleep(this.parts.clock, patienceMs)]);
    await this.lives;
    await this.life.leave();
    await this.parts.platform.close();
  }

  /** One life after the other, until one ends otherwise than by being unknown. */
  private async live(): Promise<void> {
    for (;;) {
      const end = await this.life.over;
      if (this.stopping.signal.aborted) return;
      if (end === "superseded") {
        this.health.close();
        return this.parts.onSuperseded();
      }
      if (!await this.beginAnew(this.life.inHand().length > 0 ? this.life : null)) return;
    }
  }

  /** False when there is no new life: it was refused, or the worker ends. */
  private async beginAnew(before: WorkerLife | null): Promise<boolean> {
    for (;;) {
      await sleep(this.parts.clock, REBIRTH_PAUSE_MS, this.stopping.signal);
      if (this.stopping.signal.aborted) return false;
      this.life = this.newLife(before);
      try {
        const refusal = await this.life.begin();
        this.health.begin();
        // Another machine has this id by now: that is as good as superseded.
        if (refusal !== null) this.parts.onSuperseded();
        return refusal === null;
      } catch (error) {
        // Whatever waits for its registration must not hold up the instance's lane: the next life looks for itself.
        this.life.end("stopped");
        if (!(error instanceof OperationalError)) throw error;
        // Refused for good (the log is closed): nothing is left to do but wait for the end.
        if (!error.retryable) return false;
      }
    }
  }

  private newLife(before: WorkerLife | null): WorkerLife {
    const { openChannel, ...parts } = this.parts;
    return new WorkerLife({ ...parts, channel: openChannel(), lanes: this.lanes, before });
  }
}
