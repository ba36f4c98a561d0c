/** The model: where keys lead, what follows the selection, what is asked of the fleet, and what is said of it. */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "../../../events/errors.ts";
import { textOf } from "../../../tui/model/line.ts";
import { crumbLine, detailLine, titleLine } from "../../../tui/model/chrome.ts";
import type { Model } from "../../../tui/model/model.ts";
import { present } from "../../../tui/model/places.ts";
import {
  after,
  agoText,
  answerOf,
  did,
  effectsOf,
  keys,
  modelWith,
  NOON,
  press,
} from "../support/fleet_models.ts";

const NAMES = ["a", "b", "c", "d", "e"];
const five = (rows = 24) => modelWith(NAMES.map((name) => answerOf(name)), { rows });
const chosen = ({ screens }: Model) => screens.fleet.cursor.id;
const marks = ({ screens }: Model) => [...screens.fleet.marks].sort();

Deno.test("keys move the selection, and stop at the ends", () => {
  assertEquals(chosen(five()), "a");
  assertEquals(chosen(press(five(), "j j")), "c");
  assertEquals(chosen(press(five(), "j down k up k")), "a");
  assertEquals(chosen(press(five(), "G")), "e");
  assertEquals(chosen(press(five(), "G j g")), "a");
  assertEquals(chosen(press(five(), "pagedown ctrl+u")), "a");
});

Deno.test("the selection follows the item when the order changes under it", () => {
  const model = press(five(), "j");
  const renamed = after(model, [
    { type: "changed", items: [answerOf("b", { name: "zz", version: 2 })] },
  ]);
  assertEquals([chosen(renamed), renamed.screens.fleet.cursor.index], ["b", 4]);
  assertEquals(chosen(press(renamed, "o")), "b");
});

Deno.test("when the chosen one goes, what took its place is chosen", () => {
  const model = press(five(), "j j");
  assertEquals(chosen(after(model, [{ type: "gone", instanceId: "c" }])), "d");
  const last = press(five(), "G");
  assertEquals(chosen(after(last, [{ type: "gone", instanceId: "e" }])), "d");
});

Deno.test("the chosen row is always in sight, also after a resize", () => {
  const items = Array.from({ length: 50 }, (_, at) => answerOf(`n${at}`));
  const model = press(modelWith(items, { rows: 40 }), "G");
  const small = after(model, [{ type: "resized", columns: 80, rows: 15 }]);
  const { index, top } = small.screens.fleet.cursor;
  assertEquals(index, 49);
  assert(index - top < 10 && index >= top, `${top} to ${index}`);
});

Deno.test("marks: one, a range, all that the filter shows, none", () => {
  assertEquals(marks(press(five(), "space space")), ["a", "b"]);
  assertEquals(marks(press(five(), "space k space")), []);
  assertEquals(marks(press(five(), "j v j j v")), ["b", "c", "d"]);
  assertEquals(marks(press(five(), "G v k v")), ["d", "e"]);
  assertEquals(marks(press(five(), "/ [ a b ] enter *")), ["a", "b"]);
  assertEquals(marks(press(five(), "* \\")), []);
  const gone = after(press(five(), "*"), [{ type: "gone", instanceId: "c" }]);
  assertEquals(marks(gone), ["a", "b", "d", "e"]);
});

Deno.test("a filter counts with every key; Esc brings back the one before, Enter keeps it", () => {
  assertEquals(press(five(), "/ b").fleet.ids, ["b"]);
  assertEquals(press(five(), "/ b enter").fleet.filter.text, "b");
  assertEquals(press(five(), "/ b enter / backspace c esc").fleet.filter.text, "b");
  assertEquals(press(five(), "/ b backspace enter").fleet.ids, NAMES);
});

Deno.test("Esc first leaves the range, the filter, the marks, then goes back, and never quits", () => {
  let model = press(five(), "* / [ a b ] enter v");
  model = press(model, "esc");
  assertEquals([model.screens.fleet.rangeFrom, model.fleet.filter.text], [null, "[ab]"]);
  model = press(model, "esc");
  assertEquals([model.fleet.filter.text, marks(model).length], ["", 5]);
  model = press(model, "esc");
  assertEquals(marks(model), []);
  assertEquals(effectsOf(model, "esc esc esc"), []);
  const deeper = press(model, "enter");
  assertEquals(present(deeper.places).screen, "instance");
  assertEquals(present(press(deeper, "esc").places).screen, "fleet");
});

