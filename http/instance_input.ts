/** What clients may say of an instance: bodies of create and change, with every fault at once. */
import { z } from "zod";
import {
  configurationFaults,
  configurationSizeFaults,
  type Fault,
  type Template,
  templateSchema,
} from "../events/configuration.ts";
import type { Json, JsonObject } from "../events/json.ts";
import {
  choiceFaults,
  type Destination,
  destinationSchema,
  jsonObjectSchema,
  type Parsed,
  parseWith,
  platformSchema,
  type Specification,
  type SpecificationChanges,
  specificationChangesSchema,
  specificationSchema,
} from "../events/specification.ts";
import { CONFIGURATION_META } from "./route_docs.ts";

/** The predecessor's name of the clusters that it ran servers in. */
const OTHER_NAMES: Readonly<Record<string, string>> = { aks: "kubernetes" };

/** `Process`, as the predecessor spelled it, and `process` are the same. */
export const platformText = z.preprocess((value) => {
  if (typeof value !== "string") return value;
  const name = value.toLowerCase();
  return OTHER_NAMES[name] ?? name;
}, platformSchema);

/** What is in it is checked by template, see `configurationFaults`. */
export const serverConfiguration = jsonObjectSchema.meta(CONFIGURATION_META);

const {
  name,
  description,
  template,
  labels,
  restartPolicy,
  onWorkerLost,
  leaseMs,
  workerLabels,
  limits,
} = specificationSchema.shape;

/** The body of a create. */
export const creation = z.strictObject({
  name,
  description,
  platform: platformText.optional(),
  platformType: platformText.optional(),
  template,
  serverConfiguration: serverConfiguration.default({}),
  labels,
  restartPolicy,
  onWorkerLost,
  leaseMs,
  workerLabels,
  limits,
});

const { configuration: _, ...changeable } = specificationChangesSchema.shape;
/** The body of a change. */
export const change = z.strictObject({
  ...changeable,
  serverConfiguration: serverConfiguration.optional(),
});

const { configuration: __, ...destination } = destinationSchema.shape;
/** The body of a move. */
export const destinationBody = z.strictObject({
  ...destination,
  platform: platformText,
  serverConfiguration: serverConfiguration.optional(),
});

/** The specification in the body of a create, or all of the body's faults. */
export function readCreation(body: Json | undefined): Parsed<Specification> {
  if (!isObject(body)) return needsObject();
  const parsed = parseWith(creation, body);
  const faults = [
    ...(parsed.ok ? [] : parsed.faults),
    ...namedTwice(body),
    ...serverConfigurationFaults(body, templateOf(body)),
  ];
  if (!parsed.ok || faults.length > 0) return { ok: false, faults };
  const { platform: named, platformType, serverConfiguration: configuration, ...rest } =
    parsed.value;
  const platform = named ?? platformType ?? "process";
  const wrong = choiceFaults({ ...rest, platform });
  if (wrong.length > 0) return { ok: false, faults: wrong };
  return { ok: true, value: { ...rest, platform, configuration } };
}

/**
 * The changes in the body of a PATCH for an instance of `template`, or all of the body's faults. Whether they fit the
 * instance as it is by then is the decision's to say: a repetition under a key has been answered already.
 */
export function readChanges(
  body: Json | undefined,
  template: Template,
): Parsed<SpecificationChanges> {
  if (!isObject(body)) return needsObject();
  if (Object.keys(body).length === 0) return needsObject("must name at least one field to change");
  return readParts(change, body, template);
}

/** Where the body of a move sends an instance of `template`, or all of the body's faults; as `readChanges`. */
export function readDestination(body: Json | undefined, template: Template): Parsed<Destination> {
  if (!isObject(body)) return needsObject();
  const { platformType, ...rest } = body;
  const isOtherName = platformType !== undefined && !("platform" in body);
  const named = isOtherName ? { ...rest, platform: platformType } : body;
  return readParts(destinationBody, named, "template" in body ? templateOf(body) : template);
}

/** The parts of a specification that a body names; where it is malformed, with the configuration's faults as well. */
function readParts<T extends { serverConfiguration?: JsonObject | undefined }>(
  schema: z.ZodType<T>,
  body: JsonObject,
  template: Template | null,
): Parsed<Omit<T, "serverConfiguration"> & { configuration?: JsonObject }> {
  const parsed = parseWith(schema, body);
  const tooLarge = serverConfigurationFaults(body, null);
  if (!parsed.ok || tooLarge.length > 0) {
    const malformed = parsed.ok ? [] : parsed.faults;
    return { ok: false, faults: [...malformed, ...serverConfigurationFaults(body, template)] };
  }
  const { serverConfiguration: configuration, ...rest } = parsed.value;
  return { ok: true, value: { ...rest, ...(configuration ? { configuration } : {}) } };
}

/**
 * A whole configuration for instances of `template`, or all of its faults, with paths within it.
 * @param given the body of a PUT, or what comes of a patch
 */
export function readConfiguration(given: Json | undefined, template: Template): Parsed<JsonObject> {
  if (!isObject(given)) return needsObject("the configuration must be a JSON object");
  const faults = [...configurationSizeFaults(given), ...configurationFaults(template, given)];
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: given };
}

/** The configuration in the body of a start; only its form is checked, what it says is the worker's to judge. Design §6. */
export function readOverride(body: Json): Parsed<JsonObject> {
  const parsed = parseWith<JsonObject>(jsonObjectSchema, body);
  if (!parsed.ok) return parsed;
  const faults = belowServerConfiguration(configurationSizeFaults(parsed.value));
  return faults.length > 0 ? { ok: false, faults } : parsed;
}

function isObject(body: Json | undefined): body is JsonObject {
  return typeof body === "object" && body !== null && !Array.isArray(body);
}

function needsObject(message = "the body must be a JSON object"): Parsed<never> {
  return { ok: false, faults: [{ path: "", message }] };
}

/** The template that the configuration is meant for; null when the body names one that there is not. */
function templateOf(body: JsonObject): Template | null {
  const parsed = templateSchema.default("drasi-server").safeParse(body.template);
  return parsed.success ? parsed.data : null;
}

/** @param template null: only what is wrong whatever reads it */
function serverConfigurationFaults(body: JsonObject, template: Template | null): Fault[] {
  const configuration = body.serverConfiguration ?? {};
  // A wrong type is the schema's to tell; without a template nobody knows what may be in it.
  if (!isObject(configuration)) return [];
  return belowServerConfiguration([
    ...configurationSizeFaults(configuration),
    ...(template === null ? [] : configurationFaults(template, configuration)),
  ]);
}

function belowServerConfiguration(faults: readonly Fault[]): Fault[] {
  return faults.map(({ path, message }) => ({
    path: path === "" ? "serverConfiguration" : `serverConfiguration.${path}`,
    message,
  }));
}

function namedTwice(body: JsonObject): Fault[] {
  return "platform" in body && "platformType" in body
    ? [{ path: "platformType", message: "is another name of platform; give one of them" }]
    : [];
}
