/** From the text of a configuration file to checked settings, with drasi-server's defaults and error texts. */
import { LineCounter, parseDocument } from "yaml";
import type { Json, JsonObject } from "../../../events/json.ts";
import { shapeFault } from "./configuration_fields.ts";
import { type Environment, resolveReference } from "./interpolation.ts";

/** One Drasi instance inside the server; the lists are as written in the file. */
export interface InstanceConfiguration {
  id: string;
  sources: JsonObject[];
  queries: JsonObject[];
  reactions: JsonObject[];
  bootstrapProviders: JsonObject[];
  identityProviders: JsonObject[];
}

/** The settings of a server, every reference resolved and every default filled in. */
export interface ServerConfiguration {
  host: string;
  port: number;
  logLevel: string;
  persistConfig: boolean;
  enableUi: boolean;
  autoInstallPlugins: boolean;
  pluginRegistry: string;
  /** The `ref` of each entry of `plugins`. */
  plugins: string[];
  instances: InstanceConfiguration[];
  /** The lists outside `instances`: without effect beside it, yet their plugins are demanded. */
  topLevel: InstanceConfiguration;
}

/** A configuration, or the text that follows `Error: `. */
export type Loaded =
  | { ok: true; configuration: ServerConfiguration }
  | { ok: false; message: string };

/** What a load depends on besides the text. `randomId` stands in for each `id` that is left out. */
export interface LoadContext {
  /** As given on the command line; named in messages. */
  path: string;
  environment: Environment;
  randomId: () => string;
}

/** Parses (YAML, then JSON), checks the shape, resolves references and checks the values. */
export function loadConfiguration(source: string, context: LoadContext): Loaded {
  const yaml = parseYaml(source);
  const yamlFault = "fault" in yaml ? yaml.fault : shapeFault(yaml.tree);
  if (!("fault" in yaml) && yamlFault === null) return resolve(yaml.tree as JsonObject, context);
  const json = parseJson(source);
  const jsonFault = "fault" in json ? json.fault : shapeFault(json.tree);
  if (!("fault" in json) && jsonFault === null) return resolve(json.tree as JsonObject, context);
  return {
    ok: false,
    message: `Failed to parse config file '${context.path}': ` +
      `YAML error: ${yamlFault}, JSON error: ${jsonFault}`,
  };
}

/** The file that upstream writes when `--config` names none that exists. */
export function defaultConfigurationText(id: string, port: number | null): string {
  return `id: ${id}\nhost: 0.0.0.0\nport: ${port ?? 8080}\nlogLevel: info\n` +
    "persistConfig: true\npersistIndex: false\nenableArchive: false\nenableUi: true\n" +
    "pluginRegistry: ghcr.io/drasi-project\nautoInstallPlugins: false\nverifyPlugins: true\n" +
    "hotReloadPlugins: false\nhotReloadDebounceMs: 2000\nsources: []\nqueries: []\n" +
    "reactions: []\nidentityProviders: []\nbootstrapProviders: []\ninstances: []\n";
}

type Parsed = { tree: Json } | { fault: string };

function parseYaml(source: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    return { fault: `${error.message} at line ${line} column ${col}` };
  }
  // An empty or comments-only file means all defaults; upstream accepts it too.
  if (document.contents === null) return { tree: {} };
  try {
    return { tree: document.toJS() as Json };
  } catch (error) {
    // Too many aliases, or an alias without an anchor: known only when the tree is built.
    return { fault: messageOf(error) };
  }
}

function parseJson(source: string): Parsed {
  try {
    return { tree: JSON.parse(source) as Json };
  } catch (error) {
    // V8 quotes the text; the whole error stays on one line, as upstream's.
    return { fault: messageOf(error).replaceAll("\n", "\\n") };
  }
}

/** Stops at the first invalid value; caught in `resolve`, where it becomes a message. */
class InvalidValue extends Error {}

function resolve(tree: JsonObject, context: LoadContext): Loaded {
  try {
    return { ok: true, configuration: resolved(tree, context) };
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    return { ok: false, message: `Validation error: ${error.message}` };
  }
}

