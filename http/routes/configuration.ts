/** The configuration of one instance by itself: show it, replace it, patch it. Design §6. */
import type { Json, JsonObject } from "../../events/json.ts";
import { jsonObjectSchema, parseWith } from "../../events/specification.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { allParts } from "../checked_input.ts";
import { checkedConfiguration, requestConfiguration } from "../configuration_change.ts";
import { configurationView } from "../configuration_view.ts";
import { dryRunQuery } from "../ask_options.ts";
import { serverConfiguration } from "../instance_input.ts";
import { patched, type PatchFailure, patchSchema, readPatch } from "../json_patch.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { instanceHeaders, staleness } from "../outcome.ts";
import { Problem } from "../problem.ts";
import { readingQuery, readQuery } from "../query.ts";
import { type DocumentedBody, MUTATION_HEADERS, type RouteDocs } from "../route_docs.ts";
import { presentInstance } from "./instance.ts";

/** Below it is all that concerns the configuration of one instance. */
export const CONFIGURATION_PATH = "/api/configuration/instances/:id";

/** The content type of RFC 6902. */
const JSON_PATCH_TYPE = "application/json-patch+json";

/** What the document says of all changes of a configuration. */
export const changing = {
  tag: "Configuration",
  query: dryRunQuery,
  headers: MUTATION_HEADERS,
  answers: { 200: "ConfigurationChanged" },
  problems: ["deleted", "conflict"],
} as const satisfies Partial<RouteDocs>;

/** And of patches. */
export const patchBody: DocumentedBody = {
  schema: patchSchema,
  isRequired: true,
  otherTypes: [JSON_PATCH_TYPE],
  examples: {
    port: [
      { op: "test", path: "/port", value: 8080 },
      { op: "replace", path: "/port", value: 8081 },
    ],
  },
};

/** The routes of the configuration. */
export const configurationRoutes: readonly Route[] = [
  {
    method: "GET",
    path: CONFIGURATION_PATH,
    summary: "its configuration, and whether it runs with it: ?atLeast=<position>",
    docs: {
      id: "getConfiguration",
      title: "Show the configuration",
      tag: "Configuration",
      query: readingQuery,
      answers: { 200: "Configuration" },
      problems: ["deleted"],
    },
    handle: (context, services) => showInstanceAs(context, services, configurationView),
  },
  {
    method: "PUT",
    path: CONFIGURATION_PATH,
    summary: "replace its configuration by the body",
    docs: {
      ...changing,
      id: "replaceConfiguration",
      title: "Replace the configuration",
      body: {
        schema: serverConfiguration,
        isRequired: true,
        examples: { "drasi-server": { host: "127.0.0.1", port: 8080, logLevel: "info" } },
      },
    },
    handle: (context, services) =>
      requestConfiguration(context, services, {
        read: (body) => parseWith(jsonObjectSchema, body),
        next: checkedConfiguration,
      }),
  },
  {
    method: "PATCH",
    path: CONFIGURATION_PATH,
    summary: "change its configuration by a JSON Patch (RFC 6902)",
    docs: {
      ...changing,
      id: "patchConfiguration",
      title: "Patch the configuration",
      description: "By a JSON Patch (RFC 6902): all of its operations, or none.",
      body: patchBody,
      problems: [...changing.problems, "patch_failed", "patch_test_failed"],
    },
    handle: (context, services) => patchConfiguration(context, services, WHOLE),
  },
];

/** What a patch's paths are in, and how the result is put in its place. */
export interface PatchedPart {
  of(configuration: JsonObject): JsonObject;
  /** @throws {Problem} when it is not what there can be in that place */
  into(configuration: JsonObject, patched: Json | undefined): Json | undefined;
  view(state: InstanceState): JsonObject;
}

const WHOLE: PatchedPart = {
  of: (configuration) => configuration,
  into: (_, patched) => patched,
  view: configurationView,
};

/** A read of the instance that the path names, as `view` shows it. */
export async function showInstanceAs(
  context: HttpContext,
  services: HttpServices,
  view: (state: InstanceState) => JsonObject,
): Promise<Response> {
  const { query } = allParts({ query: readQuery(context, readingQuery) });
  const state = await presentInstance(context, services, query.atLeast);
  return context.json(view(state), 200, {
    ...instanceHeaders(state, state.context.position),
    ...staleness(services),
  });
}

/** A JSON Patch of the configuration, or of a part of it: all of it, or nothing. */
export function patchConfiguration(
  context: HttpContext,
  services: HttpServices,
  part: PatchedPart,
): Promise<Response> {
  return requestConfiguration(context, services, {
    otherType: JSON_PATCH_TYPE,
    read: readPatch,
    next(patch, state) {
      const configuration = state.context.specification?.configuration ?? {};
      const patching = patched(part.of(configuration), patch, services.limits.jsonDepthMax);
      if (!patching.ok) throw problemOfPatch(patching.failure);
      return checkedConfiguration(part.into(configuration, patching.value), state);
    },
    view: part.view,
  });
}

function problemOfPatch({ index, op, path, isTest, reason }: PatchFailure): Problem {
  return new Problem(isTest ? "patch_test_failed" : "patch_failed", {
    detail: `Operation ${index} of the patch, ${op} '${path}', cannot be done: ${reason}. ` +
      "Nothing was changed.",
    hint: "GET the configuration again, and make the patch for what it is now.",
    extra: { operation: { index, op, path } },
  });
}
