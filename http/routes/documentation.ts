/** The API's own description: the OpenAPI document of all routes, and a page that shows it. Design §6. */
import { DOCS_HEADERS, DOCS_PAGE, PROGRAM_PATH } from "../docs_page.ts";
import type { BrowserProgram } from "../openapi/scalar.ts";
import type { Route } from "../options.ts";

/**
 * The routes of the documentation. What they answer with takes longer to load than all of the API: nobody pays for it
 * who does not ask.
 * @param routes every route of the API, these ones too
 */
export function documentationRoutes(routes: () => readonly Route[]): readonly Route[] {
  let text: Promise<string> | null = null;
  let program: Promise<BrowserProgram> | null = null;
  return [
    {
      method: "GET",
      path: "/openapi.json",
      summary: "this API as an OpenAPI 3.1 document",
      role: "anyone",
      docs: {
        id: "getOpenApi",
        title: "This document",
        tag: "Operations",
        answers: { 200: "OpenApi" },
      },
      async handle(context, { version }) {
        text ??= documentText(routes(), version);
        return context.body(await text, 200, { "content-type": "application/json" });
      },
    },
    {
      method: "GET",
      path: "/docs",
      summary: "a page for people that shows this API",
      role: "anyone",
      docs: {
        id: "showDocs",
        title: "This document as a page",
        tag: "Operations",
        answers: { 200: "Page" },
      },
      handle: (context) => context.body(DOCS_PAGE, 200, DOCS_HEADERS),
    },
    {
      method: "GET",
      path: PROGRAM_PATH,
      summary: "the program of that page",
      role: "anyone",
      docs: {
        id: "getDocsProgram",
        title: "The program of that page",
        tag: "Operations",
        answers: { 200: "Program", 304: "Unchanged" },
      },
      async handle(context) {
        program ??= loadProgram();
        const { bytes, etag } = await program;
        const headers = { etag, "cache-control": "no-cache" };
        if (context.req.header("if-none-match") === etag) return context.body(null, 304, headers);
        return context.body(bytes, 200, { ...headers, "content-type": "text/javascript" });
      },
    },
  ];
}

async function documentText(routes: readonly Route[], version: string): Promise<string> {
  const { openApiDocument } = await import("../openapi/document.ts");
  return JSON.stringify(openApiDocument(routes, version));
}

async function loadProgram(): Promise<BrowserProgram> {
  const { scalarProgram } = await import("../openapi/scalar.ts");
  return await scalarProgram();
}
