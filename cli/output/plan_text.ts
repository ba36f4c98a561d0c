/** The plan of a fleet file as a person reads it: what is done to which instance, and what changes in it. Pure. */
import type { Json } from "../../events/json.ts";
import type { PlanAnswer, PlanItemAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import type { Colour, Paint } from "./paint.ts";
import type { Column } from "./table.ts";

const VALUE_CHARACTERS = 120;
/** So many names are told one by one. */
const NAMES_TOLD = 3;

/** What each action is called before it is done, and how it is marked. */
const ACTIONS: Readonly<Record<string, { mark: string; colour: Colour; ahead: string }>> = {
  create: { mark: "+", colour: "green", ahead: "to create" },
  move: { mark: "~", colour: "red", ahead: "to move" },
  change: { mark: "~", colour: "yellow", ahead: "to change" },
  restart: { mark: "~", colour: "yellow", ahead: "to restart" },
  start: { mark: "~", colour: "yellow", ahead: "to start" },
  stop: { mark: "~", colour: "yellow", ahead: "to stop" },
  wait: { mark: "~", colour: "yellow", ahead: "to wait for" },
  delete: { mark: "-", colour: "red", ahead: "to delete" },
  extra: { mark: "?", colour: "dim", ahead: "not in the file" },
  unchanged: { mark: "=", colour: "dim", ahead: "unchanged" },
};
const UNKNOWN = { mark: "~", colour: "yellow" as const, ahead: "to see to" };

/** What is done with a step, once it is. */
const DONE: Readonly<Record<string, string>> = {
  create: "created",
  configure: "changed",
  stop: "stopped",
  move: "moved",
  restart: "restarted",
  start: "started",
  delete: "deleted",
};

/** All that differs, with line ends; instances of one entry that differ in the same are told as one. */
export function diffText({ items }: PlanAnswer, paint: Paint): string {
  const groups: PlanItemAnswer[][] = [];
  for (const item of items.filter(({ action }) => action !== "unchanged")) {
    const last = groups.at(-1);
    if (last && isLike(last[0]!, item)) last.push(item);
    else groups.push([item]);
  }
  return groups.map((group) => groupText(group, paint)).join("");
}

/** `20 to create, 3 unchanged`. */
export function summaryText({ summary }: PlanAnswer): string {
  const parts = Object.entries(ACTIONS).flatMap(([action, { ahead }]) =>
    summary[action] ? [`${summary[action]} ${ahead}`] : []
  );
  return parts.length === 0 ? "no instances" : parts.join(", ");
}

/** Of a plan whose items are in the order in which they are done. */
export const planColumns: readonly Column<PlanItemAnswer & { turn: number }>[] = [
  { title: "#", text: ({ turn }) => String(turn), isNumber: true },
  { title: "INSTANCE", text: ({ name }) => name },
  {
    title: "STEPS",
    text: ({ steps }) => steps.join(", "),
    colour: ({ action }) => (ACTIONS[action] ?? UNKNOWN).colour,
  },
  { title: "WHY", text: whyText },
];

/** `created and started`. */
export function doneText(steps: readonly string[]): string {
  const words = steps.flatMap((step) => DONE[step] ?? []);
  if (words.length === 0) return "is as it is to be";
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function whyText({ action, changes, reasons, entry }: PlanItemAnswer): string {
  const paths = changes.map(({ path }) => path).join(", ");
  const said = [
    ...(paths === "" ? [] : [`${paths} ${changes.length === 1 ? "differs" : "differ"}`]),
  ];
  if (action === "create" && reasons.length === 0) return `entry ${entry ?? ""} has none yet`;
  return [...said, ...reasons].join("; ");
}

function groupText(group: readonly PlanItemAnswer[], paint: Paint): string {
  const [first] = group;
  const { action, steps, reasons, changes } = first!;
  const { mark, colour } = ACTIONS[action] ?? UNKNOWN;
  const does = [steps.join(", "), ...reasons].filter((part) => part !== "").join("; ");
  const head = printable(`${mark} ${namesText(group.map(({ name }) => name))}: ${does}`);
  const lines = changes.map(({ path, before, after }) =>
    `    ${printable(path)}: ${paint(valueText(before), "red")} -> ${
      paint(valueText(after), "green")
    }`
  );
  return [paint(head, colour), ...lines].map((line) => `${line}\n`).join("");
}

function namesText(names: readonly string[]): string {
  if (names.length <= NAMES_TOLD) return names.join(", ");
  return `${names[0]} … ${names.at(-1)} (${names.length})`;
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  const text = printable(JSON.stringify(value));
  return text.length <= VALUE_CHARACTERS ? text : `${text.slice(0, VALUE_CHARACTERS)}…`;
}

function isLike(a: PlanItemAnswer, b: PlanItemAnswer): boolean {
  const form = ({ action, entry, steps, changes, reasons }: PlanItemAnswer) =>
    JSON.stringify([action, entry, steps, changes, reasons]);
  return form(a) === form(b);
}
