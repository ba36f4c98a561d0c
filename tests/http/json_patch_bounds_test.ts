/** JSON Patch of anything at all: within its bounds, never half done; and the difference that makes one of another. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Json, JsonObject } from "../../events/json.ts";
import { difference, patched, type Patching, readPatch } from "../../http/json_patch.ts";

const DEPTH_MAX = 64;

function apply(document: JsonObject, operations: unknown): Patching {
  const patch = readPatch(operations as Json);
  if (!patch.ok) throw new Error(JSON.stringify(patch.faults));
  return patched(document, patch.value, DEPTH_MAX);
}

Deno.test("a patch does not grow a configuration beyond what a body may be", () => {
  const copies = Array.from({ length: 400 }, () => ({ op: "copy", from: "/a", path: "/list/-" }));
  const large = { a: "x".repeat(4_000), list: [] };
  const copied = apply(large, copies);
  assertEquals(copied.ok || copied.failure.reason, "the patch copies too much");
  assertEquals(apply(large, copies.slice(0, 200)).ok, true);
  const nesting = Array.from({ length: 70 }, () => ({ op: "copy", from: "", path: "/a" }));
  const nested = apply({}, nesting);
  assertEquals(nested.ok || nested.failure.reason, "it would be nested deeper than 64 levels");
});

const json = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(0, 1, -0, "", "x", true, null),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "a/b", "~", "toString", "0"), tie("value"), {
    maxKeys: 4,
  }),
}));

Deno.test("the difference of two configurations makes the one of the other", () => {
  fc.assert(
    fc.property(json.object, json.object, (from, to) => {
      const patching = apply(from, JSON.parse(JSON.stringify(difference(from, to))));
      assertEquals(
        JSON.parse(JSON.stringify(patching)),
        JSON.parse(JSON.stringify({ ok: true, value: to })),
      );
    }),
    { numRuns: 500 },
  );
});

Deno.test("a patch of any operations is done as a whole or refused, and never changes what it was given", () => {
  const path = fc.array(fc.constantFrom("a", "b", "0", "1", "-", "toString", "~0", "a~1b"), {
    maxLength: 3,
  }).map((tokens) => tokens.map((token) => `/${token}`).join(""));
  const operation = fc.record({
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test"),
    path,
    from: path,
    value: json.value,
  });
  fc.assert(
    fc.property(json.object, fc.array(operation, { maxLength: 6 }), (document, operations) => {
      const before = JSON.stringify(document);
      const patching = apply(document, operations);
      assertEquals(JSON.stringify(document), before);
      if (patching.ok) JSON.stringify(patching.value);
      else assert(patching.failure.index < operations.length);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("lists that are long, or nested in each other, are compared within a bound", () => {
  const long = (from: number): Json => Array.from({ length: 20_000 }, (_, n) => n + from);
  assertEquals(difference({ a: long(0) }, { a: long(1) }), [
    { op: "replace", path: "/a", value: long(1) },
  ]);
  assertEquals(difference({ a: long(0), b: 1 }, { a: long(0), b: 2 }), [
    { op: "replace", path: "/b", value: 2 },
  ]);
  const nested = (from: number): Json =>
    Array.from({ length: 60 }, (_, n) => Array.from({ length: 60 }, (_, m) => [n, m + from]));
  const [from, to] = [{ a: nested(0) }, { a: nested(1) }];
  assertEquals(apply(from, difference(from, to)), { ok: true, value: to });
  assertEquals(difference(from, from), []);
});

Deno.test("a field called constructor is a field like any other, whatever it says", () => {
  for (const kind of ["Array", "Date"]) {
    const strange = { constructor: `function ${kind}() { [native code] }`, length: 4_294_967_295 };
    const added = apply({}, [{ op: "add", path: "/x", value: strange }]);
    assertEquals(added, { ok: true, value: { x: strange } });
    const moved = apply({ x: strange }, [
      { op: "copy", from: "/x", path: "/y" },
      { op: "move", from: "/x", path: "/z" },
    ]);
    assertEquals(moved, { ok: true, value: { y: strange, z: strange } });
  }
});

Deno.test("what is put into a configuration shares nothing with the patch", () => {
  const value = { list: [1] };
  const [once, twice] = ["/a", "/b"].map((path) => ({ op: "add", path, value }));
  const patching = apply({}, [once, twice, { op: "add", path: "/a/list/-", value: 2 }]);
  assertEquals(patching, { ok: true, value: { a: { list: [1, 2] }, b: { list: [1] } } });
  assertEquals(value, { list: [1] });
});

Deno.test("a body of more operations than a patch may have is one fault, however many are wrong", () => {
  const parsed = readPatch(Array.from({ length: 400_000 }, () => 0));
  assertEquals(parsed, {
    ok: false,
    faults: [{ path: "", message: "must have at most 500 operations" }],
  });
});

Deno.test("a list that grew from nothing is told as a whole, not item by item", () => {
  const texts = Array.from({ length: 3_998 }, () => "x");
  assertEquals(difference({ a: [] }, { a: texts }), [{ op: "replace", path: "/a", value: texts }]);
});
