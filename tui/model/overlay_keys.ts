/** What keys do in what lies over a screen: they type, choose, press a button, or close it. Pure. */
import { commandFor } from "../keymap.ts";
import { begin } from "./asking.ts";
import { run } from "./commands.ts";
import { searchedBy, withLogs } from "./logs_search.ts";
import type { Model } from "./model.ts";
import type { Confirm, Overlay } from "./overlay.ts";
import { chosenCommand, completed, paletteCommands } from "./palette.ts";
import { readingOf } from "./reading.ts";
import { presentScreen } from "./screen_table.ts";
import { type Step, step, tell } from "./step.ts";
import { edited, inputText, type TextInput, typed } from "./text_input.ts";
import { askWorker } from "./worker_asking.ts";

/** One key, while something lies over the screen. */
export function overlayKey(model: Model, overlay: Overlay, key: string): Step {
  switch (overlay.kind) {
    case "filter":
    case "search":
      return filterKey(model, overlay, key);
    case "palette":
      return paletteKey(model, overlay, key);
    case "confirm":
      return confirmKey(model, overlay, key);
    case "help":
    case "equivalents":
      return readingKey(model, overlay, key);
  }
}

/** Several characters at once: typed where there is something to type into, else of no meaning. */
export function overlayPaste(model: Model, overlay: Overlay, text: string): Step {
  switch (overlay.kind) {
    case "filter":
    case "search":
      return withFilterInput(model, overlay, typed(overlay.input, text));
    case "palette":
      return step(withOverlay(model, { ...overlay, input: typed(overlay.input, text), chosen: 0 }));
    default:
      // A question is not answered by what somebody happens to have copied.
      return step(model);
  }
}

type Filter = Extract<Overlay, { kind: "filter" | "search" }>;
type Palette = Extract<Overlay, { kind: "palette" }>;
type Reading = Extract<Overlay, { kind: "help" | "equivalents" }>;

function filterKey(model: Model, overlay: Filter, key: string): Step {
  switch (commandFor(key, ["typing"])) {
    case "accept":
      return step(closed(model));
    case "cancel":
      return step(asBefore(closed(model), overlay));
    default:
      return withFilterInput(model, overlay, inputAfter(overlay.input, key));
  }
}

function withFilterInput(model: Model, overlay: Filter, input: TextInput): Step {
  const shown = withOverlay(model, { ...overlay, input });
  return step(input === overlay.input ? model : narrowed(shown, overlay, inputText(input)));
}

function asBefore(model: Model, overlay: Filter): Model {
  return overlay.kind === "filter"
    ? filteredBy(model, overlay.before)
    : withLogs(model, overlay.before);
}

function narrowed(model: Model, { kind }: Filter, text: string): Model {
  return kind === "filter" ? filteredBy(model, text) : searchedBy(model, text);
}

function filteredBy(model: Model, text: string): Model {
  return presentScreen(model).filter?.by(model, text) ?? model;
}

function paletteKey(model: Model, overlay: Palette, key: string): Step {
  const found = paletteCommands(model, overlay);
  const chooseBy = (by: number) => {
    const chosen = found.length === 0 ? 0 : (overlay.chosen + by + found.length) % found.length;
    return step(withOverlay(model, { ...overlay, chosen }));
  };
  switch (commandFor(key, ["palette"])) {
    case "closePalette":
      return step(closed(model));
    case "previous":
      return chooseBy(-1);
    case "next":
      return chooseBy(1);
    case "complete":
      return step(withOverlay(model, completed(model, overlay)));
    case "choose": {
      const command = chosenCommand(model, overlay);
      return command === null
        ? step(
          tell(closed(model), `There is no command "${inputText(overlay.input)}" here.`, "bad"),
        )
        : run(closed(model), command);
    }
    default:
      return step(
        withOverlay(model, { ...overlay, input: inputAfter(overlay.input, key), chosen: 0 }),
      );
  }
}

function confirmKey(model: Model, confirm: Confirm, key: string): Step {
  const canPress = isConfirmed(confirm);
  switch (commandFor(key, ["confirm"])) {
    case "dismiss":
      return step(closed(model));
    case "otherButton":
      return step(withOverlay(model, { ...confirm, isOnIt: canPress && !confirm.isOnIt }));
    case "press":
      return confirm.isOnIt && canPress ? pressed(model, confirm) : step(closed(model));
    default:
      return step(withOverlay(model, confirmTyped(confirm, key)));
  }
}

function pressed(model: Model, { deed }: Confirm): Step {
  return "workerId" in deed ? askWorker(model, deed) : begin(model, deed);
}

/** Once what must be typed is there, the button that does it is chosen: whoever typed it meant it. */
function confirmTyped(confirm: Confirm, key: string): Confirm {
  if (confirm.mustType === null) return confirm;
  const input = inputAfter(confirm.typed, key);
  return { ...confirm, typed: input, isOnIt: inputText(input) === confirm.mustType.text };
}

/** Whether everything that must be typed has been typed. */
function isConfirmed({ mustType, typed }: Confirm): boolean {
  return mustType === null || inputText(typed) === mustType.text;
}

function readingKey(model: Model, overlay: Reading, key: string): Step {
  const { lines, height } = readingOf(model, overlay);
  const scroll = (by: number) => {
    const top = Math.max(0, Math.min(overlay.top + by, lines.length - height));
    return step(withOverlay(model, { ...overlay, top }));
  };
  switch (commandFor(key, ["reading"])) {
    case "closeReading":
      return step(closed(model));
    case "scrollDown":
      return scroll(key === "down" || key === "j" ? 1 : height);
    case "scrollUp":
      return scroll(key === "up" || key === "k" ? -1 : -height);
    default:
      return step(model);
  }
}

/** Keys of one character type it, others edit. */
function inputAfter(input: TextInput, key: string): TextInput {
  if (key === "space") return typed(input, " ");
  return edited(input, key) ?? (isCharacter(key) ? typed(input, key) : input);
}

/** Names of keys are longer than a character, but for characters that are written with several. */
function isCharacter(key: string): boolean {
  return key.length === 1 || !/^[a-z0-9+]+$/.test(key);
}

function withOverlay(model: Model, overlay: Overlay): Model {
  return { ...model, overlay };
}

function closed(model: Model): Model {
  return { ...model, overlay: null };
}
