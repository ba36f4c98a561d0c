/** `docs/tui.md` says what the keymap says. */
import { assert, assertEquals } from "@std/assert";
import { keymapTables } from "../../tui/keymap_table.ts";

const PAGE = new URL("../../docs/tui.md", import.meta.url);
const BEGIN = "<!-- keys: written from tui/keymap.ts -->\n";
const END = "<!-- end of keys -->\n";

Deno.test("the keys in docs/tui.md are those of the keymap (DRAAS_GOLDEN=write writes them)", () => {
  const page = Deno.readTextFileSync(PAGE);
  const [before = "", after] = page.split(BEGIN);
  const [, rest] = after?.split(END) ?? [];
  assert(rest !== undefined, "the page has the place for them");
  const right = `${before}${BEGIN}\n${keymapTables()}\n\n${END}${rest}`;
  if (Deno.env.get("DRAAS_GOLDEN") === "write") Deno.writeTextFileSync(PAGE, right);
  else assertEquals(page, right);
});
