/**
 * Tells the log what is new of the health of servers: a change, at most once a second for an instance. Design §4 rule
 * 13. What comes and goes within that second is never told.
 */
import type { Clock } from "../events/clock.ts";
import type { HealthReport } from "../events/health.ts";

/** Between two reports about one instance. */
export const REPORT_GAP_MS = 1_000;
/**
 * Of a start that takes its time, and of what is only said in other words, each report comes twice as late as the one
 * before, up to this; so do vain tries.
 */
const GAP_MS_MAX = 30_000;
/** An unhealthy server is told of again so often: a log that lost its end would never act. */
const REPEAT_MS = 60_000;
/** Nothing was said of an instance for so long: it is forgotten. */
const FORGOTTEN_AFTER_MS = 2 * 3_600_000;

export interface HealthReportsParts {
  clock: Clock;
  /** Tells the log; false when it could not be told, and is to be tried again. */
  send(report: HealthReport): Promise<boolean>;
}

interface Entry {
  runId: string;
  /** What was told last; null when nothing was told of this run to this log. */
  toldKey: string | null;
  /** The same without its words. */
  toldKind: string | null;
  toldAt: number;
  heardAt: number;
  gapMs: number;
  /** The log did not take the last report, as it does of an instance that it does not know. */
  isRefused: boolean;
  waiting: HealthReport | null;
  isSending: boolean;
  cancel: () => void;
}

export class HealthReports {
  readonly #entries = new Map<string, Entry>();
  #sweptAt: number;
  #isClosed = false;

  constructor(private readonly parts: HealthReportsParts) {
    this.#sweptAt = parts.clock.monotonic();
  }

  /** Hears how a server is; tells it on where that is news. */
  hear(report: HealthReport): void {
    if (this.#isClosed) return;
    const entry = this.#entryOf(report);
    const now = this.parts.clock.monotonic();
    entry.heardAt = now;
    const isRepeated = report.health === "unhealthy" && now - entry.toldAt >= REPEAT_MS;
    entry.waiting = entry.toldKey === keyOf(report) && !isRepeated ? null : report;
    this.#arm(report.instanceId, entry);
    this.#sweep(now);
  }

  /** A log that does not know what was told: all is told anew with the next that is heard. */
  begin(): void {
    const toldAt = this.parts.clock.monotonic();
    for (const entry of this.#entries.values()) {
      Object.assign(entry, { toldKey: null, toldKind: null, toldAt, isRefused: false });
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const entry of this.#entries.values()) entry.cancel();
    this.#entries.clear();
  }

  #entryOf({ instanceId, runId }: HealthReport): Entry {
    const known = this.#entries.get(instanceId);
    if (known?.runId === runId) return known;
    // The worker before this one, or of the run before, may have told something just now.
    const now = this.parts.clock.monotonic();
    const fresh = {
      runId,
      toldKey: null,
      toldKind: null,
      toldAt: now,
      heardAt: now,
      gapMs: REPORT_GAP_MS,
      isRefused: false,
      waiting: null,
    };
    if (known) return Object.assign(known, fresh);
    const entry: Entry = { ...fresh, isSending: false, cancel: () => {} };
    this.#entries.set(instanceId, entry);
    return entry;
  }

  #arm(instanceId: string, entry: Entry): void {
    entry.cancel();
    entry.cancel = () => {};
    if (entry.waiting === null || entry.isSending) return;
    const gapMs = isSlow(entry, entry.waiting) ? entry.gapMs : REPORT_GAP_MS;
    const leftMs = Math.max(0, entry.toldAt + gapMs - this.parts.clock.monotonic());
    entry.cancel = this.parts.clock.after(leftMs, () => void this.#tell(instanceId, entry));
  }

  async #tell(instanceId: string, entry: Entry): Promise<void> {
    const report = entry.waiting;
    if (report === null || this.#isClosed) return;
    entry.waiting = null;
    entry.isSending = true;
    const isTold = await this.parts.send(report).catch(() => false);
    entry.isSending = false;
    if (this.#isClosed) return;
    entry.toldAt = this.parts.clock.monotonic();
    if (entry.runId === report.runId) {
      entry.isRefused = !isTold;
      entry.gapMs = isSlow(entry, report) ? Math.min(entry.gapMs * 2, GAP_MS_MAX) : REPORT_GAP_MS;
      if (isTold) Object.assign(entry, { toldKey: keyOf(report), toldKind: kindOf(report) });
      else entry.waiting ??= report;
      if (entry.waiting && keyOf(entry.waiting) === entry.toldKey) entry.waiting = null;
    }
    this.#arm(instanceId, entry);
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < FORGOTTEN_AFTER_MS) return;
    this.#sweptAt = now;
    for (const [instanceId, entry] of this.#entries) {
      const isIdle = entry.waiting === null && !entry.isSending;
      if (isIdle && now - entry.heardAt >= FORGOTTEN_AFTER_MS) this.#entries.delete(instanceId);
    }
  }
}

function isSlow(entry: Entry, report: HealthReport): boolean {
  return entry.isRefused || report.health === "starting" || kindOf(report) === entry.toldKind;
}

/** Equal for reports that differ in words only: how long something has been so, or how often it was tried. */
function kindOf({ health, cause, components }: HealthReport): string {
  return JSON.stringify([
    health,
    cause,
    components?.map(({ kind, name, status }) => [kind, name, status]),
  ]);
}

/** Equal for reports that say the same. */
function keyOf({ health, cause, reason, components, start }: HealthReport): string {
  return JSON.stringify([health, cause, reason, components, start?.step]);
}