function resolved(tree: JsonObject, context: LoadContext): ServerConfiguration {
  const value = (field: Json) => {
    const answer = resolveReference(field, context.environment);
    if (!answer.ok) throw new InvalidValue(answer.message);
    return answer.value;
  };
  const host = String(value(tree.host ?? "0.0.0.0"));
  const port = wholeNumber(value(tree.port ?? 8080), 65_535);
  const logLevel = String(value(tree.logLevel ?? "info"));
  const instances = rows(tree.instances).map((part) => instance(part, value, context));
  const topLevel = instance(tree, value, context);
  const effective = instances.length === 0 ? [topLevel] : instances;
  checkInstances(effective);
  if (!isHost(host)) {
    throw new InvalidValue(`Invalid host '${host}': must be a valid hostname or IP address`);
  }
  if (port === 0) throw new InvalidValue("Invalid port 0: port must be between 1 and 65535");
  if (!["trace", "debug", "info", "warn", "error"].includes(logLevel.toLowerCase())) {
    throw new InvalidValue(
      `Invalid log level '${logLevel}': must be one of trace, debug, info, warn, error`,
    );
  }
  return {
    host,
    port,
    logLevel,
    persistConfig: tree.persistConfig !== false,
    enableUi: tree.enableUi !== false,
    autoInstallPlugins: tree.autoInstallPlugins === true,
    pluginRegistry: String(tree.pluginRegistry ?? "ghcr.io/drasi-project"),
    plugins: rows(tree.plugins).map((plugin) => String(plugin.ref)),
    instances: effective,
    topLevel,
  };
}

function instance(
  part: JsonObject,
  value: (field: Json) => Json,
  context: LoadContext,
): InstanceConfiguration {
  for (const name of ["defaultPriorityQueueCapacity", "defaultDispatchBufferCapacity"]) {
    const capacity = part[name];
    if (capacity !== undefined && capacity !== null) {
      wholeNumber(value(capacity), Number.MAX_SAFE_INTEGER);
    }
  }
  return {
    id: part.id === undefined ? context.randomId() : String(value(part.id)),
    sources: rows(part.sources),
    queries: rows(part.queries),
    reactions: rows(part.reactions),
    bootstrapProviders: rows(part.bootstrapProviders),
    identityProviders: rows(part.identityProviders),
  };
}

function checkInstances(instances: readonly InstanceConfiguration[]): void {
  const seen = new Set<string>();
  for (const { id, bootstrapProviders, sources } of instances) {
    if (seen.has(id)) throw new InvalidValue(`Duplicate DrasiLib instance id detected: '${id}'`);
    seen.add(id);
    const providers = new Set<Json>();
    for (const provider of bootstrapProviders) {
      if (providers.has(provider.id!)) {
        throw new InvalidValue(`Instance '${id}': duplicate bootstrapProvider id '${provider.id}'`);
      }
      providers.add(provider.id!);
    }
    const dangling = sources.find(({ bootstrapProvider }) =>
      typeof bootstrapProvider === "string" && !providers.has(bootstrapProvider)
    );
    if (dangling !== undefined) {
      throw new InvalidValue(
        `Instance '${id}': source '${dangling.id}' references unknown ` +
          `bootstrapProvider '${dangling.bootstrapProvider}'`,
      );
    }
  }
}

/** A number, or text from the environment that must be one. */
function wholeNumber(value: Json, max: number): number {
  if (typeof value === "number") return value;
  const text = String(value);
  if (!/^\+?\d+$/.test(text)) {
    throw new InvalidValue("Failed to parse value: invalid digit found in string");
  }
  if (Number(text) > max) {
    throw new InvalidValue("Failed to parse value: number too large to fit in target type");
  }
  return Number(text);
}

/** RFC 1123 name, IPv4, or IPv6 without brackets; an empty host passes, as upstream. */
function isHost(host: string): boolean {
  if (host === "" || /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(host)) return true;
  return host.length <= 253 &&
    host.split(".").every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

function rows(value: Json | undefined): JsonObject[] {
  return (value ?? []) as JsonObject[];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
