/** What a terminal says of its mouse, as actions: SGR reports (xterm, "Extended coordinates"), found in what is typed. Pure. */
import type { Action } from "../model/action.ts";

/** Clicks and the wheel, with coordinates beyond column 223; and their end. */
export const MOUSE_ON = "\u001b[?1000h\u001b[?1006h";
export const MOUSE_OFF = "\u001b[?1006l\u001b[?1000l";

// deno-lint-ignore no-control-regex -- that is what a report begins with
const REPORT = /\u001b\[<(\d{1,4});(\d{1,5});(\d{1,5})([Mm])/g;
// deno-lint-ignore no-control-regex -- a report of which the end is still to come
const BEGUN = /\u001b(\[(<[\d;]{0,16})?)?$/;

const LEFT = 0;
const WHEEL_UP = 64;
const WHEEL_DOWN = 65;
const ROWS_PER_TURN = 3;

/** Reads piece after piece of the input; a report may come in two. */
export class MouseReports {
  private begun = "";

  read(text: string): Action[] {
    const whole = this.begun + text;
    this.begun = BEGUN.exec(whole)?.[0] ?? "";
    return Array.from(
      whole.matchAll(REPORT),
      ([, button, column, row, end]) =>
        actionOf(Number(button), Number(column) - 1, Number(row) - 1, end === "M"),
    )
      .filter((action) => action !== null);
  }
}

function actionOf(button: number, column: number, row: number, isDown: boolean): Action | null {
  if (button === WHEEL_UP) return { type: "wheel", by: -ROWS_PER_TURN };
  if (button === WHEEL_DOWN) return { type: "wheel", by: ROWS_PER_TURN };
  return button === LEFT && isDown ? { type: "click", column, row } : null;
}
