/** The predecessor's routes that are not this API's own: other names and shapes, over the same handlers. Design §6. */
import { z } from "zod";
import type { Json, JsonObject } from "../../events/json.ts";
import { legacyStatusOf } from "../../machines/legacy_status.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { checkedConfiguration, requestConfiguration } from "../configuration_change.ts";
import { externalStatusView } from "../instance_view.ts";
import type { Route } from "../options.ts";
import { invalidRequest } from "../problem.ts";
import { runtimeInfoView } from "../runtime_view.ts";
import { readingQuery } from "../query.ts";
import {
  changing,
  patchBody,
  patchConfiguration,
  type PatchedPart,
  showInstanceAs,
} from "./configuration.ts";

const SERVER_PATH = "/api/server/instances/:id/configuration/server";

/** What the predecessor called the configuration of the server: these fields, and no others. */
const SERVER_FIELDS = ["host", "port", "logLevel"] as const;
const FIELD_EXAMPLES = { host: "127.0.0.1", port: 8080, logLevel: "info" };

const SERVER: PatchedPart = {
  of: serverFields,
  into(configuration, patched) {
    // That it is no object is for the check of the whole to say.
    if (typeof patched !== "object" || patched === null || Array.isArray(patched)) return patched;
    const strange = Object.keys(patched).filter((name) => !isServerField(name));
    if (strange.length > 0) {
      throw invalidRequest(
        strange.map((path) => ({ path, message: "is not a field of the server's configuration" })),
      );
    }
    const others = Object.entries(configuration).filter(([name]) => !isServerField(name));
    return { ...Object.fromEntries(others), ...patched };
  },
  view: serverView,
};

/** The routes of the predecessor. Those that are as they were, or as honest answers allow, are not named twice. */
export const predecessorRoutes: readonly Route[] = [
  {
    method: "GET",
    path: SERVER_PATH,
    summary: "host, port and logLevel of its configuration",
    docs: {
      id: "getServerFields",
      title: "Show host, port and logLevel",
      tag: "Configuration",
      query: readingQuery,
      answers: { 200: "ServerFields" },
      problems: ["deleted"],
    },
    handle: (context, services) => showInstanceAs(context, services, serverView),
  },
  {
    method: "PATCH",
    path: SERVER_PATH,
    summary: "change host, port and logLevel by a JSON Patch of them",
    docs: {
      ...changing,
      id: "patchServerFields",
      title: "Patch host, port and logLevel",
      body: patchBody,
      answers: { 200: "ServerFieldsChanged" },
      problems: [...changing.problems, "patch_failed", "patch_test_failed"],
    },
    handle: (context, services) => patchConfiguration(context, services, SERVER),
  },
  ...SERVER_FIELDS.map(fieldRoute),
  {
    method: "GET",
    path: "/api/status/:id/status",
    summary: "what its server is, in the words of the predecessor",
    docs: {
      id: "getLegacyStatus",
      title: "Show an instance's status, in the predecessor's words",
      tag: "Status",
      query: readingQuery,
      answers: { 200: "LegacyStatus" },
      problems: ["deleted"],
    },
    handle: (context, services) => showInstanceAs(context, services, statusView),
  },
];

function fieldRoute(field: typeof SERVER_FIELDS[number]): Route {
  return {
    method: "PUT",
    path: `${SERVER_PATH}/${field.toLowerCase()}`,
    summary: `replace ${field} of its configuration by the body, a JSON value`,
    docs: {
      ...changing,
      id: `replace${field.charAt(0).toUpperCase()}${field.slice(1)}`,
      title: `Replace ${field}`,
      body: {
        schema: z.unknown(),
        isRequired: true,
        examples: { [field]: FIELD_EXAMPLES[field] },
      },
      answers: { 200: "ServerFieldsChanged" },
    },
    handle: (context, services) =>
      requestConfiguration<Json>(context, services, {
        read: (body) =>
          body === undefined
            ? { ok: false, faults: [{ path: "", message: "the body must be a JSON value" }] }
            : { ok: true, value: body },
        next: (value, state) =>
          checkedConfiguration(
            { ...state.context.specification?.configuration, [field]: value },
            state,
          ),
        view: serverView,
      }),
  };
}

function serverView(state: InstanceState): JsonObject {
  return serverFields(state.context.specification?.configuration ?? {});
}

function serverFields(configuration: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(configuration).filter(([name]) => isServerField(name)));
}

function isServerField(name: string): boolean {
  return SERVER_FIELDS.some((field) => field === name);
}

function statusView(state: InstanceState): JsonObject {
  const { instanceId, run, failure, externalStatus } = state.context;
  return {
    ...(run?.runtimeInfo ? runtimeInfoView(run.runtimeInfo) : {}),
    instanceId,
    status: legacyStatusOf(state),
    ...(failure ? { errorMessage: failure.message } : {}),
    ...(externalStatus ? externalStatusView(externalStatus) : {}),
  };
}
