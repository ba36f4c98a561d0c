/** The API's own description: the OpenAPI document of all routes. Design §6. */
import type { HttpContext, HttpServices, Route } from "../options.ts";

/**
 * The routes of the documentation.
 * @param routes every route of the API, these ones too
 */
export function documentationRoutes(routes: () => readonly Route[]): readonly Route[] {
  let text: Promise<string> | null = null;
  return [{
    method: "GET",
    path: "/openapi.json",
    summary: "this API as an OpenAPI 3.1 document",
    docs: {
      id: "getOpenApi",
      title: "This document",
      tag: "Operations",
      answers: { 200: "OpenApi" },
    },
    async handle(context: HttpContext, { version }: HttpServices) {
      text ??= documentText(routes(), version);
      return context.body(await text, 200, { "content-type": "application/json" });
    },
  }];
}

/** What makes the document takes longer to load than all of the API: nobody pays for it who does not ask. */
async function documentText(routes: readonly Route[], version: string): Promise<string> {
  const { openApiDocument } = await import("../openapi/document.ts");
  return JSON.stringify(openApiDocument(routes, version));
}
