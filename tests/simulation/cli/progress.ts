/** How far a run has come, in one line that is drawn again and again, or in a line now and then where no one looks. */

/** Where progress is shown: the standard error, so that the standard output can be read by programs. */
export interface Screen {
  /** Null: not a terminal. */
  columns: number | null;
  hasColor: boolean;
  write(text: string): void;
  /** Milliseconds of real time. */
  now(): number;
}

export interface SeedProgress {
  seeds: number;
  /** Infinity: until the time is over. */
  seedsOf: number;
  seconds: number;
  secondsOf: number;
  events: number;
  violations: number;
}

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_COLUMNS_MAX = 30;
const GREEN = 32;
const RED = 31;

/** Draws lines, no more often than one can see. */
export class ProgressLine {
  private shownAt = -Infinity;
  private isDrawn = false;

  constructor(private readonly screen: Screen) {
    // A log begins with news, not with a line that says that there is none.
    if (screen.columns === null) this.shownAt = screen.now();
  }

  /** @param text makes the line for so many columns */
  show(text: (columns: number) => string): void {
    const { columns } = this.screen;
    const now = this.screen.now();
    if (now - this.shownAt < (columns === null ? LINE_MS : REDRAW_MS)) return;
    this.shownAt = now;
    this.isDrawn = columns !== null;
    const line = text(columns ?? 100);
    this.screen.write(columns === null ? `${line.trim()}\n` : `\r\x1b[2K${line}`);
  }

  /** Leaves an empty line for what comes next. */
  clear(): void {
    if (this.isDrawn) this.screen.write("\r\x1b[2K");
    this.isDrawn = false;
  }
}

/** `━━━━━━────── 42 %  4,211 of 10,000 seeds  23.4/s  4 min left  1,203,117 events  no violation`. */
export function seedLine(progress: SeedProgress, columns: number, hasColor: boolean): string {
  const { seeds, seedsOf, seconds, secondsOf, events, violations } = progress;
  const share = shareOf(progress);
  const left = share > 0 && share < 1 ? ` · ${durationText(seconds / share - seconds)} left` : "";
  const text = [
    `${Math.floor(share * 100)} %`.padStart(5),
    ` · ${amount(seeds)}${seedsOf === Infinity ? "" : ` of ${amount(seedsOf)}`} seeds`,
    ` · ${rateText(seeds, seconds)}`,
    secondsOf === Infinity && seedsOf === Infinity ? "" : left,
    ` · ${amount(events)} events`,
    ` · ${violations === 0 ? "no violation" : `${violations} violated`}`,
  ].join("");
  const width = Math.min(BAR_COLUMNS_MAX, columns - text.length - 2);
  if (width < 5) return text.slice(0, Math.max(0, columns - 1));
  const full = Math.round(share * width);
  const color = (code: number, part: string) => hasColor ? `\x1b[${code}m${part}\x1b[0m` : part;
  const bar = color(violations === 0 ? GREEN : RED, "━".repeat(full)) + "─".repeat(width - full);
  return `${bar}${text}`;
}

/** `23.4 seeds/s`. */
export function rateText(seeds: number, seconds: number): string {
  return `${(seconds > 0 ? seeds / seconds : 0).toFixed(1)} seeds/s`;
}

/** `12 s`, `4 min`, `2.5 h`. */
export function durationText(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3_600).toFixed(1)} h`;
}

/** `1,203,117`. */
export function amount(value: number): string {
  return value.toLocaleString("en-US");
}

/** Whichever limit is nearer. */
function shareOf({ seeds, seedsOf, seconds, secondsOf }: SeedProgress): number {
  return Math.min(1, Math.max(seeds / seedsOf, seconds / secondsOf));
}
