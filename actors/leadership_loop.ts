/** Keeps the leader's lease: asks for it, renews it, and gives it up before it lapses. Design §3. */
import type { Clock } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { Leadership } from "../events/event_log.ts";

export interface LeadershipLoopParts {
  leadership: Leadership;
  clock: Clock;
  nodeId: string;
  leaseMs: number;
  /** This node leads from now on, with a token that it has not had before. */
  lead(fence: number): void;
  /** This node leads no more. */
  stop(): void;
  onBug(error: unknown): void;
}

/** Asks this often while its lease lasts. */
const ASKS_A_LEASE = 3;
/** While another leads: its lease may lapse at any moment, and then somebody should. */
const POLL_MS_MAX = 1_000;
/** This part of the lease is not used: what was begun before its end is over when another may begin. */
const UNUSED_PART = 0.1;

interface Held {
  fence: number;
  /** By the monotonic clock, counted from before the lease was asked for: never later than the log's own count. */
  until: number;
}

export class LeadershipLoop {
  private held: Held | null = null;
  private isOpen = false;
  private isAsking = false;
  private cancelAsk: (() => void) | null = null;
  private cancelLapse: (() => void) | null = null;

  constructor(private readonly parts: LeadershipLoopParts) {}

  /** The token, for as long as it is surely good: also where a frozen process has not heard its timers yet. */
  get fence(): number | null {
    return this.held && this.parts.clock.monotonic() < this.held.until ? this.held.fence : null;
  }

  /** Asks now, and from then on; resolves after the first answer. */
  async begin(): Promise<void> {
    this.isOpen = true;
    await this.ask();
  }

  /** Leads no more and asks no more; the lease is kept until it lapses or is given back. */
  pause(): void {
    this.isOpen = false;
    this.cancelAsk?.();
    this.giveUp();
  }

  /** Gives the lease back, so that another need not wait for it to lapse. */
  async release(): Promise<void> {
    this.pause();
    try {
      await this.parts.leadership.release(this.parts.nodeId);
    } catch (error) {
      this.tell(error);
    }
  }

  /** Asks at once: the log can be reached again. */
  async ask(): Promise<void> {
    if (this.isAsking || !this.isOpen) return;
    this.isAsking = true;
    const { leadership, clock, nodeId, leaseMs } = this.parts;
    const askedAt = clock.monotonic();
    try {
      const fence = await leadership.acquire(nodeId, leaseMs);
      if (this.isOpen) this.settle(fence, askedAt + leaseMs * (1 - UNUSED_PART));
    } catch (error) {
      // Not an answer: what is held is held until it lapses.
      this.tell(error);
    }
    this.isAsking = false;
    if (!this.isOpen) return;
    this.cancelAsk?.();
    const often = leaseMs / ASKS_A_LEASE;
    this.cancelAsk = clock.after(
      this.held ? often : Math.min(often, POLL_MS_MAX),
      () => void this.ask(),
    );
  }

  private settle(fence: number | null, until: number): void {
    const { clock } = this.parts;
    // An answer that came too late is that of a lease which may be another's by now.
    if (fence === null || clock.monotonic() >= until) return this.giveUp();
    const isNew = this.held?.fence !== fence;
    if (isNew) this.giveUp();
    this.held = { fence, until };
    this.cancelLapse?.();
    this.cancelLapse = clock.after(until - clock.monotonic(), () => this.giveUp());
    if (isNew) this.parts.lead(fence);
  }

  private giveUp(): void {
    this.cancelLapse?.();
    this.cancelLapse = null;
    if (!this.held) return;
    this.held = null;
    this.parts.stop();
  }

  private tell(error: unknown): void {
    if (!(error instanceof OperationalError)) this.parts.onBug(error);
  }
}
