/** The JSON Schemas in `docs/schemas` are those that the program checks with. */
import { assert, assertEquals } from "@std/assert";
import { schemaFiles } from "../docs/schemas/write_schemas.ts";

const FOLDER = new URL("../docs/schemas/", import.meta.url);

Deno.test("the JSON Schemas are up to date; `deno task schema` writes them", () => {
  const written = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => name.endsWith(".json")).sort();
  assertEquals(written, [...schemaFiles().keys()].sort());
  for (const [name, text] of schemaFiles()) {
    assert(Deno.readTextFileSync(new URL(name, FOLDER)) === text, `${name} is out of date`);
  }
});
