/** The strict shape of drasi-server's configuration file: which fields there are, and what fits in each. */
import type { Json, JsonObject } from "../../../events/json.ts";
import { isReference } from "./interpolation.ts";

/** The first fault of `value` in serde's words, or null. `path` is where the value is. */
type Check = (value: Json, path: string) => string | null;

/** The first fault of a whole configuration, or null when every field is known and fits. */
export function shapeFault(tree: Json): string | null {
  return struct(topLevelFields, [])(tree, "");
}

const text = scalar("a string", (value) => typeof value === "string");
const flag = scalar("a boolean", (value) => typeof value === "boolean");
const u16 = whole("u16", 65_535);
const usize = whole("usize", Number.MAX_SAFE_INTEGER);
const anything: Check = () => null;

const stateStore = struct({ kind: oneOf(["redb"]), path: referenceOr(text) }, ["kind", "path"]);
const queryLanguage = oneOf(["Cypher", "GQL"]);

const subscription = struct({
  sourceId: text,
  nodes: list(text),
  relations: list(text),
  pipeline: list(text),
}, ["sourceId"]);

const middleware = struct({ kind: text, name: text, config: map }, ["kind", "name"]);

const query = struct({
  id: text,
  autoStart: flag,
  query: text,
  queryLanguage,
  middleware: list(middleware),
  sources: list(subscription),
  enableBootstrap: flag,
  bootstrapBufferSize: usize,
  joins: anything,
  priorityQueueCapacity: optional(usize),
  dispatchBufferCapacity: optional(usize),
  dispatchMode: optional(text),
  storageBackend: anything,
  outboxCapacity: usize,
  bootstrapTimeoutSecs: usize,
}, ["id", "query"]);

const source = plugin({ kind: text, id: text, autoStart: flag, identityProvider: optional(text) }, [
  "kind",
  "id",
]);
const reaction = plugin({
  kind: text,
  id: text,
  autoStart: flag,
  queries: list(text),
  identityProvider: optional(text),
}, ["kind", "id", "queries"]);
const provider = plugin({ kind: text, id: text }, ["kind", "id"]);

const instanceFields = {
  id: referenceOr(text),
  persistIndex: flag,
  enableArchive: flag,
  stateStore: optional(stateStore),
  secretStore: optional(plugin({ kind: text }, ["kind"])),
  defaultPriorityQueueCapacity: optional(referenceOr(usize)),
  defaultDispatchBufferCapacity: optional(referenceOr(usize)),
  sources: list(source),
  queries: list(query),
  reactions: list(reaction),
  identityProviders: list(provider),
  bootstrapProviders: list(provider),
};

const topLevelFields = {
  apiVersion: optional(text),
  ...instanceFields,
  host: referenceOr(text),
  port: referenceOr(u16),
  logLevel: referenceOr(text),
  persistConfig: flag,
  enableUi: flag,
  solutionsDir: optional(text),
  pluginRegistry: optional(text),
  autoInstallPlugins: flag,
  plugins: list(plugin({ ref: text }, ["ref"])),
  verifyPlugins: flag,
  trustedIdentities: list(
    plugin({ issuer: text, subjectPattern: text }, ["issuer", "subjectPattern"]),
  ),
  hotReloadPlugins: flag,
  hotReloadDebounceMs: usize,
  corsAllowedOrigins: list(text),
  instances: list(struct(instanceFields, [])),
};

/** A map whose fields are all known: serde's `deny_unknown_fields`. */
function struct(fields: Record<string, Check>, required: readonly string[]): Check {
  return (value, path) => {
    if (!isMap(value)) return at(path, `invalid type: ${shown(value)}, expected struct`);
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
    if (unknown !== undefined) {
      const known = Object.keys(fields).map((name) => `\`${name}\``).join(", ");
      return at(path, `unknown field \`${unknown}\`, expected one of ${known}`);
    }
    return fieldsFault(value, path, fields, required);
  };
}

/** The spellings that upstream refuses by name where other unknown keys go to the plugin. */
const REFUSED: Readonly<Record<string, string>> = {
  auto_start: "autoStart",
  bootstrap_provider: "bootstrapProvider",
  identity_provider: "identityProvider",
};

/** A map whose other keys belong to a plugin, which would judge them; here they all pass. */
function plugin(fields: Record<string, Check>, required: readonly string[]): Check {
  return (value, path) => {
    if (!isMap(value)) return at(path, `invalid type: ${shown(value)}, expected a map`);
    const refused = Object.keys(value).find((key) => Object.hasOwn(REFUSED, key));
    if (refused !== undefined) {
      return at(path, `unknown field \`${refused}\`, did you mean \`${REFUSED[refused]}\`?`);
    }
    return fieldsFault(value, path, fields, required);
  };
}

function fieldsFault(
  value: JsonObject,
  path: string,
  fields: Record<string, Check>,
  required: readonly string[],
): string | null {
  for (const [key, check] of Object.entries(fields)) {
    if (!Object.hasOwn(value, key)) continue;
    const fault = check(value[key]!, path === "" ? key : `${path}.${key}`);
    if (fault !== null) return fault;
  }
  const missing = required.find((key) => !Object.hasOwn(value, key));
  return missing === undefined ? null : at(path, `missing field \`${missing}\``);
}

/** A list; a key without a value counts as an empty one, as in serde_yaml. */
function list(check: Check): Check {
  return (value, path) => {
    if (value === null) return null;
    if (!Array.isArray(value)) {
      return at(path, `invalid type: ${shown(value)}, expected a sequence`);
    }
    for (const [index, item] of value.entries()) {
      const fault = check(item, `${path}[${index}]`);
      if (fault !== null) return fault;
    }
    return null;
  };
}

function optional(check: Check): Check {
  return (value, path) => value === null ? null : check(value, path);
}

function referenceOr(check: Check): Check {
  return (value, path) => isReference(value) ? null : check(value, path);
}

function oneOf(names: readonly string[]): Check {
  return (value, path) => {
    if (typeof value === "string" && names.includes(value)) return null;
    const expected = names.map((name) => `\`${name}\``).join(" or ");
    return at(path, `unknown variant \`${String(value)}\`, expected ${expected}`);
  };
}

function whole(name: string, max: number): Check {
  return (value, path) => {
    if (typeof value === "number" && Number.isInteger(value)) {
      const isInRange = value >= 0 && value <= max;
      return isInRange ? null : at(path, `invalid value: ${shown(value)}, expected ${name}`);
    }
    return at(path, `invalid type: ${shown(value)}, expected ${name}`);
  };
}

function scalar(expected: string, fits: (value: Json) => boolean): Check {
  return (value, path) =>
    fits(value) ? null : at(path, `invalid type: ${shown(value)}, expected ${expected}`);
}

function map(value: Json, path: string): string | null {
  return isMap(value) ? null : at(path, `invalid type: ${shown(value)}, expected a map`);
}

function isMap(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function at(path: string, message: string): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** A value as serde names it in its messages. */
function shown(value: Json): string {
  if (value === null) return "unit value";
  if (Array.isArray(value)) return "sequence";
  switch (typeof value) {
    case "boolean":
      return `boolean \`${value}\``;
    case "number":
      return `${Number.isInteger(value) ? "integer" : "floating point"} \`${value}\``;
    case "string":
      return `string ${JSON.stringify(value)}`;
    default:
      return "map";
  }
}
