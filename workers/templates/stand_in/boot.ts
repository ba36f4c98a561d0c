/** The boot sequence up to the listening API, step by step in drasi-server's order, with its log lines. */
import type { Options } from "./arguments.ts";
import type { ApiState } from "./api.ts";
import { autoStart, buildInstance, type Instance } from "./components.ts";
import { loadConfiguration, type ServerConfiguration } from "./configuration_file.ts";
import {
  createDefaultConfiguration,
  exists,
  FatalError,
  isWritable,
  readConfigurationText,
  withDotEnv,
} from "./disk.ts";
import { MIMICKED_VERSION } from "./identity.ts";
import { type Environment, notFound, unresolvedReferences } from "./interpolation.ts";
import { logFilter } from "./log_lines.ts";
import { listen } from "./listener.ts";
import { type Log, logTo, type Write } from "./output.ts";
import { BUILT_IN_KINDS, missingPlugins, missingPluginsMessage } from "./plugin_gate.ts";

/** What a run takes from the outside. */
export interface Surroundings {
  environment: Environment;
  stdout: Write;
  stderr: Write;
  nowMs: () => number;
  randomId: () => string;
  /** Where plugins would be when no flag says so. */
  defaultPluginsDir: string;
}

/** A server that listens. */
export interface Booted {
  log: Log;
  /** The API's port as asked for: 0 stays 0, and what was bound is never said. */
  port: number;
  /** Ends the API at once, while the process lives on. */
  dropApi: () => void;
}

const MAIN = "drasi_server";
const SERVER = "drasi_server::server";

/** Boots to the point where the API answers. @throws {FatalError} for all that ends a boot */
export async function boot(options: Options, surroundings: Surroundings): Promise<Booted> {
  const dotEnv = withDotEnv(options.config, surroundings.environment);
  if (dotEnv.warning !== null) surroundings.stderr(dotEnv.warning);
  const known = { ...surroundings, environment: dotEnv.environment };
  const { configuration, log, filter } = configure(options, known);
  const port = options.port ?? configuration.port;
  const isUiOn = options.enableUi ?? configuration.enableUi;
  log("info", MAIN, "Starting Drasi Server");
  if (dotEnv.isLoaded) log("info", MAIN, "Loaded environment variables from .env file");
  log("info", MAIN, `Config file: ${options.config}`);
  log("info", MAIN, `Port: ${port}`);
  log("info", MAIN, `Web UI: ${isUiOn ? "enabled" : "disabled"}`);
  log("info", MAIN, `Plugins directory: ${options.pluginsDir ?? surroundings.defaultPluginsDir}`);
  logPlugins(log, options, configuration);
  const isReadOnly = !probeWritability(log, options.config, configuration.persistConfig);
  const missing = missingPlugins(configuration, options.kinds);
  if (missing.length > 0) throw new FatalError(missingPluginsMessage(missing, options.kinds));
  const instances = configuration.instances.map((part) => {
    checkComponentReferences([...part.sources, ...part.reactions], dotEnv.environment);
    logInstance(log, part.id, part.sources.length);
    const built = buildInstance(part);
    if (!built.ok) throw new FatalError(built.message);
    return built.instance;
  });
  surroundings.stdout(banner(options.config, port, filter));
  await startComponents(log, options, instances);
  const state: ApiState = {
    instances,
    isReadOnly,
    failingSources: options.faults.sourceErrors,
    nowMs: surroundings.nowMs,
  };
  return { log, port, dropApi: openApi(log, configuration.host, port, isUiOn, state) };
}

/** Steps 2 to 4: the configuration, created when absent, and the log that it asks for. */
function configure(
  options: Options,
  surroundings: Surroundings,
): { configuration: ServerConfiguration; log: Log; filter: string } {
  const { environment, nowMs, randomId, stdout } = surroundings;
  const logWith = (filter: string) =>
    logTo(stdout, { filter, noColor: environment.NO_COLOR, nowMs });
  const isNew = !exists(options.config);
  if (isNew) {
    const log = logWith(logFilter(environment.RUST_LOG, "info"));
    log(
      "warn",
      MAIN,
      `Config file '${options.config}' not found. Creating default configuration.`,
    );
    if (options.port !== null) {
      log("info", MAIN, `Using command line port ${options.port} in default configuration`);
    }
    createDefaultConfiguration(options.config, randomId(), options.port);
    log("info", MAIN, `Default configuration created at: ${options.config}`);
    log(
      "info",
      MAIN,
      "Please edit the configuration file to add sources, queries, and reactions.",
    );
  }
  const text = readConfigurationText(options.config);
  const loaded = loadConfiguration(text, { path: options.config, environment, randomId });
  if (!loaded.ok) throw new FatalError(loaded.message);
  const filter = logFilter(environment.RUST_LOG, loaded.configuration.logLevel);
  return { configuration: loaded.configuration, log: logWith(filter), filter };
}

