/** Writes the JSON Schemas of the wire and of fleet files from the zod schemas that the program checks with: `deno task schema`. Design §5. */
import { z } from "zod";
import { commandSchema } from "../../events/commands.ts";
import { eventSchemas } from "../../events/instance_events.ts";
import { metricsSchema } from "../../events/metrics.ts";
import { observationSchema } from "../../events/observations.ts";
import { responseSchema } from "../../events/responses.ts";
import { runtimeInfoSchema } from "../../events/runtime_info.ts";
import { specificationSchema } from "../../events/specification.ts";
import { fleetFileSchema } from "../../fleet/fleet_file.ts";
import {
  chunkSchema,
  completionSchema,
  healthReportedSchema,
  logEntrySchema,
  questionSchema,
  registrationSchema,
  replySchema,
  reportSchema,
} from "./wire_schemas.ts";

const MESSAGES: Readonly<Record<string, z.ZodType>> = {
  chunk: chunkSchema,
  command: commandSchema,
  completion: completionSchema,
  fleet: fleetFileSchema,
  health_report: healthReportedSchema,
  log_entry: logEntrySchema,
  metrics: metricsSchema,
  observation: observationSchema,
  question: questionSchema,
  registration: registrationSchema,
  reply: replySchema,
  report: reportSchema,
  response: responseSchema,
  runtime_info: runtimeInfoSchema,
  specification: specificationSchema,
};

/** The text of each schema by the name of its file, in this folder. */
export function schemaFiles(): Map<string, string> {
  const events = Object.entries(eventSchemas).map(([type, schema]) => [type, jsonSchema(schema)]);
  return new Map([
    ...Object.entries(MESSAGES).map(([name, schema]) =>
      [`${name}.json`, textOf(jsonSchema(schema))] as const
    ),
    ["events.json", textOf(Object.fromEntries(events))] as const,
  ]);
}

function jsonSchema(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, {
    io: "input",
    // What is checked by hand says its type itself.
    unrepresentable: "any",
  });
}

function textOf(schema: unknown): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [name, text] of schemaFiles()) {
    Deno.writeTextFileSync(new URL(name, import.meta.url), text);
  }
}
