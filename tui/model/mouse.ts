/** What the mouse does: the wheel moves on, a click chooses a row, and opens the one that is chosen already. Pure. */
import { commandFor } from "../keymap.ts";
import { contextsOf, run } from "./commands.ts";
import { LINES_ABOVE } from "./layout.ts";
import type { Model } from "./model.ts";
import { movedTo } from "./list_cursor.ts";
import { overlayKey } from "./overlay_keys.ts";
import { presentScreen } from "./screen_table.ts";
import { type Step, step, then } from "./step.ts";

/** What lies over the screen is scrolled by it, too. */
export function wheel(model: Model, by: number): Step {
  const { overlay } = model;
  const [key, command] = by > 0 ? ["down", "down"] as const : ["up", "up"] as const;
  return repeated(
    model,
    Math.abs(by),
    (next) => overlay ? overlayKey(next, next.overlay ?? overlay, key) : run(next, command),
  );
}

export function click(model: Model, row: number): Step {
  const { list } = presentScreen(model);
  if (list === undefined || model.overlay !== null) return step(model);
  const cursor = list.cursor(model);
  const ids = list.ids(model);
  const at = row - LINES_ABOVE - list.linesAbove;
  const id = at >= 0 && at < list.height(model) ? ids[cursor.top + at] : undefined;
  if (id === undefined) return step(model);
  if (id === cursor.id) return opened(model);
  return step(list.withCursor(model, movedTo(cursor, ids, list.height(model), id)));
}

/** What Enter does. */
function opened(model: Model): Step {
  const command = commandFor("enter", contextsOf(model));
  return command === null ? step(model) : run(model, command);
}

function repeated(model: Model, times: number, once: (model: Model) => Step): Step {
  let all = step(model);
  for (let time = 0; time < times; time++) all = then(all, once);
  return all;
}