/** Steps 5 to 7. Nothing is installed, verified or loaded; the lines say so. */
function logPlugins(log: Log, options: Options, configuration: ServerConfiguration): void {
  log("info", SERVER, "Loading core plugins (static)...");
  for (const kind of BUILT_IN_KINDS) {
    log("info", SERVER, `  [static/core] ${kind.replace("/", ": ")}`);
  }
  const { autoInstallPlugins, plugins, pluginRegistry } = configuration;
  if (autoInstallPlugins && plugins.length > 0) {
    log("info", MAIN, `Auto-installing ${plugins.length} plugin(s) from ${pluginRegistry}`);
    for (const ref of plugins.filter((name) => !options.kinds.includes(name.split(":")[0]!))) {
      log("warn", MAIN, `Failed to install plugin '${ref}': a stand-in installs nothing`);
    }
  }
  for (const kind of options.kinds) {
    log("info", MAIN, `Loaded plugin: ${kind} (STAND-IN: declared by option, nothing loaded)`);
  }
}

/** Step 8: whether the file can be written, said as upstream says it. */
function probeWritability(log: Log, path: string, persistConfig: boolean): boolean {
  if (!isWritable(path)) {
    log("warn", SERVER, "Config file is not writable. API in READ-ONLY mode.");
    log("warn", SERVER, "Cannot create or delete components via API.");
    return false;
  }
  if (persistConfig) {
    log(
      "info",
      SERVER,
      "Persistence ENABLED. API modifications will be saved to config file.",
    );
  } else {
    log("info", SERVER, "Persistence disabled by configuration (persist_config: false).");
    log("warn", SERVER, "API modifications will not persist across restarts.");
  }
  return true;
}

/** A component whose variable is unset can't be created, which ends the boot. */
function checkComponentReferences(
  components: ServerConfiguration["instances"][number]["sources"],
  environment: Environment,
): void {
  const unresolved = unresolvedReferences(components, "", environment)[0];
  if (unresolved !== undefined) throw new FatalError(notFound(unresolved.name));
}

function logInstance(log: Log, id: string, sourceCount: number): void {
  const key = [...new TextEncoder().encode(id)]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
  log("info", SERVER, `Enabling WAL provider for instance '${id}' at: ./data/id-${key}/wal`);
  log("info", SERVER, `Loading ${sourceCount} source(s) from configuration for instance '${id}'`);
}

function banner(config: string, port: number, filter: string): string {
  return "Starting Drasi Server\n" +
    `  Version: ${MIMICKED_VERSION} (STAND-IN)\n  Rust: none (STAND-IN)\n` +
    "  Plugin SDK: none (STAND-IN)\n" +
    `  Config file: ${config}\n  API Port: ${port}\n  Log level: ${filter}\n`;
}

/** Step 12, with the faults that strike before the API opens. */
async function startComponents(
  log: Log,
  options: Options,
  instances: readonly Instance[],
): Promise<void> {
  const { exitAtBoot, slowBootMs, sourceErrors } = options.faults;
  log("info", SERVER, "Initializing Drasi Server");
  if (exitAtBoot !== null) {
    throw new FatalError(`stand-in fault: exit-at-boot=${exitAtBoot}`, exitAtBoot);
  }
  for (const instance of instances) {
    autoStart(instance, sourceErrors);
    log("info", "drasi_lib::lifecycle", `[STARTUP-COMPLETE] instance '${instance.id}'`);
  }
  if (slowBootMs > 0) await new Promise((resolve) => setTimeout(resolve, slowBootMs));
}

/** Step 13: the API port, last of all. */
function openApi(
  log: Log,
  host: string,
  port: number,
  isUiOn: boolean,
  state: ApiState,
): () => void {
  log(
    isUiOn ? "warn" : "info",
    SERVER,
    isUiOn ? "Web UI is enabled but a stand-in has none" : "Web UI is disabled by configuration",
  );
  log("info", SERVER, `Starting web API on ${host}:${port}`);
  log("info", SERVER, `API v1 available at http://${host}:${port}/api/v1/`);
  return listen(host, port, state);
}
