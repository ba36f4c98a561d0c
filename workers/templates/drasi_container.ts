/** How drasi-server is run from its image: the configuration that processes get, where an image looks for it. Pure. */
import { parseDrasiServerConfiguration } from "../../events/configuration.ts";
import type { Json, JsonObject } from "../../events/json.ts";
import { hasReference } from "../../events/secret_reference.ts";
import type { StartSpec } from "../platform.ts";
import {
  configurationFile,
  fileText,
  LIVENESS,
  readyWithinMs,
  STOP_GRACE_MS,
  USAGE_ERROR,
} from "./drasi_server.ts";
import { DRASI_IMAGE_FAILURES } from "./drasi_server_failures.ts";
import { type ContainerPlan, DEFAULT_HOST } from "./image.ts";

/** What the worker says of it; nothing of this is the client's choice. */
export interface DrasiImage {
  /** The image of drasi-server. */
  image: string;
  /** Whether ports of containers are published at the host, so that a configuration may name one there. */
  hasHostPorts: boolean;
  /** Who it runs as where the configuration does not say; null: whom the image names. */
  user: string | null;
}

/** Where the image has its things (operator's reference of drasi-server 0.2.x, §11). */
const FOLDER = "/app";
const CONFIGURATION = `${FOLDER}/config/server.json`;
const DATA = `${FOLDER}/data`;
const PLUGINS = `${FOLDER}/plugins`;
const ANY_ADDRESS = "0.0.0.0";
const PORT = 8080;
const VARIABLE = "DRAAS_VALUE_";

/** The plan for a valid `drasi-server` configuration; its `host` and `port` are those at which it is published. */
export function planDrasiContainer(
  { instanceId, runId, configuration, limits }: StartSpec,
  { image, hasHostPorts, user }: DrasiImage,
): ContainerPlan {
  const wanted = parseDrasiServerConfiguration(configuration);
  const own = { instanceId, host: ANY_ADDRESS, port: PORT };
  const { file, variables } = withVariables(configurationFile(wanted, own));
  const question = { kind: "http", port: PORT, path: "/health" } as const;
  return {
    image,
    command: ["--config", CONFIGURATION, "--port", String(PORT), "--plugins-dir", PLUGINS],
    env: { ...variables, NO_COLOR: "1", DRAAS_INSTANCE_ID: instanceId, DRAAS_RUN_ID: runId },
    // What it keeps is in `data` of its working folder.
    workingDirectory: FOLDER,
    user: wanted.user ?? user,
    host: wanted.host ?? DEFAULT_HOST,
    port: PORT,
    ports: [{ port: PORT, published: hasHostPorts ? wanted.port ?? null : null }],
    volumes: [{ name: "data", path: DATA }],
    files: [{ path: CONFIGURATION, content: fileText(file) }],
    writable: [DATA, PLUGINS],
    isReadOnly: false,
    ...(limits === undefined ? {} : { limits }),
    given: [],
    // As the first process of a container it does not heed SIGTERM.
    stopSignal: "SIGINT",
    stopGraceMs: STOP_GRACE_MS,
    settleMs: 0,
    readiness: { ...question, withinMs: readyWithinMs(wanted) },
    liveness: {
      question,
      components: { port: PORT, path: `/api/v1/instances/${instanceId}` },
      ...LIVENESS,
    },
    finalExitCodes: [USAGE_ERROR],
    knownFailures: DRASI_IMAGE_FAILURES,
  };
}

/**
 * The file without secrets: each text that refers to one becomes a variable, which drasi-server puts in its place. It
 * takes a variable for a whole text only, so that all of the text is in it.
 */
function withVariables(
  file: JsonObject,
): { file: JsonObject; variables: Record<string, string> } {
  const variables: Record<string, string> = {};
  const replaced = (value: Json): Json => {
    if (typeof value === "string") {
      if (!hasReference(value)) return value;
      const name = `${VARIABLE}${Object.keys(variables).length}`;
      variables[name] = value;
      return `\${${name}}`;
    }
    if (Array.isArray(value)) return value.map(replaced);
    return value !== null && typeof value === "object" ? inEach(value) : value;
  };
  const inEach = (object: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, replaced(value)]));
  return { file: inEach(file), variables };
}