Deno.test("screens by number, the one before by -, q leaves only from the fleet", () => {
  const workers = press(five(), "2");
  assertEquals(present(workers.places).screen, "workers");
  assertEquals(present(press(workers, "-").places).screen, "fleet");
  assertEquals(present(press(workers, "- -").places).screen, "workers");
  assertEquals(effectsOf(workers, "q"), []);
  assertEquals(effectsOf(five(), "q"), [{ kind: "quit" }]);
  assertEquals(effectsOf(press(workers, "?"), "ctrl+c"), [{ kind: "quit" }]);
});

Deno.test("one is started at once, and its end is told", () => {
  const { model, effects } = did(five(), keys("j s"));
  assertEquals(effects, [
    { kind: "ask", job: 1, instanceId: "b", request: { type: "start" } },
  ]);
  assertEquals(detail(model), "starting b …");
  const done = after(model, [{
    type: "asked",
    job: 1,
    instanceId: "b",
    result: { kind: "done", instance: answerOf("b", { status: "Running", version: 2 }) },
  }]);
  assertEquals([detail(done), done.jobs.length], ["✔ b started", 0]);
  assertEquals(done.fleet.instances.get("b")?.status, "Running");
});

Deno.test("a refusal says why and what to do, and stays until it was read", () => {
  const model = press(five(), "s");
  const failure = { code: "no_worker", message: "No worker runs.", hint: "Start one." };
  const refused = after(model, [
    { type: "asked", job: 1, instanceId: "a", result: { kind: "failed", failure } },
    { type: "tick", now: NOON + 10_000 },
  ]);
  assertEquals(detail(refused), "✖ a was not started: No worker runs. Start one.");
  assertEquals(detail(after(refused, [{ type: "tick", now: NOON + 60_000 }])), "a · a");
});

Deno.test("what does not take a request is told so, and nothing is asked", () => {
  const { model, effects } = did(five(), keys("x"));
  assertEquals(effects, []);
  assertEquals(detail(model), "✖ a is Created: it takes no stop. It takes start, delete.");
});

Deno.test("many are asked only after a question; those that do not take it are left alone", () => {
  const items = [answerOf("a", { status: "Running" }), answerOf("b"), answerOf("c")];
  const asking = press(modelWith(items), "* s");
  assertEquals(asking.overlay?.kind, "confirm");
  assertEquals(effectsOf(asking, "enter"), []);
  assertEquals(effectsOf(asking, "tab enter").map((one) => "instanceId" in one && one.instanceId), [
    "b",
    "c",
  ]);
});

Deno.test("a delete asks for what must be typed; Enter, Tab and pastes alone do nothing", () => {
  const asking = press(five(), "D");
  for (const harmless of ["enter", "tab enter", "y enter", "y e s backspace enter", "esc"]) {
    assertEquals(effectsOf(asking, harmless), [], harmless);
  }
  const pasted = after(asking, [{ type: "pasted", text: "yes" }]);
  assertEquals(effectsOf(pasted, "enter"), []);
  assertEquals(effectsOf(asking, "y e s enter"), [
    { kind: "ask", job: 1, instanceId: "a", request: { type: "delete" } },
  ]);
  const many = press(five(), "* D");
  assertEquals(effectsOf(many, "4 enter"), []);
  assertEquals(effectsOf(many, "y e s enter"), []);
  assertEquals(effectsOf(many, "5 enter").length, 5);
});

Deno.test("the palette has only what is of use now, completes, and does it", () => {
  const palette = press(five(), ":");
  assertEquals(effectsOf(palette, "s t o p enter"), [], "a stopped one cannot be stopped");
  assertEquals(effectsOf(palette, "s t a r t enter").length, 1);
  assertEquals(effectsOf(palette, "s t a tab enter").length, 1);
  assertEquals(present(press(palette, "w o r k e r s enter").places).screen, "workers");
});

Deno.test("an empty fleet can have a demo, a real one cannot", () => {
  const effects = effectsOf(modelWith([]), ": d e m o enter");
  assertEquals(
    effects.map((one) => one.kind === "ask" && [one.instanceId, one.request.type]),
    Array(4).fill([null, "create"]),
  );
  assertEquals(effectsOf(five(), ": d e m o enter"), []);
});

