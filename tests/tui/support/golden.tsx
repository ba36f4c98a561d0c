/** Whole screens kept as text in `tests/tui/golden/`: what the components draw, compared with what was looked at once. */
import { assertEquals } from "@std/assert";
import { renderToString } from "ink";
import { Frame } from "../../../tui/components/frame.tsx";
import { TerminalContext } from "../../../tui/components/lines.tsx";
import type { Model } from "../../../tui/model/model.ts";
import type { Capabilities } from "../../../tui/theme.ts";

const FOLDER = new URL("../golden/", import.meta.url);
/** No escape sequences but those of a screen with colours. */
const PLAIN: Capabilities = { hasStyles: false, hasColor: false, hasUnicode: true };

/** The screen as lines of text, without the spaces at their ends; with the escape sequences where there are colours. */
export function screenOf(model: Model, terminal: Capabilities = PLAIN): string {
  const drawn = renderToString(
    <TerminalContext.Provider value={terminal}>
      <Frame model={model} />
    </TerminalContext.Provider>,
    { columns: model.terminal.columns },
  );
  return `${drawn.split("\n").map((line) => line.trimEnd()).join("\n")}\n`;
}

/** The same without escape sequences. */
export function plainScreenOf(model: Model, terminal: Capabilities = PLAIN): string {
  // deno-lint-ignore no-control-regex -- that is what an escape sequence begins with
  const text = screenOf(model, terminal).replace(/\u001b\[[\d;]*m/g, "");
  return text.split("\n").map((line) => line.trimEnd()).join("\n");
}

/**
 * Compares a screen with the one in `golden/<name>.txt`. With `DRAAS_GOLDEN=write` it is written there instead: look at
 * the difference before you keep it.
 */
export function assertGolden(name: string, screen: string): void {
  const file = new URL(`${name}.txt`, FOLDER);
  if (Deno.env.get("DRAAS_GOLDEN") === "write") {
    Deno.writeTextFileSync(file, screen);
    return;
  }
  assertEquals(screen, Deno.readTextFileSync(file), `the screen is as in golden/${name}.txt`);
}
