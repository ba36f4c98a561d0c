/** The one place that writes: data to the one stream, words and progress to the other, never mixed up. */
import type { CliHost, TextSink } from "../host.ts";
import { type Format, type ItemKind, listText, streamedText } from "./envelope.ts";
import { printable } from "../../tui/terminal_text.ts";
import { coloured, hasColours, type Paint, plain } from "./paint.ts";
import { problemText } from "./problem_text.ts";
import { type Column, tableText } from "./table.ts";

const FRAME_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const CLEAR_LINE = "\r\u001b[K";

/** What is printed of a list, in each form. */
export interface Listing<Row> {
  kind: ItemKind;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** For `-o name`. */
  name(row: Row): string;
}

/** Nobody reads the data any more: a command that only reads is over, and nothing is wrong. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

/** A command's voice. */
export class Printer {
  /** For what goes to the data. */
  readonly paint: Paint;
  private readonly paintWords: Paint;
  private hasSpinner = false;
  private isChanging = false;

  constructor(private readonly host: CliHost, readonly format: Format) {
    const { environment, stdout, stderr } = host;
    this.paint = hasColours(stdout.isTerminal, environment) ? coloured : plain;
    this.paintWords = hasColours(stderr.isTerminal, environment) ? coloured : plain;
  }

  get isWide(): boolean {
    return this.format === "wide";
  }

  /** Whether programs read it: lines for people are left out then. */
  get isStructured(): boolean {
    return this.format === "json" || this.format === "yaml";
  }

  /** From now on something is changed: the command goes on to its end also where nobody reads its data. */
  beginChange(): void {
    this.isChanging = true;
  }

  /**
   * Data, as it is.
   * @throws {OutputClosed} when nobody reads it and nothing is being changed
   */
  data(text: string): void {
    this.write(this.host.stdout, text);
    if (this.host.stdout.isClosed && !this.isChanging) throw new OutputClosed();
  }

  /** A whole list in the form that was asked for. */
  list<Row>({ kind, rows, columns, name }: Listing<Row>): void {
    const { stdout } = this.host;
    if (this.format === "json" || this.format === "yaml") {
      return this.data(listText(this.format, kind, rows));
    }
    if (this.format === "name") {
      return this.data(rows.map((row) => `${printable(name(row))}\n`).join(""));
    }
    const width = stdout.isTerminal ? stdout.columns() : Infinity;
    if (rows.length > 0) this.data(tableText(columns, rows, { paint: this.paint, width }));
  }

  /** One item of what has no end, in the form that was asked for. */
  streamed(kind: ItemKind, item: unknown, line: () => string): void {
    this.data(
      this.format === "json" || this.format === "yaml"
        ? streamedText(this.format, kind, item)
        : line(),
    );
  }

  /** Words for people, beside the data. */
  say(text: string): void {
    this.write(this.host.stderr, `${text}\n`);
  }

  /** What went wrong, of whom, and what to do next. */
  complain(error: unknown, whose: { subject?: string; again?: string } = {}): void {
    this.write(this.host.stderr, problemText(error, { ...whose, paint: this.paintWords }));
  }

  /** Shows that something goes on until `work` is over; nothing where nobody watches. */
  async during<T>(words: () => string, work: Promise<T>): Promise<T> {
    const { stderr, clock, environment } = this.host;
    if (!stderr.isTerminal || environment.TERM === "dumb") return await work;
    let cancel = () => {};
    const draw = (frame: number) => {
      const text = `${FRAMES[frame % FRAMES.length]} ${words()}`;
      stderr.write(`${CLEAR_LINE}${text.slice(0, stderr.columns() - 1)}`);
      this.hasSpinner = true;
      cancel = clock.after(FRAME_MS, () => draw(frame + 1));
    };
    // What is over at once needs no spinner.
    cancel = clock.after(FRAME_MS, () => draw(0));
    try {
      return await work;
    } finally {
      cancel();
      this.clearSpinner();
    }
  }

  private write(sink: TextSink, text: string): void {
    this.clearSpinner();
    sink.write(text);
  }

  private clearSpinner(): void {
    if (this.hasSpinner) this.host.stderr.write(CLEAR_LINE);
    this.hasSpinner = false;
  }
}
