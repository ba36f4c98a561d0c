/** From screen to screen: what is left lets go, what is entered begins. Pure. */
import { type Model, shownEvents, shownFleet, shownWorkers } from "./model.ts";
import {
  backFrom,
  opened,
  type Places,
  present,
  type ScreenId,
  switched,
  turnedBack,
} from "./places.ts";
import { presentScreen } from "./screen_table.ts";
import { type Step, step, then } from "./step.ts";

/** Opens a screen on the present one, for these instances. */
export function open(model: Model, screen: ScreenId, instanceIds: readonly string[]): Step {
  const here = present(model.places);
  const isHere = here.screen === screen && here.instanceIds.join() === instanceIds.join();
  return isHere ? step(model) : go(model, opened(model.places, { screen, instanceIds }));
}

/** A screen by its number. */
export function switchTo(model: Model, screen: ScreenId): Step {
  const isHere = present(model.places).screen === screen;
  return isHere ? step(model) : go(model, switched(model.places, screen));
}

/** To the screen that one was on before. */
export function turnBack(model: Model): Step {
  const places = turnedBack(model.places);
  return places === null ? step(model) : go(model, places);
}

/** Esc: closes what is open on the screen, then goes one back; never leaves the program. */
export function back(model: Model): Step {
  if (model.frozen !== null) return step({ ...model, frozen: null });
  const inside = presentScreen(model).escape?.(model);
  if (inside) return step(inside);
  const places = backFrom(model.places);
  return places === null ? step(model) : go(model, places);
}

/** Holds the screen still, or lets it go on. */
export function freeze(model: Model): Step {
  const frozen = model.frozen === null
    ? {
      fleet: shownFleet(model),
      workers: shownWorkers(model),
      events: shownEvents(model),
      waiting: 0,
    }
    : null;
  return step({ ...model, frozen });
}

function go(model: Model, places: Places): Step {
  const left = presentScreen(model).leave?.(model) ?? step(model);
  return then(
    then(left, (before) => step({ ...before, places, frozen: null })),
    (entered) => presentScreen(entered).enter?.(entered) ?? step(entered),
  );
}
