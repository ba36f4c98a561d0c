/** What instances print, as they print it: followed or held still, searched, cut or wrapped. Pure. */
import type { CommandId } from "../keymap.ts";
import { printable } from "../terminal_text.ts";
import type { Action } from "./action.ts";
import { layoutOf } from "./layout.ts";
import { type Line, span } from "./line.ts";
import { NO_LINES, withLines } from "./logs_buffer.ts";
import { bottomIndex, firstBottom } from "./logs_rows.ts";
import { countFound, nextFound, searchedBy, withLogs } from "./logs_search.ts";
import type { Model } from "./model.ts";
import { present } from "./places.ts";
import type { ScreenLogic } from "./screen_logic.ts";
import { type Step, step, tell } from "./step.ts";
import { inputOf } from "./text_input.ts";

const SLOT = "logs.";
/** So many outputs are followed at once. */
const SOURCES_MAX = 20;
/** Lines from before, of one output and of each of several. */
const TAIL = 1_000;
const TAIL_OF_SEVERAL = 100;

export const logsScreen: ScreenLogic = {
  title: "Logs",
  contexts: ["logs", "list", "instance"],
  targets: ({ places }) => present(places).instanceIds,
  crumb,
  note,
  detail,
  enter,
  leave: (model) => step(model, ...model.screens.logs.sources.map(unfollow)),
  on,
  run,
  escape: (model) => model.screens.logs.pattern === "" ? null : searchedBy(model, ""),
};

/** From the last lines on; what is searched for and how lines are shown stays. */
function enter(model: Model): Step {
  const { instanceIds } = present(model.places);
  const sources = instanceIds.slice(0, SOURCES_MAX);
  const begun = withLogs(model, {
    sources,
    ended: new Map(),
    buffer: NO_LINES,
    bottom: null,
    found: null,
  });
  const tail = sources.length > 1 ? TAIL_OF_SEVERAL : TAIL;
  const told = sources.length < instanceIds.length
    ? tell(begun, `The first ${SOURCES_MAX} of ${instanceIds.length} are followed.`)
    : begun;
  return step(
    told,
    ...sources.map((id) => ({
      kind: "follow" as const,
      slot: `${SLOT}${id}`,
      instanceId: id,
      wish: { tail },
    })),
  );
}

function unfollow(id: string): { kind: "unfollow"; slot: string } {
  return { kind: "unfollow", slot: `${SLOT}${id}` };
}

function on(model: Model, action: Action): Step {
  if (action.type !== "followed" || !action.slot.startsWith(SLOT)) return step(model);
  const id = action.slot.slice(SLOT.length);
  const { sources, buffer, ended } = model.screens.logs;
  if (!sources.includes(id)) return step(model);
  const { followed } = action;
  if (followed.kind === "lines") {
    return step(withLogs(model, { buffer: withLines(buffer, id, followed.lines, model.now) }));
  }
  const why = followed.kind === "failed"
    ? printable(`${followed.failure.message} ${followed.failure.hint}`)
    : followed.reason === "deleted"
    ? "it was deleted"
    : "its worker cannot tell what comes after what";
  return step(withLogs(model, { ended: new Map([...ended, [id, why]]) }));
}

function run(model: Model, command: CommandId): Step | null {
  const { logs } = model.screens;
  const page = layoutOf(model.terminal).body;
  switch (command) {
    case "search": {
      const { pattern, found, bottom } = logs;
      const before = { pattern, found, bottom };
      return step({ ...model, overlay: { kind: "search", input: inputOf(""), before } });
    }
    case "nextFound":
      return nextFound(model, 1);
    case "previousFound":
      return nextFound(model, -1);
    case "wrap":
      return step(withLogs(model, { wraps: !logs.wraps }));
    case "times":
      return step(withLogs(model, { hasTimes: !logs.hasTimes }));
    case "freeze":
      return step(logs.bottom === null ? held(model) : following(model));
    case "last":
      return step(following(model));
    case "up":
    case "down":
      return step(scrolled(model, command === "up" ? -1 : 1));
    case "halfUp":
    case "halfDown":
      return step(scrolled(model, Math.ceil(page / 2) * (command === "halfUp" ? -1 : 1)));
    case "pageUp":
    case "pageDown":
      return step(scrolled(model, page * (command === "pageUp" ? -1 : 1)));
    case "first":
      return step(scrolled(model, -Infinity));
    default:
      return null;
  }
}

/** Who scrolls up stays there, whatever comes; who comes to the end follows again. */
function scrolled(model: Model, by: number): Model {
  const { logs } = model.screens;
  const { lines } = logs.buffer;
  const at = Math.max(firstBottom(model), bottomIndex(logs) + by);
  return at >= lines.length - 1
    ? following(model)
    : withLogs(model, { bottom: lines[at]?.key ?? null });
}

function held(model: Model): Model {
  const last = model.screens.logs.buffer.lines.at(-1);
  return last === undefined
    ? tell(model, "There is nothing yet to hold still.")
    : withLogs(model, { bottom: last.key });
}

function following(model: Model): Model {
  return withLogs(model, { bottom: null });
}

function crumb({ screens: { logs } }: Model): Line {
  if (logs.pattern === "") return [];
  return [
    span(` /${logs.pattern}`, "accent"),
    span(` (${countFound(logs)} lines)`, "quiet"),
  ];
}

function note({ screens: { logs } }: Model): Line {
  const below = logs.buffer.lines.length - 1 - bottomIndex(logs);
  const ways = [logs.wraps ? "wrapped" : "", logs.hasTimes ? "times UTC" : ""];
  const text = ways.filter((way) => way !== "").map((way) => `${way}  `).join("");
  if (logs.bottom !== null) {
    return [span(text, "quiet"), span(`HELD STILL, ${below} below · f goes on`, "busy")];
  }
  const isOver = logs.sources.length > 0 && logs.ended.size === logs.sources.length;
  return logs.sources.length === 0
    ? []
    : [span(text, "quiet"), isOver ? span("ended", "bad") : span("following", "good")];
}

/** Of what nothing more comes; else how many lines there are. */
function detail({ screens: { logs: { buffer, ended, sources } }, fleet }: Model): Line {
  const [first] = ended;
  if (first !== undefined) {
    const [id, why] = first;
    const more = ended.size > 1 ? ` (+${ended.size - 1})` : "";
    return [span(`${fleet.instances.get(id)?.name ?? id}: ${why}${more}`, "bad")];
  }
  if (sources.length === 0) return [];
  const gone = buffer.dropped > 0 ? `, ${buffer.dropped} older ones are not kept here` : "";
  return [span(`${buffer.lines.length} lines${gone} · │ is standard error`, "quiet")];
}
