/** The API as an OpenAPI 3.1 document, made from its routes and the schemas that check them. Loaded when it is asked for. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { configurationSchemas, type Template } from "../../events/configuration.ts";
import { leastRole } from "../access/gate.ts";
import type { Route } from "../options.ts";
import { CONFIGURATION_SCHEMAS, type RouteDocs } from "../route_docs.ts";
import { ANSWERS } from "./answers.ts";
import { INTRODUCTION, tagDescriptions } from "./introduction.ts";
import { pathParameters } from "./path_parameters.ts";
import { problemCodesOf } from "./problem_codes.ts";
import { problemExamples } from "./problem_examples.ts";
import { problemResponses } from "./problem_responses.ts";
import { answerHeaders, requestHeaders } from "./headers.ts";
import { docsOf } from "./undocumented.ts";

type Registry = OpenAPIHono["openAPIRegistry"];
type PathConfig = Parameters<Registry["registerPath"]>[0];
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** The name of the security scheme. */
const TOKEN = "token";

/** The document of `routes`; each of them is in it. */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const documented = new OpenAPIHono();
  const registry = documented.openAPIRegistry;
  registry.registerComponent("securitySchemes", TOKEN, {
    type: "http",
    scheme: "bearer",
    description: "One of the control plane's tokens; a requirement names the least role that it " +
      "has to have. Where the control plane has none, none is needed.",
  });
  for (const [name, example] of Object.entries(problemExamples())) {
    registry.registerComponent("examples", name, example);
  }
  for (const [template, name] of Object.entries(CONFIGURATION_SCHEMAS)) {
    // A schema that was made before the library was loaded has to be made anew for it.
    const schema = configurationSchemas[template as Template];
    registry.register(name, schema.describe(`What the template \`${template}\` takes.`));
  }
  for (const route of routes) registry.registerPath(pathConfig(route));
  return withOptionalExamples(documented.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "DRaaS",
      version,
      description: INTRODUCTION,
      license: { name: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "this control plane" }],
    tags: tagDescriptions(),
  }));
}

/**
 * What may be left out is not sent by a page that shows the document, though there is an example of it: `x-disabled` is
 * Scalar's word for that.
 */
function withOptionalExamples(document: OpenApiDocument): OpenApiDocument {
  for (const item of Object.values(document.paths ?? {})) {
    for (const operation of [item.get, item.post, item.put, item.patch, item.delete]) {
      for (const parameter of operation?.parameters ?? []) {
        if (!("schema" in parameter) || parameter.required || !parameter.schema) continue;
        const { example, ...schema } = parameter.schema as { example?: unknown };
        if (example === undefined) continue;
        parameter.schema = schema;
        parameter.examples = { example: { value: example, "x-disabled": true } as object };
      }
    }
  }
  return document;
}

/** `/api/workers/:id` as OpenAPI writes it: `/api/workers/{id}`. */
export function templatedPath(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

function pathConfig(route: Route): PathConfig {
  const docs = docsOf(route);
  return {
    method: route.method.toLowerCase() as PathConfig["method"],
    path: templatedPath(route.path),
    operationId: docs.id,
    tags: [docs.tag],
    summary: docs.title,
    description: descriptionOf(route, docs),
    security: securityOf(route),
    request: requestOf(route, docs),
    responses: { ...answersOf(docs), ...problemResponses(problemCodesOf(route, docs)) },
  };
}

/** OpenAPI 3.1 lets a requirement of a bearer token name roles. */
function securityOf(route: Route): Record<string, string[]>[] {
  const role = leastRole(route);
  return role === "anyone" ? [] : [{ [TOKEN]: [role] }, {}];
}

function descriptionOf(route: Route, docs: RouteDocs): string {
  const text = docs.description ?? sentence(route.summary);
  const { forceRole } = route;
  return forceRole === undefined ? text : `${text}\n\n\`force=true\` takes the role ${forceRole}.`;
}

function requestOf(route: Route, docs: RouteDocs): NonNullable<PathConfig["request"]> {
  const { query, headers = [], body } = docs;
  const params = pathParameters(route.path);
  return {
    ...(params ? { params } : {}),
    ...(query && Object.keys(query).length > 0 ? { query: z.object(query) } : {}),
    ...(headers.length > 0 ? { headers: requestHeaders(headers) } : {}),
    ...(body ? { body: bodyOf(body) } : {}),
  };
}

type Body = NonNullable<NonNullable<PathConfig["request"]>["body"]>;

function bodyOf({ schema, isRequired, otherTypes = [], examples }: NonNullable<RouteDocs["body"]>) {
  const shown = Object.entries(examples).map(([name, value]) => [name, { value }]);
  const content = { schema, examples: Object.fromEntries(shown) };
  const types = ["application/json", ...otherTypes];
  return {
    required: isRequired,
    content: Object.fromEntries(types.map((type) => [type, content])),
  } satisfies Body;
}

function answersOf({ answers }: RouteDocs): PathConfig["responses"] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, name]) => {
      const { description, headers, content } = ANSWERS[name];
      const hasBody = Object.keys(content).length > 0;
      return [
        status,
        { description, headers: answerHeaders(headers), ...(hasBody ? { content } : {}) },
      ];
    }),
  );
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
