/** A page of output as it may be told: without the secrets that its server was given. Design promise 11. */
import type { LogPage } from "../../../events/server_output.ts";
import { shownOf } from "../hidden_secrets.ts";
import type { InstanceFolder } from "../instance_folder.ts";
import { NOTHING, type Offsets } from "./log_index.ts";

/**
 * What `read` gives from where the instance's output may be shown, with secrets hidden line by line: a follower's page
 * may begin within one, and of one that spans lines each long line is hidden by itself.
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
      const lines = page.lines.map((line) =>
        line.stream === "marker" ? line : { ...line, text: shown.mask(line.text) }
      );
      return { ...page, lines };
    }
    // Grows with each launch only: as a rule the second read is the last.
    from = shown.from;
  }
}

function isBefore(one: Offsets, other: Offsets): boolean {
  return one.stdout < other.stdout || one.stderr < other.stderr;
}
