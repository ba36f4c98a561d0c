/** JSON Patch on configurations: RFC 6902 to the letter, all or nothing, and no harm by any path. */
import { assert, assertEquals } from "@std/assert";
import { describeFaults } from "../../events/configuration.ts";
import type { Json, JsonObject } from "../../events/json.ts";
import { type JsonPatch, patched, type Patching, readPatch } from "../../http/json_patch.ts";

const DEPTH_MAX = 64;

function patchOf(operations: unknown): JsonPatch {
  const parsed = readPatch(operations as Json);
  if (!parsed.ok) throw new Error(describeFaults(parsed.faults));
  return parsed.value;
}

function apply(document: JsonObject, operations: unknown): Patching {
  return patched(document, patchOf(operations), DEPTH_MAX);
}

function faultsOf(operations: unknown): string[] {
  const parsed = readPatch(operations as Json);
  return parsed.ok ? [] : parsed.faults.map(({ path, message }) => `${path}: ${message}`);
}

/** The examples of RFC 6902, appendix A, and what its text says besides. */
const done: [string, JsonObject, unknown[], unknown][] = [
  ["A.1 adds a field", { foo: "bar" }, [{ op: "add", path: "/baz", value: "qux" }], {
    foo: "bar",
    baz: "qux",
  }],
  ["A.2 adds an item", { foo: ["bar", "baz"] }, [{ op: "add", path: "/foo/1", value: "qux" }], {
    foo: ["bar", "qux", "baz"],
  }],
  ["A.3 removes a field", { baz: "qux", foo: "bar" }, [{ op: "remove", path: "/baz" }], {
    foo: "bar",
  }],
  ["A.4 removes an item", { foo: ["bar", "qux", "baz"] }, [{ op: "remove", path: "/foo/1" }], {
    foo: ["bar", "baz"],
  }],
  ["A.5 replaces a value", { baz: 1 }, [{ op: "replace", path: "/baz", value: "boo" }], {
    baz: "boo",
  }],
  [
    "A.6 moves a value",
    { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
  ],
  [
    "A.7 moves an item",
    { foo: ["all", "grass", "cows", "eat"] },
    [{ op: "move", from: "/foo/1", path: "/foo/3" }],
    { foo: ["all", "cows", "eat", "grass"] },
  ],
  ["A.8 tests values", { baz: "qux", foo: ["a", 2, "c"] }, [
    { op: "test", path: "/baz", value: "qux" },
    { op: "test", path: "/foo/1", value: 2 },
  ], { baz: "qux", foo: ["a", 2, "c"] }],
  ["A.10 adds a nested object", { foo: "bar" }, [
    { op: "add", path: "/child", value: { grandchild: {} } },
  ], { foo: "bar", child: { grandchild: {} } }],
  ["A.11 passes over unknown members", { foo: "bar" }, [
    { op: "add", path: "/baz", value: "qux", xyz: 123 },
  ], { foo: "bar", baz: "qux" }],
  ["A.14 unescapes ~ in order", { "/": 9, "~1": 10 }, [{ op: "test", path: "/~01", value: 10 }], {
    "/": 9,
    "~1": 10,
  }],
  ["A.16 adds an array as one item", { foo: ["bar"] }, [
    { op: "add", path: "/foo/-", value: ["abc", "def"] },
  ], { foo: ["bar", ["abc", "def"]] }],
  ["the empty pointer is the whole", { a: 1 }, [
    { op: "test", path: "", value: { a: 1 } },
    { op: "replace", path: "", value: { b: 2 } },
    { op: "add", path: "/c", value: null },
  ], { b: 2, c: null }],
  ["the whole can be removed, and copied into itself", { a: 1 }, [
    { op: "copy", from: "", path: "/b" },
    { op: "remove", path: "/a" },
  ], { b: { a: 1 } }],
  ["a removed whole is nothing", { a: 1 }, [{ op: "remove", path: "" }], undefined],
  ["a copy is apart from what it was copied from", { a: { x: 1 } }, [
    { op: "copy", from: "/a", path: "/b" },
    { op: "replace", path: "/b/x", value: 2 },
  ], { a: { x: 1 }, b: { x: 2 } }],
  ["a move to where it is changes nothing", { a: 1 }, [{ op: "move", from: "/a", path: "/a" }], {
    a: 1,
  }],
  [
    "a place after a removed item is counted without it",
    { list: [{ n: 0 }, { n: 1 }, { n: 2 }] },
    [{ op: "move", from: "/list/0", path: "/list/1/was" }],
    { list: [{ n: 1 }, { n: 2, was: { n: 0 } }] },
  ],
  ["the order of fields is not tested", { a: { x: 1, y: [{ z: 2, w: 3 }] } }, [
    { op: "test", path: "/a", value: { y: [{ w: 3, z: 2 }], x: 1 } },
  ], { a: { x: 1, y: [{ z: 2, w: 3 }] } }],
  ["null is a value", { a: null }, [
    { op: "test", path: "/a", value: null },
    { op: "replace", path: "/a", value: 1 },
  ], { a: 1 }],
];
for (const [sentence, document, operations, expected] of done) {
  Deno.test(`a patch: ${sentence}`, () =>
    assertEquals(apply(document, operations), { ok: true, value: expected as Json }));
}

const missing = "there is no value";
const refused: [string, JsonObject, Record<string, unknown>, string][] = [
  [
    "a test of another value",
    { a: "x" },
    { op: "test", path: "/a", value: "y" },
    "the value is another one",
  ],
  [
    "A.15 a test of a number as text",
    { a: 10 },
    { op: "test", path: "/a", value: "10" },
    "the value is another one",
  ],
  ["a test of less than there is", { a: { b: 1, c: 2 } }, {
    op: "test",
    path: "/a",
    value: { b: 1 },
  }, "the value is another one"],
  ["a test of nothing", {}, { op: "test", path: "/a", value: null }, missing],
  ["A.12 an add to an object that is not there", { foo: "bar" }, {
    op: "add",
    path: "/baz/bat",
    value: 1,
  }, "there is nothing to put it into"],
  [
    "an add to a text",
    { a: "x" },
    { op: "add", path: "/a/b", value: 1 },
    "there is nothing to put it into",
  ],
  [
    "an add to a number",
    { a: 1 },
    { op: "add", path: "/a/b", value: 1 },
    "there is nothing to put it into",
  ],
  [
    "an add behind the end of a list",
    { a: [1] },
    { op: "add", path: "/a/2", value: 1 },
    "it is no place in that list",
  ],
  [
    "an add at no index",
    { a: [1] },
    { op: "add", path: "/a/01", value: 1 },
    "it is no place in that list",
  ],
  [
    "an add at a field of a list",
    { a: [1] },
    { op: "add", path: "/a/length", value: 0 },
    "it is no place in that list",
  ],
  [
    "a copy to no index",
    { a: [1], b: 2 },
    { op: "copy", from: "/b", path: "/a/x" },
    "it is no place in that list",
  ],
  ["a remove of nothing", {}, { op: "remove", path: "/a" }, missing],
  ["a remove of what all objects have", {}, { op: "remove", path: "/toString" }, missing],
  ["a remove of a list's length", { a: [1] }, { op: "remove", path: "/a/length" }, missing],
  ["a remove of a text's length", { a: "x" }, { op: "remove", path: "/a/length" }, missing],
  ["a remove behind the last item", { a: [1] }, { op: "remove", path: "/a/-" }, missing],
  ["a replace of nothing", {}, { op: "replace", path: "/a", value: 1 }, missing],
  [
    "a replace of what all objects have",
    {},
    { op: "replace", path: "/valueOf", value: 1 },
    missing,
  ],
  [
    "a replace behind the last item",
    { a: [1] },
    { op: "replace", path: "/a/-", value: 1 },
    missing,
  ],
  [
    "a copy of what all objects have",
    {},
    { op: "copy", from: "/toString", path: "/a" },
    "there is no value at '/toString'",
  ],
  ["a move of nothing", {}, { op: "move", from: "/a", path: "/b" }, "there is no value at '/a'"],
  [
    "a move into itself",
    { a: { b: 1 } },
    { op: "move", from: "/a", path: "/a/c" },
    "a value cannot be moved into itself",
  ],
  [
    "a move of the whole",
    { a: 1 },
    { op: "move", from: "", path: "/a" },
    "a value cannot be moved into itself",
  ],
];
for (const [what, document, operation, reason] of refused) {
  Deno.test(`${what} is refused, and what came before it is not done either`, () => {
    const before = structuredClone(document);
    const patching = apply(document, [{ op: "add", path: "/first", value: 1 }, operation]);
    assertEquals(patching, {
      ok: false,
      failure: {
        index: 1,
        op: operation.op as "test",
        path: operation.path as string,
        isTest: operation.op === "test",
        reason,
      },
    });
    assertEquals(document, before);
  });
}

Deno.test("every fault of a patch's form is told at once, with the operation's index", () => {
  assertEquals(
    faultsOf([
      7,
      { op: "upsert", path: "/a" },
      { op: "add", path: "a" },
      { op: "copy", path: "/a~2", from: 1 },
      { op: "remove" },
      { path: "/a" },
      { op: "test", path: "/ok", value: null },
    ]),
    [
      "0: must be one of add, remove, replace, move, copy, test, in an object with its path",
      "1.op: must be one of add, remove, replace, move, copy, test, in an object with its path",
      "2.path: must be a JSON Pointer, as in /queries/0/id",
      "2.value: must be there",
      "3.from: must be a JSON Pointer, as in /queries/0/id",
      "3.path: must be a JSON Pointer, as in /queries/0/id",
      "4.path: must be a JSON Pointer, as in /queries/0/id",
      "5.op: must be one of add, remove, replace, move, copy, test, in an object with its path",
    ],
  );
  for (const body of [undefined, {}, "x", null]) {
    assertEquals(faultsOf(body), [": the body must be a JSON Patch: an array of operations"]);
  }
  const many = Array.from({ length: 501 }, () => ({ op: "remove", path: "/a" }));
  assertEquals(faultsOf(many), [": must have at most 500 operations"]);
});

Deno.test("no path and no value reaches what all objects share", () => {
  const unreachable =
    "must not name __proto__, constructor or prototype; PUT the configuration as a whole";
  for (const name of ["__proto__", "constructor", "prototype"]) {
    for (const path of [`/${name}`, `/${name}/polluted`, `/a/${name}/polluted`]) {
      assertEquals(faultsOf([{ op: "add", path, value: 1 }]), [`0.path: ${unreachable}`]);
      assertEquals(faultsOf([{ op: "copy", from: path, path: "/b" }]), [`0.from: ${unreachable}`]);
    }
  }
  assertEquals(
    faultsOf(JSON.parse('[{"op":"add","path":"/a","value":[{"__proto__":{"polluted":1}}]}]')),
    ["0.value: must not have a field __proto__"],
  );
  assert(!("polluted" in {}), "no object has it");
});
