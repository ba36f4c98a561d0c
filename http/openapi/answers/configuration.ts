/** Answers about the configuration of an instance, and the ones that it has had. */
import { z } from "zod";
import { templateSchema } from "../../../events/configuration.ts";
import {
  externalStatus,
  legacyStatusSchema,
  revisionsInUse,
  RUN,
  runtimeInfo,
} from "../instance_schema.ts";
import { anyObject, count, json, logPosition, time } from "../values.ts";
import { CHANGE_HEADERS, plan, READ_HEADERS } from "./instances.ts";

const CONFIGURATION = { host: "127.0.0.1", port: 8080, logLevel: "info" };
const ID = "inst-1b2c3d";

const change = {
  changed: z.boolean().meta({ description: "False where it was so before." }),
  position: logPosition,
};

const configuration = z.object({
  id: z.string(),
  template: templateSchema.optional(),
  ...revisionsInUse,
  drift: z.boolean().meta({ description: "Whether it runs with an older one." }),
  driftDetail: z.string().optional(),
  configuration: anyObject,
}).meta({ id: "Configuration" });

const SHOWN: z.input<typeof configuration> = {
  id: ID,
  template: "drasi-server",
  revision: 5,
  runningRevision: 3,
  drift: true,
  driftDetail: "running revision 3, configured 5",
  configuration: CONFIGURATION,
};

const serverFields = z.object({
  host: z.string().optional(),
  port: z.number().int().optional(),
  logLevel: z.string().optional(),
}).meta({ id: "ServerFields" });

const since = { at: time, position: logPosition, version: count };
const revision = {
  revision: count,
  by: z.string().optional().meta({ description: "Who asked for it." }),
  at: time.optional(),
  position: logPosition.optional(),
  version: count.optional(),
  asOf: z.object(since).optional().meta({
    description: "In the place of `by` and the others: it was so by then, and who asked was cut.",
  }),
};

const revisionList = z.object({
  id: z.string(),
  items: z.array(z.object(revision)),
  nextCursor: z.string().optional(),
  firstRevision: count.optional().meta({ description: "Older ones were cut." }),
  position: logPosition,
}).meta({ id: "RevisionList" });

const oneRevision = z.object({
  id: z.string(),
  ...revision,
  configuration: anyObject,
  position: logPosition,
}).meta({ id: "Revision" });

const patchOperation = z.looseObject({ op: z.string(), path: z.string() });

const comparison = z.object({
  id: z.string(),
  from: count.nullable().meta({ description: "Null: it was started with a body of its own." }),
  to: count,
  patch: z.array(patchOperation).meta({ description: "A JSON Patch (RFC 6902)." }),
  position: logPosition,
}).meta({ id: "ConfigurationDifference" });

const legacyStatus = runtimeInfo.extend({
  status: legacyStatusSchema,
  errorMessage: z.string().optional(),
  externalStatus: externalStatus.optional(),
}).meta({ id: "LegacyStatus" });

const POSITIONED = ["Draas-Position", "Draas-Stale"] as const;

export const CONFIGURATION_ANSWERS = {
  Configuration: {
    description: "Its configuration.",
    headers: READ_HEADERS,
    content: json(configuration, SHOWN),
  },
  ConfigurationChanged: {
    description: "Its configuration by now; with `?dryRun=true` what would be written.",
    headers: CHANGE_HEADERS,
    content: json(
      z.union([configuration.extend(change).meta({ id: "ConfigurationChange" }), plan]),
      { ...SHOWN, changed: true, position: "12-0" },
    ),
  },
  ServerFields: {
    description: "Those of its fields that it has.",
    headers: READ_HEADERS,
    content: json(serverFields, CONFIGURATION),
  },
  ServerFieldsChanged: {
    description: "The fields by now; with `?dryRun=true` what would be written.",
    headers: CHANGE_HEADERS,
    content: json(
      z.union([serverFields.extend(change).meta({ id: "ServerFieldsChange" }), plan]),
      { ...CONFIGURATION, changed: true, position: "12-0" },
    ),
  },
  RevisionList: {
    description: "A page of its configurations, newest first.",
    headers: POSITIONED,
    content: json(revisionList, {
      id: ID,
      items: [
        {
          revision: 5,
          by: "anonymous",
          at: "2026-01-31T12:00:00.000Z",
          position: "12-0",
          version: 9,
        },
      ],
      nextCursor: "5",
      position: "12-0",
    }),
  },
  Revision: {
    description: "One of its configurations.",
    headers: POSITIONED,
    content: json(oneRevision, {
      id: ID,
      revision: 5,
      by: "anonymous",
      at: "2026-01-31T12:00:00.000Z",
      version: 9,
      configuration: CONFIGURATION,
      position: "12-0",
    }),
  },
  ConfigurationDifference: {
    description: "What makes the one of the other.",
    headers: POSITIONED,
    content: json(comparison, {
      id: ID,
      from: 3,
      to: 5,
      patch: [{ op: "replace", path: "/port", value: 8080 }],
      position: "12-0",
    }),
  },
  LegacyStatus: {
    description: "What its server is.",
    headers: READ_HEADERS,
    content: json(legacyStatus, RUN),
  },
} as const;
