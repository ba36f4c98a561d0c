/** What a screen is to the model: its keys, its list, what it does when it comes, when it goes, and at what happens. */
import type { CommandId, Context } from "../keymap.ts";
import type { Action } from "./action.ts";
import type { Line } from "./line.ts";
import type { ListCursor } from "./list_cursor.ts";
import type { Model } from "./model.ts";
import type { Step } from "./step.ts";

/** Rows to move in; `up`, `down`, `first` and the others work on it by themselves. */
export interface ScreenList {
  /** What is shown, in order. */
  ids(model: Model): readonly string[];
  /** How many lines of the body come before the rows; for clicks. */
  linesAbove: number;
  /** How many rows there is room for. */
  height(model: Model): number;
  cursor(model: Model): ListCursor;
  withCursor(model: Model, cursor: ListCursor): Model;
}

/** What `/` filters by on a screen; every key that is typed counts at once. */
export interface ScreenFilter {
  text(model: Model): string;
  by(model: Model, text: string): Model;
  /** How many rows it lets through, of how many. */
  count(model: Model): { shown: number; of: number };
}

/** A screen without any of the optional parts only draws. */
export interface ScreenLogic {
  /** In the breadcrumbs. */
  title: string;
  /** Beside `all`: the screen's own first. */
  contexts: readonly Context[];
  list?: ScreenList;
  filter?: ScreenFilter;
  /** The instances that `s`, `x`, `l` and the others are about: marked ones, or the chosen one. */
  targets?(model: Model): readonly string[];
  /** After its title, in the line of the breadcrumbs: a filter, a count. */
  crumb?(model: Model): Line;
  /** At the right of that line. */
  note?(model: Model): Line;
  /** What is said of the chosen row. */
  detail?(model: Model): Line;
  /** It has come on the screen. `present(model.places)` says for which instances. */
  enter?(model: Model): Step;
  /** It is about to leave the screen: it lets go of what it follows. */
  leave?(model: Model): Step;
  /** Whatever has happened while it is shown, after the fleet has taken it up. */
  on?(model: Model, action: Action): Step;
  /** One of its commands; null where it is none of its own. */
  run?(model: Model, command: CommandId): Step | null;
  /** Esc: what it closes before one goes back; null where there is nothing. */
  escape?(model: Model): Model | null;
}
