/**
 * The one table of what a person can do: the words, the keys, and where they count. Help (`?`), the hints of the last
 * line, the palette (`:`) and `docs/tui.md` are made from it. Lower-case letters read or can be undone, upper-case ones
 * destroy or edit; no key of Ctrl that is a habit of an editor destroys anything.
 */

/**
 * Where a command counts. `all`: everywhere. `list`: screens with rows to move in. `marks`: lists that can be marked.
 * `instance`: screens that have instances in hand. A screen's own name: there only. The others are modes, in which
 * nothing else counts.
 */
export type Context =
  | "all"
  | "list"
  | "marks"
  | "instance"
  | "fleet"
  | "workers"
  | "events"
  | "logs"
  | "details"
  | "typing"
  | "palette"
  | "confirm"
  | "reading";

export interface Command {
  id: string;
  context: Context;
  /** By `Key` names; the first is shown first. Empty: only in the palette. */
  keys: readonly string[];
  /** As a sentence's beginning: `start it`. */
  title: string;
  /** The word in the hints of the last line; absent: not there. Lower means earlier. */
  hint?: { word: string; rank: number };
  /** The word in the palette; absent: not there. */
  word?: string;
}

export const KEYMAP = [
  // Instances.
  {
    id: "start",
    context: "instance",
    keys: ["s"],
    title: "start it, or what is marked",
    hint: { word: "start", rank: 1 },
    word: "start",
  },
  {
    id: "stop",
    context: "instance",
    keys: ["x"],
    title: "stop it, or what is marked",
    hint: { word: "stop", rank: 2 },
    word: "stop",
  },
  {
    id: "restart",
    context: "instance",
    keys: ["r"],
    title: "restart it, or what is marked",
    hint: { word: "restart", rank: 3 },
    word: "restart",
  },
  {
    id: "delete",
    context: "instance",
    keys: ["D"],
    title: "delete it, or what is marked; asks before",
    hint: { word: "delete", rank: 9 },
    word: "delete",
  },
  {
    id: "openInstance",
    context: "instance",
    keys: ["enter", "d"],
    title: "open it: all that is known of it",
    hint: { word: "open", rank: 4 },
    word: "open",
  },
  {
    id: "openLogs",
    context: "instance",
    keys: ["l"],
    title: "read what it prints, or what is marked prints",
    hint: { word: "logs", rank: 5 },
    word: "logs",
  },
  {
    id: "openTimeline",
    context: "instance",
    keys: ["e"],
    title: "its events, and travel through them",
    hint: { word: "events", rank: 8 },
    word: "timeline",
  },
  {
    id: "copyId",
    context: "instance",
    keys: ["c"],
    title: "copy its id",
    word: "copy-id",
  },
  {
    id: "demo",
    context: "fleet",
    keys: [],
    title: "create four programs to play with, where there is no fleet yet",
    word: "demo",
  },
  // Marks.
  { id: "mark", context: "marks", keys: ["space"], title: "mark it, and go on" },
  {
    id: "markRange",
    context: "marks",
    keys: ["v"],
    title: "mark from here on; again: up to here",
  },
  { id: "markAll", context: "marks", keys: ["*"], title: "mark all that the filter shows" },
  { id: "unmarkAll", context: "marks", keys: ["\\"], title: "take all marks away" },
  // The fleet's table.
  {
    id: "filter",
    context: "fleet",
    keys: ["/"],
    title: "filter: a text, state:failed, team=core, !not",
    hint: { word: "filter", rank: 6 },
    word: "filter",
  },
  { id: "sortLeft", context: "fleet", keys: ["<"], title: "sort by the column to the left" },
  { id: "sortRight", context: "fleet", keys: [">"], title: "sort by the column to the right" },
  { id: "sortReverse", context: "fleet", keys: ["o"], title: "turn the order round" },
  // Workers.
  {
    id: "openLoad",
    context: "workers",
    keys: ["enter"],
    title: "the fleet, filtered by what it has",
    hint: { word: "its instances", rank: 1 },
    word: "its-instances",
  },
  {
    id: "drain",
    context: "workers",
    keys: ["a"],
    title: "set it aside: it takes no new starts; asks before",
    hint: { word: "drain", rank: 2 },
    word: "drain",
  },
  {
    id: "resume",
    context: "workers",
    keys: ["u"],
    title: "use it again after a drain; asks before",
    hint: { word: "resume", rank: 3 },
    word: "resume",
  },
  {
    id: "forget",
    context: "workers",
    keys: ["F"],
    title: "give it up, as its host does not come back; wants its id typed",
    hint: { word: "forget", rank: 4 },
    word: "forget",
  },
  // Events of the fleet.
  {
    id: "filterEvents",
    context: "events",
    keys: ["/"],
    title: "filter: a text, type:start, by:eva, name:web, !not",
    hint: { word: "filter", rank: 6 },
    word: "filter-events",
  },
  // Logs.
  {
    id: "search",
    context: "logs",
    keys: ["/"],
    title: "search for a text, any case",
    hint: { word: "search", rank: 1 },
    word: "search",
  },
  { id: "nextFound", context: "logs", keys: ["n"], title: "to the next line that has it" },
  { id: "previousFound", context: "logs", keys: ["N"], title: "to the one before" },
  {
    id: "wrap",
    context: "logs",
    keys: ["w"],
    title: "wrap long lines; again: cut them",
    hint: { word: "wrap", rank: 2 },
    word: "wrap",
  },
  {
    id: "times",
    context: "logs",
    keys: ["t"],
    title: "show when each line was printed, UTC; again: not",
    hint: { word: "times", rank: 3 },
    word: "times",
  },
  // One instance.
  {
    id: "why",
    context: "details",
    keys: ["W"],
    title: "why it is as it is: the chain of causes; again: all that is known",
    hint: { word: "why", rank: 4 },
    word: "why",
  },
  // Lists.
  { id: "up", context: "list", keys: ["up", "k"], title: "one up" },
  { id: "down", context: "list", keys: ["down", "j"], title: "one down" },
  { id: "halfUp", context: "list", keys: ["ctrl+u"], title: "half a page up" },
  { id: "halfDown", context: "list", keys: ["ctrl+d"], title: "half a page down" },
  { id: "pageUp", context: "list", keys: ["pageup", "ctrl+b"], title: "a page up" },
  { id: "pageDown", context: "list", keys: ["pagedown", "ctrl+f"], title: "a page down" },
  { id: "first", context: "list", keys: ["g", "home"], title: "to the first" },
  { id: "last", context: "list", keys: ["G", "end"], title: "to the last" },
  // Everywhere.
  { id: "screen1", context: "all", keys: ["1"], title: "the fleet", word: "fleet" },
  { id: "screen2", context: "all", keys: ["2"], title: "workers", word: "workers" },
  { id: "screen3", context: "all", keys: ["3"], title: "events of the fleet", word: "events" },
  { id: "screen4", context: "all", keys: ["4"], title: "metrics", word: "metrics" },
  { id: "screen5", context: "all", keys: ["5"], title: "plan and apply", word: "plan" },
  { id: "screen6", context: "all", keys: ["6"], title: "logs of several", word: "all-logs" },
  { id: "back", context: "all", keys: ["esc"], title: "back: first out of a filter" },
  { id: "lastScreen", context: "all", keys: ["-"], title: "the screen before" },
  {
    id: "freeze",
    context: "all",
    keys: ["f"],
    title: "hold the screen still; again: live",
    word: "freeze",
  },
  {
    id: "equivalents",
    context: "all",
    keys: ["."],
    title: "the same as commands and as HTTP",
    word: "as-command",
  },
  {
    id: "palette",
    context: "all",
    keys: [":", "ctrl+p"],
    title: "any command, by its name",
    hint: { word: "cmd", rank: 7 },
  },
  {
    id: "help",
    context: "all",
    keys: ["?"],
    title: "this help",
    hint: { word: "help", rank: 0 },
    word: "help",
  },
  {
    id: "mouse",
    context: "all",
    keys: ["ctrl+t"],
    title: "take the mouse; again: the terminal selects text",
    word: "mouse",
  },
  { id: "redraw", context: "all", keys: ["ctrl+l"], title: "draw the screen anew" },
  {
    id: "suspend",
    context: "all",
    keys: ["ctrl+z"],
    title: "to the shell; `fg` comes back",
  },
  {
    id: "quit",
    context: "all",
    keys: ["q"],
    title: "leave, from the fleet; the servers run on",
    hint: { word: "quit", rank: 10 },
    word: "quit",
  },
  { id: "leave", context: "all", keys: ["ctrl+c"], title: "leave, from anywhere" },
  // Modes.
  { id: "accept", context: "typing", keys: ["enter"], title: "keep what was typed" },
  { id: "cancel", context: "typing", keys: ["esc"], title: "as it was before" },
  { id: "choose", context: "palette", keys: ["enter"], title: "do it" },
  { id: "complete", context: "palette", keys: ["tab"], title: "complete the name" },
  { id: "previous", context: "palette", keys: ["up", "ctrl+p"], title: "the one before" },
  { id: "next", context: "palette", keys: ["down", "ctrl+n"], title: "the next one" },
  { id: "closePalette", context: "palette", keys: ["esc"], title: "close it" },
  { id: "press", context: "confirm", keys: ["enter"], title: "press the button" },
  {
    id: "otherButton",
    context: "confirm",
    keys: ["tab", "left", "right"],
    title: "to the other button",
  },
  { id: "dismiss", context: "confirm", keys: ["esc"], title: "cancel" },
  { id: "scrollDown", context: "reading", keys: ["down", "j", "pagedown", "space"], title: "on" },
  { id: "scrollUp", context: "reading", keys: ["up", "k", "pageup"], title: "back" },
  { id: "closeReading", context: "reading", keys: ["esc", "q", "?", "."], title: "close it" },
] as const satisfies readonly Command[];

/** The name of a command. */
export type CommandId = (typeof KEYMAP)[number]["id"];

/** The commands as a list of equals. */
export const COMMANDS: readonly (Command & { id: CommandId })[] = KEYMAP;

/** The command of a key where these contexts count; the first context has the first word. */
export function commandFor(key: string, contexts: readonly Context[]): CommandId | null {
  for (const context of contexts) {
    const found = COMMANDS.find((one) => one.context === context && one.keys.includes(key));
    if (found) return found.id;
  }
  return null;
}

const KEY_SIGNS: Readonly<Record<string, string>> = {
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  enter: "Enter",
  esc: "Esc",
  space: "Space",
  tab: "Tab",
  pageup: "PgUp",
  pagedown: "PgDn",
  home: "Home",
  end: "End",
};

/** A key as people write it: `Ctrl-d`, `PgUp`, `j`. */
export function keyText(key: string): string {
  return key.startsWith("ctrl+") ? `Ctrl-${key.slice(5)}` : KEY_SIGNS[key] ?? key;
}
