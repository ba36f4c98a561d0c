/** The screen of workers: what its keys ask for, and what must be confirmed before. */
import { assert, assertEquals } from "@std/assert";
import type { Model } from "../../../tui/model/model.ts";
import { present } from "../../../tui/model/places.ts";
import { instancesByName, workerRows, workerState } from "../../../tui/model/worker_row.ts";
import { after, effectsOf, modelWith, press } from "../support/fleet_models.ts";
import { FLEET_OF_WORKERS, WORKERS } from "../support/worker_fleet.ts";

const workers = () => press(modelWith(FLEET_OF_WORKERS, { workers: WORKERS }), "2");
const chosen = ({ screens }: Model) => screens.workers.cursor.id;
const asksOf = (keys: string) =>
  effectsOf(workers(), keys).flatMap((one) =>
    one.kind === "worker" ? `${one.verb} ${one.workerId}` : []
  );

Deno.test("each worker's state is what is worst of it", () => {
  assertEquals(workerRows(workers()).map((row) => workerState(row).text), [
    "● live",
    "● live",
    "◌ silent",
    "▼ draining",
    "✖ lost",
  ]);
});

Deno.test("a worker has the instances that name it", () => {
  const rows = workerRows(workers());
  assertEquals(rows.map(({ instances }) => instances.length), [0, 10, 1, 0, 0]);
  assertEquals(instancesByName(rows[1]!)[0]!.name, "failing");
});

Deno.test("the choice follows the worker when others come", () => {
  const model = press(workers(), "j");
  assertEquals(chosen(model), "w1");
  const fewer = after(model, [{
    type: "answered",
    slot: "fleet.workers",
    answer: { kind: "workers", value: WORKERS.slice(1) },
  }]);
  assertEquals(chosen(fewer), "w1");
});

Deno.test("a drain is asked before, and Enter alone is Cancel", () => {
  assertEquals(asksOf("j a enter"), []);
  assertEquals(asksOf("j a esc"), []);
  assertEquals(asksOf("j a tab enter"), ["drain w1"]);
});

Deno.test("only a drained worker is resumed, and only another one drained", () => {
  assertEquals(asksOf("j u tab enter"), []);
  assertEquals(asksOf("j j j a tab enter"), []);
  assertEquals(asksOf("j j j u tab enter"), ["resume w3"]);
});

Deno.test("a worker is forgotten once its whole id was typed", () => {
  assertEquals(asksOf("j F tab enter"), []);
  assertEquals(asksOf("j F y e s enter"), []);
  assertEquals(asksOf("j F w 2 enter"), []);
  assertEquals(asksOf("j F w 1 enter"), ["forget w1"]);
});

Deno.test("what came of it is told, and the workers are read at once", () => {
  const done = { type: "done" as const, slot: "workers.drain.w1", failure: null };
  assertEquals(
    after(workers(), [done]).toasts.at(-1)?.text,
    "w1 takes no new starts; what it has goes on.",
  );
  const failure = { code: "forbidden", message: "It is for admins.", hint: "Ask one." };
  const refused = after(workers(), [{ ...done, failure }]).toasts.at(-1);
  assertEquals([refused?.text, refused?.tone], ["It is for admins. Ask one.", "bad"]);
});

Deno.test("Enter shows what the chosen worker has, and Esc comes back", () => {
  const fleet = press(workers(), "j enter");
  assertEquals(present(fleet.places).screen, "fleet");
  assertEquals(fleet.fleet.ids.length, 10);
  const back = press(fleet, "esc esc");
  assertEquals([present(back.places).screen, chosen(back)], ["workers", "w1"]);
});

Deno.test("held still, the workers stay as they were", () => {
  const held = after(press(workers(), "f"), [{
    type: "answered",
    slot: "fleet.workers",
    answer: { kind: "workers", value: [] },
  }]);
  assertEquals(workerRows(held).length, WORKERS.length);
  assertEquals(workerRows(press(held, "f")).length, 0);
  assert(held.frozen !== null);
});
