/** Lines of servers on their way to the reader: as they are for programs, harmless for terminals. Pure. */
import { withoutColours } from "../../events/server_output.ts";
import type { LogLineAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";

/** How lines are shown. */
export interface LogStyle {
  isTerminal: boolean;
  hasColours: boolean;
  withTimes: boolean;
  /** Whose line it is, where several are read at once; else empty. */
  name: string;
}

// deno-lint-ignore no-control-regex -- it is what is looked for
const COLOUR = /(\u001b\[[0-9;]{0,32}m)/;
const RESET = "\u001b[0m";
const UNKNOWN_TIME = "-".padEnd(24);

/** A line with its line end. */
export function logLineText(line: LogLineAnswer, style: LogStyle): string {
  const { at, text, stream } = line;
  const said = stream === "marker" ? `--- ${text} ---` : text;
  return [
    style.name === "" ? "" : `${style.name} | `,
    style.withTimes ? `${at === null ? UNKNOWN_TIME : printable(at)} ` : "",
    style.isTerminal ? safeText(said, style.hasColours) : said,
    "\n",
  ].join("");
}

/** Tabs become spaces of their usual width, colours stay where they are wanted, and nothing else moves the cursor. */
function safeText(text: string, keepsColours: boolean): string {
  const wide = text.replaceAll("\t", "    ");
  if (!keepsColours || !COLOUR.test(wide)) return printable(withoutColours(wide));
  const parts = wide.split(COLOUR).map((part, at) =>
    at % 2 === 1 ? part : printable(withoutColours(part))
  );
  return parts.join("") + RESET;
}
