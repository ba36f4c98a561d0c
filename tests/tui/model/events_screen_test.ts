/** The screen of events: what is kept, what is let through, what follows, and what stands still. */
import { assert, assertEquals } from "@std/assert";
import type { EventAnswer } from "../../../http/client/answers.ts";
import { filteredEntries } from "../../../tui/model/events_screen.ts";
import { ENTRIES_MAX } from "../../../tui/model/events_state.ts";
import { eventsTable } from "../../../tui/model/events_table.ts";
import { eventWords } from "../../../tui/model/event_words.ts";
import { textOf } from "../../../tui/model/line.ts";
import type { Model } from "../../../tui/model/model.ts";
import { present } from "../../../tui/model/places.ts";
import { targetsOf } from "../../../tui/model/targets.ts";
import { eventOf, stopOf, told } from "../support/event_log.ts";
import { after, answerOf, effectsOf, modelWith, press } from "../support/fleet_models.ts";

const fleet = () => modelWith([answerOf("web", { status: "Running" }), answerOf("db")]);
const events = () =>
  press(after(fleet(), [told(stopOf(1), eventOf(2, { instanceId: "db" }), eventOf(3))]), "3");
const shown = (model: Model) => filteredEntries(model).map(({ id }) => id);
const chosen = (model: Model) =>
  eventsTable(model).rows.flatMap(({ line, isChosen }) => isChosen ? textOf(line).trim() : []);

Deno.test("events are kept also while another screen is shown", () => {
  assertEquals(shown(events()), ["1-0", "2-0", "3-0"]);
});

Deno.test("only the last are kept, and it is told how many were let go", () => {
  const many = Array.from({ length: ENTRIES_MAX + 40 }, (_, at) => eventOf(at + 4));
  const { entries, dropped } = after(events(), [told(...many)]).screens.events;
  assertEquals([entries.length, dropped], [ENTRIES_MAX, 43]);
  assertEquals(entries.at(-1)!.id, `${ENTRIES_MAX + 43}-0`);
});

Deno.test("the newest is chosen as it comes, until one moves away, and after G again", () => {
  const next = told(eventOf(4));
  assert(chosen(events())[0]!.startsWith("> 11:58:23"), chosen(events())[0]);
  assert(chosen(after(events(), [next]))[0]!.startsWith("> 11:58:24"));
  const back = press(events(), "k");
  assertEquals(back.screens.events.cursor.id, "2-0");
  assertEquals(after(back, [next]).screens.events.cursor.id, "2-0");
  assertEquals(press(after(back, [next]), "G").screens.events.isFollowing, true);
});

Deno.test("a filter lets through what says so, and gaps", () => {
  const filtered = (text: string) => shown(press(events(), `/ ${[...text].join(" ")} enter`));
  assertEquals(filtered("type:stop"), ["1-0"]);
  assertEquals(filtered("by:eva"), ["1-0"]);
  assertEquals(filtered("name:db"), ["2-0"]);
  assertEquals(filtered("!web"), ["2-0"]);
  assertEquals(filtered("took"), ["2-0", "3-0"]);
  assertEquals(filtered("nothing("), []);
  const gap = after(events(), [{ type: "gap", text: "The log was cut." }]);
  assertEquals(shown(press(gap, "/ b y : e v a enter")), ["1-0", "gap-1"]);
});

Deno.test("Esc takes the filter away, then goes back; the fleet's own filter stays", () => {
  const filtered = press(press(fleet(), "/ w e b enter"), "3 / d b enter");
  assertEquals([filtered.screens.events.filter, filtered.fleet.filter.text], ["db", "web"]);
  assertEquals(press(filtered, "/ x esc").screens.events.filter, "db");
  const cleared = press(filtered, "esc");
  assertEquals([cleared.screens.events.filter, present(cleared.places).screen], ["", "events"]);
  assertEquals(present(press(cleared, "esc").places).screen, "fleet");
});

Deno.test("held still, what comes is counted and not shown", () => {
  const held = after(press(events(), "f"), [told(eventOf(4), eventOf(5))]);
  assertEquals([shown(held).length, held.frozen?.waiting], [3, 2]);
  assertEquals(shown(press(held, "f")).length, 5);
});

Deno.test("a mark says that events are missing, where they are missing", () => {
  const model = after(events(), [
    { type: "gap", text: "The log was cut\u001b[2J." },
    told(eventOf(9)),
  ]);
  assertEquals(shown(model), ["1-0", "2-0", "3-0", "gap-1", "9-0"]);
  const line = textOf(eventsTable(model).rows[3]!.line);
  assert(line.includes("events are missing here: The log was cut [2J."), line);
});

Deno.test("keys of instances are about the instance of the chosen event", () => {
  const model = press(events(), "g");
  assertEquals(targetsOf(model).map(({ id }) => id), ["web"]);
  assertEquals(effectsOf(model, "x").map(({ kind }) => kind), ["ask"]);
  const place = present(press(model, "enter").places);
  assertEquals([place.screen, place.instanceIds], ["instance", ["web"]]);
});

Deno.test("an event is told in words, with who asked", () => {
  const words = (event: EventAnswer) => eventWords(event);
  assertEquals(words(stopOf(1)), "eva asked to stop it.");
  assertEquals(words(eventOf(1)), "Worker w1 took the start.");
  const configured = {
    type: "InstanceConfigured",
    requestedBy: "eva",
    data: { changes: { name: "new" } },
  };
  assertEquals(words(eventOf(1, configured)), "eva changed its name.");
});

Deno.test("an event of a later release or of another form is told by what it says of itself", () => {
  const later = eventOf(1, { type: "MoonPhased", data: { message: "full\u001b[2J" } });
  assertEquals(eventWords(later), "full [2J");
  assertEquals(eventWords(eventOf(1, { type: "CommandSucceeded", data: {} })), "");
});

Deno.test("a created instance has its name from its event", () => {
  const created = eventOf(4, {
    instanceId: "i-new",
    type: "InstanceCreated",
    data: { specification: { name: "fresh" } },
  });
  const entry = after(events(), [told(created)]).screens.events.entries.at(-1)!;
  assertEquals(entry.kind === "event" && entry.name, "fresh");
});
