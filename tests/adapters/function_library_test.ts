/** The library's name stands for its text: two releases side by side must never mean different things by one name. */
import { createHash } from "node:crypto";
import { assert, assertEquals } from "@std/assert";
import { copyLibrary } from "../../adapters/redis/copy/copy_link.ts";
import { functionLibrary, LIBRARY_VERSION } from "../../adapters/redis/function_library.ts";
import { IGNORABLE_TYPES } from "../../events/log_copy.ts";

/** The digest of each version's text. One that was released is never changed: raise `LIBRARY_VERSION` instead. */
const DIGESTS: Readonly<Record<number, string>> = {
  1: "7e8e3de246a906b7",
};

Deno.test("the text of the library is the one that its version stands for", () => {
  const { text } = functionLibrary(LIBRARY_VERSION, {});
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16);
  assertEquals(
    digest,
    DIGESTS[LIBRARY_VERSION],
    "the functions have changed: raise LIBRARY_VERSION, or, before its release, note the new digest here",
  );
});

Deno.test("each version has functions of its own", () => {
  const [one, two] = [functionLibrary(1), functionLibrary(2)];
  assertEquals([one.name, two.name], ["draas_v1", "draas_v2"]);
  assert(two.text.includes("#!lua name=draas_v2") && !two.text.includes("draas_v1"));
});

Deno.test("the functions write the schema numbers of their release", () => {
  assert(functionLibrary(1, { CommandAccepted: 7 }).text.includes("{ CommandAccepted = 7 }"));
});

Deno.test("the types that an embedded log's copy marks as ignorable are those that the functions mark", () => {
  const [, list = ""] = /local IGNORABLE = \{(.*)\}/.exec(functionLibrary().text) ?? [];
  const types = [...list.matchAll(/(\w+) = true/g)].map(([, type]) => type);
  assertEquals(types, [...IGNORABLE_TYPES]);
});

Deno.test("copies have a library of their own, whose name stands for its text as well", () => {
  const { name, text } = copyLibrary();
  assertEquals(name, "draas_copy_v1");
  assertEquals(createHash("sha256").update(text).digest("hex").slice(0, 16), "8e64c3a996b63978");
});
