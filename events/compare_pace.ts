/** When a worker is to compare what it has on its host with what the log holds of it. */

/** Unheard for longer, it may have been spoken of as lost, and what expired meanwhile went on without it. */
const SILENT_MS = 5_000;
/** What slips past every single report is found by looking again: an orphan of a rollback, a record that was lost. */
const COMPARE_EVERY_MS = 30_000;

/** Told of each heartbeat that the log has taken, by the log's clock, which may jump. Milliseconds. */
export class ComparePace {
  private heardAt = Infinity;
  private comparedAt = Infinity;

  /** Whether it is time to compare, now that a heartbeat was taken at `at`. */
  isDue(at: number): boolean {
    const isDue = at - this.heardAt > SILENT_MS || at - this.comparedAt > COMPARE_EVERY_MS;
    this.heardAt = at;
    this.comparedAt = isDue ? at : Math.min(at, this.comparedAt);
    return isDue;
  }
}
