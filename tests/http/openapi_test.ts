/** The OpenAPI document: what is in it is what the API does. Design §6. */
import { assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { apiClient } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";
import { scriptedSystem } from "./support/scripted_system.ts";

const METHODS = ["get", "post", "put", "patch", "delete"];

const app = createHttpApp(apiOptions(scriptedSystem(null)));
const call = apiClient(app);

/** `GET /api/workers/{id}` for every operation. */
async function operationsOfDocument(): Promise<string[]> {
  const { json } = await call("GET /openapi.json");
  return Object.entries(json.paths as Record<string, object>).flatMap(([path, item]) =>
    Object.keys(item).filter((one) => METHODS.includes(one))
      .map((method) => `${method.toUpperCase()} ${path}`)
  ).sort();
}

Deno.test("every route of the API is in its document, and nothing else is", async () => {
  const routes = app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  assertEquals(await operationsOfDocument(), routes.sort());
});
