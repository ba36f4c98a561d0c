/** A page of output as it may be told: without the secrets that its server was given. Design promise 11. */
import type { LogPage, OutputLine } from "../../../events/server_output.ts";
import { shownOf } from "../hidden_secrets.ts";
import type { InstanceFolder } from "../instance_folder.ts";
import type { Mask } from "../../secret_store.ts";
import { goesOn } from "./line_source.ts";
import { NOTHING, type Offsets } from "./log_index.ts";

/**
 * What `read` gives from where the instance's output may be shown, with secrets hidden line by line: a follower's page
 * may begin within one, and of one that spans lines each long line is hidden by itself. Where a long line is cut, parts
 * of secrets are hidden, too.
 */
export async function shownPage(
  folder: InstanceFolder,
  read: (from: Offsets) => LogPage,
): Promise<LogPage> {
  let from: Offsets = NOTHING;
  for (;;) {
    const page = read(from);
    if (page.lines.every(({ stream }) => stream === "marker")) return page;
    // After the read: a run that begins in between may have printed what only its own record names.
    const shown = await shownOf(folder);
    if (!isBefore(from, shown.from)) {
      return { ...page, lines: masked(page.lines, shown.mask) };
    }
    // Grows with each launch only: as a rule the second read is the last.
    from = shown.from;
  }
}

function masked(lines: readonly OutputLine[], mask: Mask): OutputLine[] {
  // The page before may have ended with a piece of the line.
  const isCut = { stdout: true, stderr: true };
  return lines.map((line) => {
    if (line.stream === "marker") return line;
    const cut = { start: isCut[line.stream], end: goesOn(line.text) };
    isCut[line.stream] = cut.end;
    return { ...line, text: mask(line.text, cut) };
  });
}

function isBefore(one: Offsets, other: Offsets): boolean {
  return one.stdout < other.stdout || one.stderr < other.stderr;
}
