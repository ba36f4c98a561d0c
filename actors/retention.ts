/**
 * Keeps the log within its bounds: baselines first, each proved against the events that it stands for, and only then
 * the cut. Only the leader does it, slowly. Design §3.
 */
import { type Clock, sleep } from "../events/clock.ts";
import { comparePositions, type Position, START } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type { EventLog, LogRetention } from "../events/event_log.ts";
import type { Ids } from "../events/ids.ts";
import { newEvent } from "../events/instance_events.ts";
import { restoreState, storedState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { Decision } from "../machines/requests.ts";
import type { Turn, TurnOutcome } from "./instance_actor.ts";
import { foldedFromLog } from "./instance_fold.ts";
import type { InstanceTable } from "./instance_table.ts";
import { beginningOf } from "./log_beginning.ts";
import { type KeepLimits, LogMarks } from "./log_marks.ts";
import type { Reads } from "./reads.ts";
import type { SnapshotKeeper } from "./snapshot_keeper.ts";
import { hasSameContent, isSameState } from "./same_states.ts";
import { KEYS_KEPT_MS } from "./system_parts.ts";

export interface RetentionParts {
  log: EventLog;
  retention: LogRetention;
  clock: Clock;
  ids: Ids;
  table: InstanceTable;
  reads: Reads;
  snapshots: SnapshotKeeper;
  limits: KeepLimits;
  /** See `SystemParts`, as the next. */
  markEvery?: number;
  keysKeptMs?: number;
  /** The leader's token; null while this node does not lead. */
  fence(): number | null;
  takeTurn(instanceId: string, turn: Turn): Promise<TurnOutcome>;
  /** A state is not what its events make: nothing is cut any more. */
  onMismatch(instanceId: string): void;
  onBug(error: unknown): void;
}

const ROUND_EVERY_MS = 10 * 60_000;
const MARK_EVERY = 1_000;
const READ_PAGE = 1_000;
/** Baselines written without a pause, and the pause after them: about 300 a second, beside what users ask. */
const BASELINES_IN_A_ROW = 8;
const BASELINE_PAUSE_MS = 25;
const RACES_MAX = 4;
const FOLD_PATIENCE_MS = 5_000;

/** What a round came to. */
export interface RetentionRound {
  baselines: number;
  cut: number;
}

export class Retention {
  private marks: LogMarks | null = null;
  private cancelTimer: (() => void) | null = null;
  private working: Promise<RetentionRound> | null = null;
  private readonly mismatched = new Set<string>();

  constructor(private readonly parts: RetentionParts) {}

  /** Begins to look, now and then; without limits it keeps everything. */
  begin(): void {
    const { limits, clock } = this.parts;
    if (limits.ms === null && limits.events === null) return;
    this.stop();
    this.cancelTimer = clock.after(ROUND_EVERY_MS, () => {
      this.begin();
      void this.round().catch((error) => {
        // What a log that is away, or another leader, refuses is done in a later round.
        if (!(error instanceof OperationalError)) this.parts.onBug(error);
      });
    });
  }

  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  /** Forgets what it knows of the log, which has lost its end. */
  reset(): void {
    this.marks = null;
    this.mismatched.clear();
  }

  /** One round now, or the one that is under way. */
  round(): Promise<RetentionRound> {
    return this.working ??= this.work().finally(() => this.working = null);
  }

  private async work(): Promise<RetentionRound> {
    const nothing = { baselines: 0, cut: 0 };
    if (this.parts.fence() === null || this.mismatched.size > 0) return nothing;
    const marks = await this.readOn();
    const cut = await this.cutPosition(marks);
    if (cut === null) return nothing;
    const baselines = await this.writeBaselines(marks.originBefore(cut));
    await this.untilFolded();
    const fence = this.parts.fence();
    // The log itself refuses a cut that some instance still needs; here it need not come to that.
    if (fence === null || this.marks !== marks || this.mismatched.size > 0) {
      return { baselines, cut: 0 };
    }
    // Other marks: the log has lost its end meanwhile, and the cut was chosen by what it was.
    if (await this.readOn() !== marks || marks.originBefore(cut).length > 0) {
      return { baselines, cut: 0 };
    }
    const events = await this.parts.retention.trim(cut, fence);
    marks.cutBefore(cut);
    return { baselines, cut: events };
  }

  /** Reads what is new in the log, as far as it is folded here. */
  private async readOn(): Promise<LogMarks> {
    const { log, reads, table, clock } = this.parts;
    const marks = this.marks ??= new LogMarks(
      await beginningOf(log),
      this.parts.markEvery ?? MARK_EVERY,
    );
    while (comparePositions(marks.readUpTo, table.position) < 0) {
      const page = await reads.run(() => log.read(marks.readUpTo, READ_PAGE));
      if (page.length === 0) break;
      marks.take(page);
      await sleep(clock, 0);
    }
    return marks;
  }

  /** The baselines count once this node has folded them. */
  private async untilFolded(): Promise<void> {
    const { log, reads, table, clock } = this.parts;
    await table.reached(await reads.run(() => log.head()), clock, FOLD_PATIENCE_MS);
  }

  /** A recovery begins with the newest snapshot: what comes after it is never cut. */
  private async cutPosition(marks: LogMarks): Promise<Position | null> {
    const { clock, limits, snapshots, keysKeptMs = KEYS_KEPT_MS } = this.parts;
    const now = clock.now();
    // The answer to an idempotency key is an event: for as long as keys are kept, so are the events.
    const cutUpTo = (bound: Position) => marks.cutFor(limits, now, now - keysKeptMs, bound);
    const wanted = cutUpTo(marks.readUpTo);
    if (wanted === null) return null;
    if (comparePositions(snapshots.newest, wanted) < 0) await snapshots.save();
    return snapshots.newest === START ? null : cutUpTo(snapshots.newest);
  }

  private async writeBaselines(instanceIds: readonly string[]): Promise<number> {
    let written = 0;
    // One after the other: in the order of creation, which is then also that of the baselines.
    for (const [index, instanceId] of instanceIds.entries()) {
      if (this.parts.fence() === null || this.mismatched.size > 0) break;
      if (await this.writeBaseline(instanceId)) written++;
      if (index % BASELINES_IN_A_ROW === BASELINES_IN_A_ROW - 1) {
        await sleep(this.parts.clock, BASELINE_PAUSE_MS);
      }
    }
    return written;
  }

  /** Proves the state against the log, writes it on exactly that version, and proves what was written. */
  private async writeBaseline(instanceId: string): Promise<boolean> {
    const { log, reads, table } = this.parts;
    for (let race = 0; race < RACES_MAX; race++) {
      const version = table.versionOf(instanceId);
      const folded = await foldedFromLog(log, reads, instanceId, version);
      const present = table.state(instanceId);
      if (!folded || present?.context.position !== folded.context.position) continue;
      if (!isSameState(folded, present)) return this.mismatch(instanceId);
      const outcome = await this.append(instanceId, folded);
      // Several large configurations are in hand at once: a later state fits, and the cut waits for it.
      if (outcome === "too-large") return false;
      if (outcome.kind !== "appended") continue;
      const [written] = await reads.run(() => log.history(instanceId, 1, version + 2));
      // Lost again: what is to be proved is no more.
      if (written?.position !== outcome.events.at(-1)!.position) continue;
      const isTrue = written.type === "Baseline" &&
        hasSameContent(restoreState(written.data.state, written), folded);
      return isTrue || this.mismatch(instanceId);
    }
    // It changes too often just now; the next round comes.
    return false;
  }

  private async append(
    instanceId: string,
    folded: InstanceState,
  ): Promise<TurnOutcome | "too-large"> {
    try {
      return await this.parts.takeTurn(instanceId, {
        decide: (state) =>
          state.context.position === folded.context.position ? baselineOf(folded) : null,
        meta: { requestId: this.parts.ids.next("request"), requestedBy: "retention" },
      });
    } catch (error) {
      if (error instanceof OperationalError && error.code === "batch_too_large") return "too-large";
      throw error;
    }
  }

  private mismatch(instanceId: string): false {
    this.mismatched.add(instanceId);
    this.parts.onMismatch(instanceId);
    return false;
  }
}

function baselineOf(state: InstanceState): Decision & { kind: "accepted" } {
  // As the log will give it back.
  const stored = JSON.parse(JSON.stringify(storedState(state)));
  return {
    kind: "accepted",
    events: [newEvent("Baseline", { state: stored })],
    commands: [],
    ends: [],
    generation: state.context.generation,
    awaits: null,
  };
}
