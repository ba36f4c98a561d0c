/** The fleet's index: whatever changes come, it is as if the fleet had been listed, sorted and filtered anew. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { InstanceAnswer } from "../../../http/client/answers.ts";
import { STATUSES } from "../../../machines/requests.ts";
import { fleetFilter } from "../../../tui/model/fleet_filter.ts";
import {
  type FleetIndex,
  NO_FLEET,
  relisted,
  withFilter,
  withInstances,
  withoutInstance,
  withSort,
} from "../../../tui/model/fleet_index.ts";
import type { SortKey } from "../../../tui/model/fleet_order.ts";
import { instanceOf } from "../../../tui/model/instance.ts";
import { answerOf } from "../support/fleet_models.ts";

const SORTS: readonly SortKey[] = [
  "name",
  "state",
  "health",
  "platform",
  "worker",
  "port",
  "revision",
  "restarts",
  "age",
  "cpu",
  "memory",
];

const answers = fc.record({
  id: fc.integer({ min: 0, max: 30 }),
  name: fc.constantFrom("web-1", "web-2", "web-10", "api", "日本語", "Web-1"),
  status: fc.constantFrom(...STATUSES),
  restarts: fc.integer({ min: 0, max: 3 }),
  version: fc.integer({ min: 1, max: 9 }),
}).map(({ id, ...fields }) => answerOf(`i${id}`, fields));

Deno.test("changes one by one come to the same as a list of what is newest", () => {
  fc.assert(
    fc.property(
      fc.array(answers, { maxLength: 60 }),
      fc.constantFrom(...SORTS),
      fc.boolean(),
      fc.constantFrom("", "web", "!web", "state:running", "api"),
      (changes, by, isReversed, filter) => {
        const sort = { by, isReversed };
        const empty = withFilter(withSort(NO_FLEET, sort), fleetFilter(filter));
        const followed = changes.reduce(
          (index, change) => withInstances(index, [instanceOf(change)]),
          empty,
        );
        const listed = relisted(empty, newest(changes).map(instanceOf));
        assertEquals(followed.ids, listed.ids);
        assertEquals(followed.counts, listed.counts);
        assertEquals(followed.instances.size, listed.instances.size);
        assertEquals(withInstances(empty, changes.map(instanceOf)).ids, listed.ids, "all at once");
      },
    ),
  );
});

Deno.test("what is older than what is known changes nothing", () => {
  const index = indexOf([answerOf("a", { version: 5, status: "Running" })]);
  const after = withInstances(index, [
    instanceOf(answerOf("a", { version: 4, status: "Stopped" })),
  ]);
  assertEquals(after.instances.get("a")?.status, "Running");
});

Deno.test("what is deleted, or not there any more, is gone from everywhere", () => {
  const index = indexOf([answerOf("a"), answerOf("b")]);
  const deleted = withInstances(index, [
    instanceOf(answerOf("a", { version: 2, status: "Deleted" })),
  ]);
  for (const after of [deleted, withoutInstance(index, "a")]) {
    assertEquals([after.ids, after.instances.size, after.counts.Created], [["b"], 1, 1]);
  }
  const late = withInstances(withoutInstance(index, "a"), [instanceOf(answerOf("a"))]);
  assertEquals(late.ids, ["b"], "an answer from before does not bring it back");
  assertEquals(relisted(late, [instanceOf(answerOf("a"))]).ids, ["a"], "a list is the truth");
});

Deno.test("numbers in names are sorted as numbers, in any case of letters", () => {
  const names = ["web-10", "Web-2", "web-1", "api"];
  const index = indexOf(names.map((name) => answerOf(name)));
  assertEquals(index.ids, ["api", "web-1", "Web-2", "web-10"]);
});

Deno.test("an index that was, stays as it was", () => {
  const before = indexOf([answerOf("a"), answerOf("b")]);
  withInstances(before, [instanceOf(answerOf("a", { version: 2, status: "Failed" }))]);
  assertEquals([before.ids, before.counts.Failed], [["a", "b"], 0]);
});

Deno.test("ten changes in ten thousand instances take a moment", () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `web-${at}`);
  let index = indexOf(names.map((name) => answerOf(name)));
  const begin = performance.now();
  for (let round = 0; round < 50; round++) {
    const changes = Array.from(
      { length: 10 },
      (_, at) =>
        instanceOf(answerOf(names[round * 100 + at]!, { version: round + 2, status: "Failed" })),
    );
    index = withInstances(index, changes);
  }
  const took = (performance.now() - begin) / 50;
  assertEquals(index.counts.Failed, 500);
  // A frame has 16 ms on an idle machine; this one may be ten times slower just now.
  assert(took < 160, `${took} ms for ten changes`);
});

function indexOf(items: readonly InstanceAnswer[]): FleetIndex {
  return relisted(NO_FLEET, items.map(instanceOf));
}

/** Of each instance the change that counts: the newest version, of two of one version the later. */
function newest(changes: readonly InstanceAnswer[]): InstanceAnswer[] {
  const last = new Map<string, InstanceAnswer>();
  for (const change of changes) {
    const before = last.get(change.id);
    const isGone = before?.status === "Deleted";
    const isOlder = !isGone && before !== undefined &&
      Number(before.version) > Number(change.version);
    if (!isOlder) last.set(change.id, change);
  }
  return [...last.values()];
}
