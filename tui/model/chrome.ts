/** The lines around every screen: title and state of the connection, where one is, what is said, and the hints. Pure. */
import { type Command, COMMANDS, type Context, keyText } from "../keymap.ts";
import { STATUSES } from "../../machines/requests.ts";
import { contextsOf } from "./commands.ts";
import { durationText, statusTone } from "./instance_text.ts";
import { progressText } from "./jobs.ts";
import { joinParts, type Line, lineOf, type Part, span, spread } from "./line.ts";
import { type Model, shownFleet } from "./model.ts";
import type { Overlay } from "./overlay.ts";
import type { Place } from "./places.ts";
import { presentScreen, SCREENS } from "./screen_table.ts";
import { inputLine } from "./text_input.ts";

/** Which program, where, whether it is the present, how many of what, and the time. */
export function titleLine(model: Model, width: number): Line {
  const { url, version } = model.origin;
  const live = model.workers.filter(({ lost, silent }) => !lost && !silent);
  const all = model.workers.length;
  const parts: Part[] = [
    { rank: 0, line: [span("DRaaS", "strong")] },
    { rank: 7, line: lineOf(version, "quiet") },
    { rank: 6, line: lineOf(url, "quiet") },
    { rank: 1, line: connectionLine(model) },
    {
      rank: 5,
      line: lineOf(`${live.length}/${all} workers`, live.length < all ? "bad" : "plain"),
    },
    { rank: 3, line: countsLine(model) },
  ];
  return spread(joinParts(parts, width), [], width);
}

/** `live`; or that it is not, and since when. */
function connectionLine({ connection, now }: Model): Line {
  switch (connection.kind) {
    case "live":
      return lineOf("● live", "good");
    case "connecting":
      return lineOf("◌ connecting", "busy");
    case "reconnecting": {
      const age = durationText(now - connection.since);
      return lineOf(`◌ reconnecting, stale for ${age}`, "bad");
    }
    case "away": {
      const age = durationText(now - connection.since);
      return lineOf(`◌ LOG AWAY for ${age}`, "bad");
    }
  }
}

/** `3 Running 1 Failed`, each in the tone of its status. */
export function countsLine(model: Model): Line {
  const { counts, instances } = shownFleet(model);
  if (instances.size === 0) return lineOf("no instances", "quiet");
  return STATUSES.filter((status) => counts[status] > 0).flatMap((status, at) => [
    span(at === 0 ? "" : " "),
    span(`${counts[status]} ${status}`, statusTone(status)),
  ]);
}

/** Where one is, what is filtered by or typed, and what the screen says of itself. */
export function crumbLine(model: Model, width: number): Line {
  const { overlay, frozen } = model;
  const places = model.places.stack.map((place, at): Line => [
    span(at === 0 ? "" : " › ", "quiet"),
    span(placeText(model, place), at === model.places.stack.length - 1 ? "strong" : "quiet"),
  ]).flat();
  if (overlay?.kind === "filter") {
    const { shown, of } = presentScreen(model).filter?.count(model) ?? { shown: 0, of: 0 };
    const count = span(`  ${shown} of ${of}`, "quiet");
    return spread([...places, span("  /"), ...inputLine(overlay.input), count], [], width);
  }
  if (overlay?.kind === "search") {
    return spread([...places, span("  /"), ...inputLine(overlay.input)], [], width);
  }
  const screen = presentScreen(model);
  const held = frozen === null
    ? []
    : [span(`HELD STILL, ${frozen.waiting} waiting · f goes on  `, "busy")];
  const note = [...held, ...screen.note?.(model) ?? []];
  return spread([...places, span(" "), ...screen.crumb?.(model) ?? []], note, width);
}

function placeText(model: Model, { screen, instanceIds }: Place): string {
  const { title } = SCREENS[screen];
  const [first] = instanceIds;
  if (first === undefined) return title;
  if (instanceIds.length > 1) return `${title} of ${instanceIds.length}`;
  return `${title} ${model.fleet.instances.get(first)?.name ?? first}`;
}

/** What happened last; else what is being done, why the present is not known, or what the chosen row is. */
export function detailLine(model: Model, width: number): Line {
  const toast = model.toasts.at(-1);
  if (toast) {
    const more = model.toasts.length > 1 ? ` (+${model.toasts.length - 1})` : "";
    return spread(
      lineOf(`${SIGNS[toast.tone] ?? ""}${toast.text}`, toast.tone),
      lineOf(more),
      width,
    );
  }
  const job = model.jobs.at(-1);
  if (job) {
    const more = model.jobs.length > 1 ? ` and ${model.jobs.length - 1} more` : "";
    return spread(lineOf(`${progressText(job)}${more}`, "busy"), [], width);
  }
  if ("reason" in model.connection && model.connection.reason !== "") {
    return spread(lineOf(`what is shown may be old: ${model.connection.reason}`, "bad"), [], width);
  }
  return spread(presentScreen(model).detail?.(model) ?? [], [], width);
}

const SIGNS: Partial<Record<string, string>> = { good: "✔ ", bad: "✖ ", busy: "… " };

/** The keys that count now, the most useful first, as far as there is room. */
export function hintLine(model: Model, width: number): Line {
  const { overlay } = model;
  const parts = overlay === null ? screenHints(model) : overlayHints(overlay);
  return spread(joinParts(parts, width), [], width);
}

function screenHints(model: Model): Part[] {
  const contexts = contextsOf(model);
  return COMMANDS.filter(({ hint, context }) => hint && contexts.includes(context))
    .sort((a, b) => a.hint!.rank - b.hint!.rank)
    .map(({ keys, hint }) => hintPart(keys[0]!, hint!.word, hint!.rank));
}

const MODES: Readonly<Record<Overlay["kind"], Context>> = {
  filter: "typing",
  search: "typing",
  palette: "palette",
  confirm: "confirm",
  help: "reading",
  equivalents: "reading",
};

function overlayHints({ kind }: Overlay): Part[] {
  const commands: readonly Command[] = COMMANDS.filter(({ context }) => context === MODES[kind]);
  return commands.map(({ keys, title }, at) => hintPart(keys[0]!, title, at));
}

function hintPart(key: string, word: string, rank: number): Part {
  return { rank, line: [span(keyText(key), "accent"), span(` ${word}`)] };
}

/** What a terminal shows that is too small for a table. */
export function tinyLines(
  model: Model,
  { columns, rows }: { columns: number; rows: number },
): Line[] {
  return [
    lineOf("DRaaS", "strong"),
    countsLine(model),
    lineOf(`This terminal is ${columns}×${rows}: please make it`),
    lineOf("50×12 or larger."),
    lineOf("q leaves; the servers run on."),
  ];
}
