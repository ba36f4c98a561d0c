/** The OpenAPI document: what is in it is what the API does. Design §6. */
import { assert, assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { ANSWERS } from "../../http/openapi/answers.ts";
import { KINDS } from "../../http/problem.ts";
import { apiOptions } from "./support/api_options.ts";
import { documentedApi, type Json } from "./support/documented_api.ts";
import { scriptedSystem } from "./support/scripted_system.ts";

/** A value, and where its schema is in the document. */
interface Example {
  schema: string[];
  value: unknown;
}

function resolved(node: Json, document: Json): Json {
  const at = /^#\/(.*)$/.exec(node?.$ref ?? "")?.[1];
  return at === undefined ? node : at.split("/").reduce((inner, key) => inner[key], document);
}

const metrics = () => Promise.resolve("");
const app = createHttpApp({ ...apiOptions(scriptedSystem(null)), metrics });

Deno.test("every route of the API is in its document, and nothing else is", async () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const { operations } = await documentedApi();
  assertEquals(operations.map(({ method, path }) => `${method} ${path}`).sort(), routes.sort());
});

Deno.test("every example in the document fits the schema that it stands beside", async () => {
  const api = await documentedApi();
  const examples = examplesIn(api.document, []);
  assert(examples.length > 300, `${examples.length} examples`);
  const faults = examples.flatMap(({ schema, value }) =>
    api.schemaFaults(schema, value).map((fault) => `${schema.join(" ")}: ${fault}`)
  );
  assertEquals(faults, []);

  function examplesIn(node: Json, at: string[]): Example[] {
    if (typeof node !== "object" || node === null) return [];
    if (Array.isArray(node)) {
      return node.flatMap((one, index) => examplesIn(one, [...at, String(index)]));
    }
    const values = [
      ...("example" in node ? [node.example] : []),
      ...Object.values<Json>(node.examples ?? {}).map((one) => resolved(one, api.document).value),
    ];
    const own = "schema" in node
      ? values.map((value) => ({ schema: [...at, "schema"], value }))
      : "example" in node && "type" in node
      ? [{ schema: at, value: node.example }]
      : [];
    const inner = Object.entries(node).filter(([key]) => key !== "example" && key !== "examples");
    return [...own, ...inner.flatMap(([key, one]) => examplesIn(one, [...at, key]))];
  }
});

Deno.test("every problem has an example that says what it is", async () => {
  const { document: { components } } = await documentedApi();
  for (const code of Object.keys(KINDS)) {
    const { value } = components.examples[code];
    assert(value.hint !== "", `${code} has none of its own`);
  }
});

Deno.test("no route is without its documentation, and no answer without a route", async () => {
  const { operations } = await documentedApi();
  const { Undocumented, ...answers } = ANSWERS;
  const saying = (description: string) =>
    operations.filter(({ responses }) =>
      Object.values(responses).some((one) => one.description === description)
    ).map(({ method, path }) => `${method} ${path}`);
  assertEquals(saying(Undocumented.description), [], "its `docs` are missing");
  const unsaid = Object.entries(answers).filter(([, { description }]) =>
    saying(description).length === 0
  );
  assertEquals(unsaid.map(([name]) => name), []);
});
