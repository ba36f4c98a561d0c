/** The terminal UI on the terminal of this process, until it is left: a control plane shows itself, `draas tui` any other. */
import { loadForUse } from "../config.ts";
import type { FleetPort } from "../http/client/fleet_port.ts";
import { holdTerminal, untilHangUp } from "./terminal.ts";
import { restoreTerminal, tuiHost } from "./tui_host.ts";
import { VERSION } from "./version.ts";

export interface TuiScreen {
  fleet: FleetPort;
  /** For `NO_COLOR`, `TERM` and the locale. */
  environment: Readonly<Record<string, string | undefined>>;
  onBug(error: unknown): void;
}

/**
 * Shows it until a person leaves it, the terminal goes away, or `asked` resolves. The terminal is given back before this
 * ends, whatever happens. Rejects with what made it fall.
 */
export async function showTui(
  { fleet, environment, onBug }: TuiScreen,
  asked: Promise<void>,
): Promise<void> {
  // Ink takes longer to load than all the rest: only where it is used.
  const { openTui } = await loadForUse(() => import("../tui/shell/open_tui.tsx"));
  const tui = openTui({
    fleet,
    host: tuiHost(environment, onBug),
    origin: { url: fleet.url, version: VERSION },
  });
  const hear = (text: string) => tui.tell(messageIn(text));
  const release = holdTerminal({ giveBack: restoreTerminal, hear });
  try {
    await Promise.race([tui.left, asked, untilHangUp()]);
    await tui.close();
  } finally {
    release();
  }
}

/** A line of the log without what it is dressed in; of JSON, its message. */
function messageIn(line: string): string {
  if (line.startsWith("{")) return String(JSON.parse(line).message);
  // deno-lint-ignore no-control-regex -- that is what a colour begins with
  return line.replace(/\u001b\[[\d;]*m/g, "").replace(/^draas: /, "").trim();
}
