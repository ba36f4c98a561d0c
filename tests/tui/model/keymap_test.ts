/** The keymap: no key has two meanings in one place, every command does something, every key can be pressed. */
import { assert, assertEquals } from "@std/assert";
import { COMMANDS, type Context, keyText } from "../../../tui/keymap.ts";
import { contextsOf, run } from "../../../tui/model/commands.ts";
import type { Model } from "../../../tui/model/model.ts";
import type { ScreenId } from "../../../tui/model/places.ts";
import { SCREENS } from "../../../tui/model/screen_table.ts";
import { answerOf, modelWith, press } from "../support/fleet_models.ts";

const MODES: readonly Context[] = ["typing", "palette", "confirm", "reading"];

Deno.test("on no screen has a key two meanings", () => {
  const places = [
    ...Object.values(SCREENS).map(({ contexts }): Context[] => [...contexts, "all"]),
    ...MODES.map((mode) => [mode]),
  ];
  for (const contexts of places) {
    const keys = COMMANDS.filter(({ context }) => contexts.includes(context))
      .flatMap(({ keys }) => keys);
    assertEquals(keys.filter((key, at) => keys.indexOf(key) !== at), [], contexts.join());
  }
});

Deno.test("a key that destroys is an upper-case letter, and no habit of an editor", () => {
  const destroying = COMMANDS.filter(({ id }) => id === "delete").flatMap(({ keys }) => keys);
  for (const key of destroying) assert(/^[A-Z]$/.test(key), key);
});

Deno.test("ids and words of the palette are there once", () => {
  for (const names of [COMMANDS.map(({ id }) => id), COMMANDS.flatMap(({ word }) => word ?? [])]) {
    assertEquals(new Set(names).size, names.length);
  }
});

Deno.test("no F-key is the only way, and each key has a name that people write", () => {
  for (const { keys } of COMMANDS) {
    for (const key of keys) assert(keyText(key) !== "" && !/^f\d/.test(key), key);
  }
});

Deno.test("every command of a screen does something where it counts", () => {
  const idle = COMMANDS.filter(({ context }) => !MODES.includes(context))
    .filter(({ id, context }) => !situations(context).some((model) => doesSomething(model, id)));
  assertEquals(idle.map(({ id }) => id), []);
});

function doesSomething(model: Model, id: Parameters<typeof run>[1]): boolean {
  const { model: next, effects, go } = run(model, id);
  return next !== model || effects.length > 0 || go !== undefined;
}

/** Models in which a command of a context can be tried: in the middle of a list, with marks and a filter, and elsewhere. */
function situations(context: Context): Model[] {
  const items = ["a", "b", "c", "d", "e"].map((name, at) =>
    answerOf(name, { status: at === 2 ? "Running" : "Created" })
  );
  const fleet = press(modelWith(items), "j j");
  const started = press(fleet, "j");
  const filtered = press(press(fleet, "/ [ a b c ] enter"), "*");
  const elsewhere = Object.keys(SCREENS).flatMap((screen) => {
    const places = { stack: [{ screen: screen as ScreenId, instanceIds: ["c"] }], before: null };
    return [{ ...fleet, places }];
  });
  return [fleet, started, filtered, press(fleet, "2 -"), ...elsewhere]
    .filter((model) => contextsOf(model).includes(context));
}
