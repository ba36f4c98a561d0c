/**
 * Watches the workers: who is silent, where starts may go, and, on the leader, what follows from it. Design §4 rules 5
 * and 8.
 *
 * Silence is counted by this node's own monotonic clock from the moment at which it saw a beat change, so that clocks
 * which differ lose nobody; the step that gives a worker up counts once more, by the log's clock. How long one that is
 * seen first has been silent by then is told by two clocks: good enough to place a start, never to give it up.
 */
import type { Clock } from "../events/clock.ts";
import type { CommandBus, WorkerRecord } from "../events/command_bus.ts";
import { OperationalError } from "../events/errors.ts";
import { type Leased, leasedPart } from "../machines/leases.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { type Fleet, SILENT_AFTER_MS } from "../machines/placement.ts";
import { LostWorkers } from "./lost_workers.ts";
import { PlacedStarts } from "./placed_starts.ts";
import { StartMoves } from "./start_moves.ts";
import type { WatchedFleet } from "./watched_fleet.ts";

export interface WorkerWatchParts {
  bus: CommandBus;
  clock: Clock;
  /** The leader's token; null: this node only looks. */
  fence(): number | null;
  stateOf(instanceId: string): InstanceState | undefined;
  /** Whether all that the log holds now is folded here, at once or within a moment. */
  isUpToDate(): Promise<boolean>;
  /** What failed for another reason than the log being away. */
  onBug(error: unknown): void;
}

const LOOK_EVERY_MS = 1_000;
/** While a silent worker has something that may go on elsewhere. */
const HURRIED_LOOK_MS = 250;
/** After a longer gap between two looks this node was frozen, or the log away: it knows of no silence before it. */
const GAP_MS = 4_000;

interface Heard {
  incarnation: string;
  beatAt: number;
  /** When it beat, by the monotonic clock; of the first beat that was seen, as far as two clocks can tell. */
  at: number;
  /** When that was seen. */
  seenAt: number;
}

export class WorkerWatch {
  private readonly heard = new Map<string, Heard>();
  private readonly placedStarts = new PlacedStarts();
  private readonly leased = new Map<string, Leased>();
  private readonly moves: StartMoves;
  private readonly losses: LostWorkers;
  private records: readonly WorkerRecord[] | null = null;
  private lookedAt = -Infinity;
  /** Silence before this counts for nothing: then the log, the leader or this node may have been away. */
  private quietFrom: number;
  private cancelLook: (() => void) | null = null;
  private isOpen = false;

  constructor(private readonly parts: WorkerWatchParts) {
    this.quietFrom = parts.clock.monotonic();
    this.moves = new StartMoves(parts);
    this.losses = new LostWorkers(parts);
  }

  /** Begins to look; resolves after the first look, whether or not there was an answer. */
  async open(): Promise<void> {
    this.isOpen = true;
    await this.look();
  }

  /** Begins anew with what is known of the fleet: on leading. No worker is lost for one lease. */
  begin(states: Iterable<InstanceState>): void {
    this.quiet();
    this.placedStarts.clear();
    this.leased.clear();
    for (const state of states) this.consider(state);
  }

  /** The log was away: whoever is silent may be so because nobody could be heard. Its silence counts from now. */
  quiet(): void {
    this.quietFrom = this.parts.clock.monotonic();
  }

  /** Looks at a state that has changed. */
  consider(state: InstanceState): void {
    const { instanceId } = state.context;
    this.placedStarts.consider(state, this.parts.clock.monotonic());
    const leased = leasedPart(state);
    if (leased) this.leased.set(instanceId, leased);
    else this.leased.delete(instanceId);
  }

  /** The workers as they were last seen, busy also with what was placed there since; undefined before the first look. */
  fleet(): Fleet | undefined {
    if (!this.records) return undefined;
    const at = this.parts.clock.now();
    const workers = this.records.map((worker) => ({
      ...worker,
      busy: worker.busy + this.placedStarts.countAt(worker.site),
      lastHeartbeatAt: at - this.silence(worker),
    }));
    return { workers, at };
  }

  /** Whether nobody knows how the servers of this worker are: it is silent or given up. One not seen yet is not. */
  isSilent(workerId: string): boolean {
    const worker = this.records?.find((one) => one.workerId === workerId);
    return worker !== undefined && (worker.lost || this.silence(worker) > SILENT_AFTER_MS);
  }

  close(): void {
    this.isOpen = false;
    this.cancelLook?.();
  }

  private async look(): Promise<void> {
    let nextMs = LOOK_EVERY_MS;
    try {
      this.saw(await this.parts.bus.workers());
      if (this.isOpen && this.parts.fence() !== null && await this.react()) {
        nextMs = HURRIED_LOOK_MS;
      }
    } catch (error) {
      // Another leader, or a log that is away: who is silent now may be so for the same reason.
      this.quiet();
      if (this.isOpen && !(error instanceof OperationalError)) this.parts.onBug(error);
    }
    if (this.isOpen) this.cancelLook = this.parts.clock.after(nextMs, () => void this.look());
  }

  private saw(records: WorkerRecord[]): void {
    const now = this.parts.clock.monotonic();
    if (now - this.lookedAt > GAP_MS) this.quiet();
    this.lookedAt = now;
    this.records = records;
    const listed = new Set(records.map((worker) => worker.workerId));
    for (const workerId of this.heard.keys()) {
      if (!listed.has(workerId)) this.heard.delete(workerId);
    }
    for (const { workerId, incarnation, lastHeartbeatAt: beatAt } of records) {
      const known = this.heard.get(workerId);
      if (known?.incarnation === incarnation && known.beatAt === beatAt) continue;
      const silentMs = known ? 0 : Math.max(0, this.parts.clock.now() - beatAt);
      this.heard.set(workerId, { incarnation, beatAt, at: now - silentMs, seenAt: now });
    }
  }

  /** True while something is at stake at a silent worker. */
  private async react(): Promise<boolean> {
    const fleet = this.fleet();
    if (!fleet) return false;
    const watched: WatchedFleet = {
      fleet,
      silentMs: ({ workerId }) => {
        const now = this.parts.clock.monotonic();
        return now - Math.max(this.heard.get(workerId)?.seenAt ?? now, this.quietFrom);
      },
      placedStarts: this.placedStarts,
      leased: this.leased,
    };
    await this.moves.react(watched);
    return await this.losses.react(watched);
  }

  private silence({ workerId }: WorkerRecord): number {
    const now = this.parts.clock.monotonic();
    return now - (this.heard.get(workerId)?.at ?? now);
  }
}
