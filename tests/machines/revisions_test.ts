/** The configurations that an instance has had: what makes one, who asked for it, and what is left of them after a cut. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { JsonObject } from "../../events/json.ts";
import type { Destination } from "../../events/specification.ts";
import { storedState } from "../../machines/evolve.ts";
import { type Revision, revisionsOf } from "../../machines/revisions.ts";
import { History, SITE } from "../support/recorded.ts";

const ann = { requestedBy: "ann" };
const configurationOf = (name: string): JsonObject => ({ command: [name] });

function configured(history: History, name: string): History {
  return history.add("InstanceConfigured", {
    changes: { configuration: configurationOf(name) },
  }, ann);
}

function moving(history: History, commandId: string | null, configuration?: JsonObject): History {
  const to: Destination = { platform: "docker", ...(configuration ? { configuration } : {}) };
  return history.moveRequested(commandId, to, { requestedBy: "mover" });
}

function removed(history: History, commandId: string): History {
  return history.accepted(commandId, "Delete").add("CommandSucceeded", {
    commandId,
    attempt: 1,
    workerId: "w1",
    response: { type: "DeleteInstanceResponse", instanceId: "instance-1", success: true },
  }, { requestedBy: "worker:w1" });
}

function deleting(history: History, commandId: string): History {
  return history.add("DeleteRequested", {
    commandId,
    generation: history.state.context.generation + 1,
    site: SITE,
    acceptWithinMs: 30_000,
    force: false,
    mayStillRun: null,
  });
}

function baseline(history: History): History {
  const state = JSON.parse(JSON.stringify(storedState(history.state)));
  return history.add("Baseline", { state }, { requestedBy: "retention" });
}

const revisions = ({ events, state }: History, cutBefore = 0): Revision[] =>
  revisionsOf(events.slice(cutBefore), state.context.revision);

const told = (history: History, cutBefore = 0): unknown[] =>
  revisions(history, cutBefore).map(({ revision, configuration, by, version }) => [
    revision,
    configuration.command ?? configuration,
    by,
    version,
  ]);

const first = [1, ["/bin/true"], "unknown", 1];
const created = () => new History().created();

const rows: [string, () => History, unknown[]][] = [
  ["a create makes the first one", created, [first]],
  ["each changed configuration makes one, newest first", () => configured(created(), "b"), [
    [2, ["b"], "ann", 2],
    first,
  ]],
  [
    "a change of anything else makes none",
    () => created().add("InstanceConfigured", { changes: { name: "two", labels: { a: "b" } } }),
    [first],
  ],
  ["a run makes none", () => History.running().exited(), [first]],
  [
    "an empty configuration is one too",
    () => created().add("InstanceConfigured", { changes: { configuration: {} } }, ann),
    [[2, {}, "ann", 2], first],
  ],
  [
    "a move that waits for nobody makes one at once",
    () => moving(created(), null, configurationOf("m")),
    [[2, ["m"], "mover", 2], first],
  ],
  [
    "a move makes one once its worker has removed what was left, for whoever asked for it",
    () => removed(moving(created(), "c1", configurationOf("m")), "c1"),
    [[2, ["m"], "mover", 4], first],
  ],
  ["a move under way makes none yet", () => moving(created(), "c1", configurationOf("m")), [first]],
  [
    "a move that no worker took makes none",
    () =>
      moving(created(), "c1", configurationOf("m"))
        .add("CommandExpired", { commandId: "c1", reason: "NoWorker" }),
    [first],
  ],
  [
    "a move without a configuration makes none",
    () => configured(removed(moving(created(), "c1"), "c1"), "b"),
    [[2, ["b"], "ann", 5], first],
  ],
  [
    "a deleted instance has had what it had",
    () => removed(deleting(configured(created(), "b"), "c1"), "c1"),
    [[2, ["b"], "ann", 2], first],
  ],
  ["a baseline makes none", () => configured(baseline(created()), "b"), [
    [2, ["b"], "ann", 3],
    first,
  ]],
];
for (const [sentence, history, expected] of rows) {
  Deno.test(`revisions: ${sentence}`, () => assertEquals(told(history()), expected));
}

const cuts: [string, () => History, number, unknown[]][] = [
  [
    "what a baseline holds begins it, and nobody knows who asked for that",
    () => configured(baseline(configured(created(), "b")), "c"),
    2,
    [[3, ["c"], "ann", 4], [2, ["b"], null, 3]],
  ],
  [
    "what is left before the baseline is known from its own events",
    () => baseline(configured(configured(created(), "b"), "c")),
    1,
    [[3, ["c"], "ann", 3], [2, ["b"], "ann", 2]],
  ],
  [
    "a move that the baseline found under way is known by the baseline",
    () => removed(baseline(moving(created(), "c1", configurationOf("m"))), "c1"),
    2,
    [[2, ["m"], "unknown", 5], [1, ["/bin/true"], null, 3]],
  ],
  [
    "a move without a configuration that it found under way makes none",
    () => removed(baseline(moving(created(), "c1")), "c1"),
    2,
    [[1, ["/bin/true"], null, 3]],
  ],
  [
    "a move that was over by then, and whose request was cut, is known by the baseline alone",
    () => {
      const moved = removed(moving(configured(created(), "b"), "c1", configurationOf("m")), "c1");
      return baseline(moved);
    },
    3,
    [[3, ["m"], null, 6]],
  ],
  [
    "of an instance that was deleted before its baseline none is known",
    () => baseline(removed(deleting(created(), "c1"), "c1")),
    4,
    [],
  ],
];
for (const [sentence, history, cutBefore, expected] of cuts) {
  Deno.test(`revisions after a cut: ${sentence}`, () =>
    assertEquals(told(history(), cutBefore), expected));
}

type Step = (history: History, id: string) => void;

/** What may happen to an instance, with commands that each end once. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.nat(9).map((n): Step => (h) => void configured(h, `n${n}`)) },
  fc.constant((h: History) => void h.add("InstanceConfigured", { changes: { name: "x" } })),
  fc.option(fc.nat(9)).map((n): Step => (h) =>
    void moving(h, null, n === null ? undefined : configurationOf(`m${n}`))
  ),
  fc.tuple(fc.option(fc.nat(9)), fc.boolean(), fc.boolean()).map(
    ([n, isDone, hasBaseline]): Step => (h, id) => {
      moving(h, id, n === null ? undefined : configurationOf(`m${n}`));
      if (hasBaseline) baseline(h);
      if (isDone) removed(h, id);
      else h.add("CommandExpired", { commandId: id, reason: "NoWorker" });
    },
  ),
  fc.constant((h: History, id: string) =>
    void h.startRequested(id).accepted(id).started(id, `r-${id}`).exited(`r-${id}`)
  ),
  { weight: 2, arbitrary: fc.constant((h: History) => void baseline(h)) },
);

const anyHistory = fc.tuple(fc.array(anyStep, { maxLength: 15 }), fc.boolean()).map(
  ([steps, isDeleted]) => {
    const history = created();
    const seen: { revision: number; configuration: JsonObject }[] = [];
    const look = () => {
      const { revision, specification } = history.state.context;
      seen[revision - 1] ??= { revision, configuration: specification!.configuration };
    };
    look();
    for (const [index, step] of steps.entries()) {
      step(history, `c${index}`);
      look();
    }
    if (isDeleted) removed(deleting(history, "last"), "last");
    return { history, seen, [Symbol.for("fast-check/toStringMethod")]: () => told(history).join() };
  },
);

Deno.test("the revisions of any history are the configurations that its fold went through", () => {
  fc.assert(
    fc.property(anyHistory, ({ history, seen }) => {
      assertEquals(
        revisions(history).map(({ revision, configuration }) => ({ revision, configuration }))
          .toReversed(),
        seen,
      );
    }),
    { numRuns: 300 },
  );
});

Deno.test("after a cut the revisions are the newest ones as they were, from the first baseline's on at least", () => {
  fc.assert(
    fc.property(anyHistory, fc.nat(60), ({ history }, drawn) => {
      const { events, state } = history;
      const cutBefore = drawn % events.length;
      const left = events.slice(cutBefore);
      const whole = revisions(history);
      const known = revisions(history, cutBefore);
      const bare = (all: Revision[]) =>
        all.map(({ revision, configuration }) => [revision, configuration]);
      assertEquals(bare(known), bare(whole.slice(0, known.length)));
      const origin = left.find((event) => event.type === "Baseline");
      if (origin?.type !== "Baseline" || state.context.deletedAt !== null) return;
      const held = (origin.data.state.context as JsonObject).revision as number;
      assert((known.at(-1)?.revision ?? Infinity) <= held, `revision ${held} is in its baseline`);
    }),
    { numRuns: 300 },
  );
});
