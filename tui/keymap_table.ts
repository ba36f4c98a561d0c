/** The keymap as the tables of `docs/tui.md`. Pure. */
import { COMMANDS, type Context, keyText } from "./keymap.ts";

/** What each context is called where people read of it. */
export const CONTEXT_TITLES: Readonly<Record<Context, string>> = {
  fleet: "Fleet",
  workers: "Workers",
  events: "Events",
  logs: "Logs",
  details: "One instance",
  instance: "Instances",
  marks: "Marks",
  list: "Moving",
  all: "Everywhere",
  typing: "While a filter or a search is typed",
  palette: "In the palette",
  confirm: "In a question",
  reading: "In the help",
};

/** One table a context, each with its title. */
export function keymapTables(): string {
  return Object.entries(CONTEXT_TITLES).map(([context, title]) => {
    const rows = COMMANDS.filter((one) => one.context === context).map((
      { keys, title, word },
    ) => [
      keys.map((key) => `\`${escaped(keyText(key))}\``).join(" "),
      title,
      word ? `\`:${word}\`` : "",
    ]);
    return `### ${title}\n\n${tableOf([["key", "what it does", "by name"], ...rows])}`;
  }).join("\n\n");
}

/** As `deno fmt` writes it. */
function tableOf(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

function escaped(key: string): string {
  return key.replace("|", "\\|");
}
