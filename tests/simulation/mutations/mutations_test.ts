/** The table of mutations is true of the sources as they are, and the page about them names each. */
import { assert, assertEquals } from "@std/assert";
import { INVARIANTS } from "../invariants/catalogue.ts";
import { huntAll } from "./hunts.ts";
import { edited } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";
import { OPEN_MUTATIONS } from "./open_mutations.ts";

const ROOT = new URL("../../../", import.meta.url);
const textAt = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

Deno.test("what each mutation replaces is in its file exactly once, and is changed by it", () => {
  for (const { name, edits } of [...MUTATIONS, ...OPEN_MUTATIONS]) {
    for (const edit of edits) {
      const before = textAt(edit.file);
      assert(edited(before, edit) !== before, `${name} changes nothing`);
    }
  }
});

Deno.test("there are at least 22 mutations, each with a name of its own", () => {
  const names = new Set(MUTATIONS.map(({ name }) => name));
  assertEquals(names.size, MUTATIONS.length, "names");
  assert(names.size >= 22, `${names.size} mutations`);
});

Deno.test("each mutation is noticed by invariants that there are", () => {
  const unknown = MUTATIONS.flatMap(({ name, noticedBy }) =>
    noticedBy.filter((one) => !(one in INVARIANTS)).map((one) => `${name}: ${one}`)
  );
  assertEquals(unknown, []);
  const silent = MUTATIONS.filter(({ noticedBy }) => noticedBy.length === 0);
  assertEquals(silent.map(({ name }) => name), [], "noticed by nothing");
});

Deno.test("docs/testing.md names each mutation", () => {
  const page = textAt("docs/testing.md");
  const missing = MUTATIONS.filter(({ name }) => !page.includes(`| \`${name}\``));
  assertEquals(missing.map(({ name }) => name), []);
});

Deno.test("each mutation is noticed, by an invariant that is about it", async () => {
  const hunted = await huntAll(MUTATIONS, navigator.hardwareConcurrency);
  const missed = hunted.filter(({ report }) => !report?.caught);
  assertEquals(missed.map(({ mutation, complaint }) => `${mutation.name} ${complaint}`), []);
});