Deno.test("what a command waits for is said of the chosen one", () => {
  const pending = { kind: "start", requestedAt: agoText(12_000), acceptBy: agoText(-60_000) };
  const waits = modelWith([answerOf("a", { status: "Starting", pending })]);
  assertEquals(detail(waits), "a · its start waits for a worker, since 12s");
  const taken = { ...pending, acceptedAt: agoText(3_000), worker: "w1", attempt: 1 };
  const works = modelWith([answerOf("a", { status: "Starting", pending: taken })]);
  assertEquals(detail(works), "a · its start is at worker w1, since 3s");
});

Deno.test("while the screen is held still it shows what was, and counts what is waiting", () => {
  const held = press(five(), "f");
  const more = after(held, [
    { type: "events", events: [eventOf("a"), eventOf("b")] },
    { type: "changed", items: [answerOf("a", { status: "Failed", version: 2 })] },
  ]);
  assertEquals(crumb(more), "Fleet HELD STILL, 2 waiting · f goes on sort: name ▾");
  assertEquals(title(more).includes("Failed"), false);
  assertEquals(title(press(more, "f")).includes("1 Failed"), true);
});

Deno.test("the state of the connection is always said, with its age", () => {
  const error = new OperationalError("no_answer", "Nobody\u001b[2J answers.", true, "");
  const lost = after(five(), [
    { type: "availability", availability: { kind: "reconnecting", since: NOON, error } },
    { type: "tick", now: NOON + 65_000 },
  ]);
  assert(title(lost).includes("◌ reconnecting, stale for 1m"), title(lost));
  assertEquals(detail(lost), "what is shown may be old: Nobody [2J answers.");
  const back = after(lost, [{ type: "availability", availability: { kind: "live", since: NOON } }]);
  assert(title(back).includes("● live"), title(back));
});

Deno.test("a control plane that has lost its log says so", () => {
  const readiness = { ...READY, ready: false, reasons: ["the log cannot be reached"] };
  const away = after(five(), [
    { type: "answered", slot: "fleet.readiness", answer: { kind: "readiness", value: readiness } },
  ]);
  assert(title(away).includes("◌ LOG AWAY for 0s"), title(away));
  const back = after(away, [
    { type: "answered", slot: "fleet.readiness", answer: { kind: "readiness", value: READY } },
  ]);
  assert(title(back).includes("● live"), title(back));
});

Deno.test("ids are copied, of one or of all that is marked", () => {
  assertEquals(effectsOf(five(), "j c"), [{ kind: "copy", text: "b" }]);
  assertEquals(effectsOf(five(), "space space c"), [{ kind: "copy", text: "a\nb" }]);
});

Deno.test("workers, readiness and what runs use are asked every other second, once at a time", () => {
  const model = modelWith([answerOf("a", { status: "Running" }), answerOf("b")]);
  const tick = (seconds: number) => ({ type: "tick" as const, now: NOON + seconds * 1_000 });
  const first = did(model, [tick(10)]);
  const slots = (effects: readonly { kind: string }[]) =>
    effects.map((one) => "slot" in one ? one.slot : one.kind);
  assertEquals(slots(first.effects), ["fleet.workers"], "the others wait for their answer");
  const second = did(first.model, [tick(11), tick(12), tick(13), tick(60)]);
  assertEquals(slots(second.effects), ["fleet.workers", "fleet.readiness", "fleet.inSight"]);
});

const READY = {
  ready: true,
  reasons: [],
  durability: "disk",
  position: "1-0",
  instances: 5,
  commandsInFlight: 0,
  incidents: [],
  version: "0.1.0",
};

function eventOf(instanceId: string) {
  return { position: "1-0", instanceId, version: 2, type: "StartRequested", at: "", data: {} };
}

const squeezed = (text: string) => text.replace(/ +/g, " ").trim();
const detail = (model: Model) => squeezed(textOf(detailLine(model, 200)));
const title = (model: Model) => squeezed(textOf(titleLine(model, 200)));
const crumb = (model: Model) => squeezed(textOf(crumbLine(model, 120)));
