/** The reducer: what every action makes of the model, and what is to be done in the world because of it. Pure. */
import type { EventAnswer, InstanceAnswer, ReadinessAnswer } from "../../http/client/answers.ts";
import type { Availability } from "../../http/client/fleet_port.ts";
import { commandFor } from "../keymap.ts";
import { printable } from "../terminal_text.ts";
import type { Action } from "./action.ts";
import { contextsOf, run } from "./commands.ts";
import type { Effect } from "./effect.ts";
import { withEvents, withGap } from "./events_state.ts";
import { relisted, withInstances, withoutInstance } from "./fleet_index.ts";
import { withoutGone } from "./fleet_screen.ts";
import { instanceOf } from "./instance.ts";
import { answered, endText } from "./jobs.ts";
import { settled } from "./list_cursor.ts";
import type { Connection, Model } from "./model.ts";
import { click, wheel } from "./mouse.ts";
import { open } from "./navigation.ts";
import { overlayKey, overlayPaste } from "./overlay_keys.ts";
import { readingOf } from "./reading.ts";
import { presentScreen } from "./screen_table.ts";
import { type Step, step, tell, then } from "./step.ts";
import { dueQueries, withAnswer } from "./system_questions.ts";
import { lasting } from "./toasts.ts";

/** The model after an action. Whatever happens, each list shows its chosen row. */
export function reduce(model: Model, action: Action): { model: Model; effects: readonly Effect[] } {
  const own = then(
    take(model, action),
    (next) => presentScreen(next).on?.(next, action) ?? step(next),
  );
  const { go, ...gone } = own;
  const taken = go ? then(gone, (next) => open(next, go.screen, go.instanceIds)) : gone;
  return { effects: taken.effects, model: inSight(taken.model) };
}

function take(model: Model, action: Action): Step {
  switch (action.type) {
    case "key":
      return keyed(model, action.key);
    case "pasted":
      return model.overlay === null ? step(model) : overlayPaste(model, model.overlay, action.text);
    case "wheel":
      return wheel(model, action.by);
    case "click":
      return click(model, action.row);
    case "resized":
      return step({ ...model, terminal: { columns: action.columns, rows: action.rows } });
    case "tick":
      return dueQueries({
        ...model,
        now: action.now,
        toasts: lasting(model.toasts, action.now),
      });
    case "listed": {
      const fleet = relisted(model.fleet, action.items.map(instanceOf));
      return dueQueries(withoutGone({ ...model, fleet, isListed: true }));
    }
    case "changed":
      return step(changed(model, action.items));
    case "gone": {
      const fleet = withoutInstance(model.fleet, action.instanceId);
      return step(withoutGone({ ...model, fleet }));
    }
    case "events":
      return step(waited(recorded(model, action.events), action.events.length));
    case "gap":
      return step(withLog(model, withGap(model.screens.events, action.text, model.now)));
    case "notice":
      return step(tell(model, action.text, "bad"));
    case "availability":
      return step({ ...model, connection: connectionOf(action.availability) });
    case "answered":
      return step(withAnswered(model, action));
    case "unanswered":
      return step(withAnswer(model, action.slot));
    case "asked":
      return step(withAsked(model, action));
    case "followed":
      return step(model);
    case "done":
    case "edited": {
      const { failure } = action;
      return step(failure ? tell(model, `${failure.message} ${failure.hint}`, "bad") : model);
    }
  }
}

function keyed(model: Model, key: string): Step {
  if (key === "ctrl+c") return run(model, "leave");
  if (model.overlay !== null) return overlayKey(model, model.overlay, key);
  const command = commandFor(key, contextsOf(model));
  return command === null ? step(model) : run(model, command);
}

function changed(model: Model, items: readonly InstanceAnswer[]): Model {
  return withoutGone({ ...model, fleet: withInstances(model.fleet, items.map(instanceOf)) });
}

/** The fleet's log goes on also while its screen is not shown. */
function recorded(model: Model, events: readonly EventAnswer[]): Model {
  const nameOf = (id: string) => model.fleet.instances.get(id)?.name;
  return withLog(model, withEvents(model.screens.events, events, nameOf));
}

function withLog(model: Model, events: Model["screens"]["events"]): Model {
  return { ...model, screens: { ...model.screens, events } };
}

/** While the screen is held still, it is counted what it does not show. */
function waited(model: Model, events: number): Model {
  const { frozen } = model;
  return frozen ? { ...model, frozen: { ...frozen, waiting: frozen.waiting + events } } : model;
}

function withAnswered(
  model: Model,
  { slot, answer }: Extract<Action, { type: "answered" }>,
): Model {
  const next = withAnswer(model, slot);
  switch (answer.kind) {
    case "workers":
      return { ...next, workers: answer.value };
    case "instance":
      return changed(next, [answer.value]);
    case "instances":
      return changed(next, answer.value);
    case "readiness":
      return withReadiness(next, answer.value);
    default:
      return next;
  }
}

/** The answer tells the instance, too: it may be here before its events are. */
function withAsked(model: Model, { job: id, result }: Extract<Action, { type: "asked" }>): Model {
  const job = model.jobs.find((one) => one.id === id);
  const instance = result.kind === "failed" ? null : result.instance;
  const known = instance ? changed(model, [instance]) : model;
  if (job === undefined) return known;
  const after = answered(job, result);
  if (after.answered < after.total) {
    return { ...known, jobs: known.jobs.map((one) => one.id === id ? after : one) };
  }
  const { text, tone } = endText(after);
  return tell({ ...known, jobs: known.jobs.filter((one) => one.id !== id) }, text, tone);
}

function connectionOf(availability: Availability): Connection {
  const { kind, since } = availability;
  if (kind === "live") return { kind, since };
  const reason = printable(availability.error?.message ?? "");
  return { kind, since, reason };
}

/** A control plane that is heard may itself have lost sight of its log. */
function withReadiness(model: Model, { ready, reasons }: ReadinessAnswer): Model {
  const { connection, now } = model;
  if (ready) {
    return connection.kind === "away"
      ? { ...model, connection: { kind: "live", since: now } }
      : model;
  }
  if (connection.kind === "connecting" || connection.kind === "reconnecting") return model;
  const since = connection.kind === "away" ? connection.since : now;
  const reason = printable(reasons.join("; "));
  return { ...model, connection: { kind: "away", since, reason } };
}

function inSight(model: Model): Model {
  const { overlay } = model;
  const { list } = presentScreen(model);
  const next = overlay?.kind === "help" || overlay?.kind === "equivalents"
    ? { ...model, overlay: { ...overlay, top: topWithin(model, overlay) } }
    : model;
  if (list === undefined) return next;
  const before = list.cursor(next);
  const cursor = settled(before, list.ids(next), list.height(next));
  const isSame = cursor.id === before.id && cursor.index === before.index &&
    cursor.top === before.top;
  return isSame ? next : list.withCursor(next, cursor);
}

function topWithin(model: Model, overlay: Parameters<typeof readingOf>[1]): number {
  const { lines, height } = readingOf(model, overlay);
  return Math.max(0, Math.min(overlay.top, lines.length - height));
}
