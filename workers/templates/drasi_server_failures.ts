/**
 * The messages with which drasi-server 0.2.x ends a boot that cannot succeed, in the order in which they have to be looked
 * for: operator's reference, §4 and §13.
 */
import type { KnownFailure } from "./known_failure.ts";

/** What to do where that depends on how the server is run. */
interface Advice {
  plugins: string;
  folder: string;
  release: string;
}

/** One message; what its advice is comes after it. */
interface Told extends KnownFailure {
  advice?: keyof Advice;
}

const TOLD: readonly Told[] = [
  {
    // The other half of this line is the same file read as JSON, which says less.
    pattern: /Error: Failed to parse config file '[^']*': YAML error: (.+?)(?:, JSON error: |$)/m,
    code: "configuration_invalid",
    message: "Configuration is invalid: drasi-server cannot read it: $1",
    retryable: false,
  },
  {
    pattern: /Error: Validation error: (.+)/,
    code: "configuration_invalid",
    message: "Configuration is invalid: $1",
    retryable: false,
  },
  {
    pattern: /Error: Unknown fields in configuration: (.+)/,
    code: "configuration_invalid",
    message: "Configuration is invalid: $1",
    retryable: false,
  },
  {
    pattern: /Error: (Environment variable '[^']+' not found and no default provided)/,
    code: "configuration_invalid",
    message: "Configuration is invalid: $1; use ${secret:NAME} for what the host has",
    retryable: false,
  },
  {
    pattern:
      /^.*Failed to install plugin '[^']*': (.+)[\s\S]*Missing plugins required[^\n]*\n((?: *- .+\n?)+)/m,
    code: "plugins_missing",
    message: "drasi-server could not fetch plugins that its configuration needs ($1): $2",
    retryable: true,
  },
  {
    pattern: /Error: Missing plugins required by configuration:\n((?: *- .+\n?)+)/,
    code: "plugins_missing",
    message: "drasi-server lacks plugins that its configuration needs: $1.",
    advice: "plugins",
    retryable: false,
  },
  {
    pattern: /Error: failed to create plugins directory/,
    code: "folder_read_only",
    message: "drasi-server cannot make its folder of plugins.",
    advice: "folder",
    retryable: false,
  },
  {
    pattern: /Error: (?:Failed to create DrasiLib: )?(.*does not exist in the graph.*)/,
    code: "configuration_invalid",
    message: "Configuration is invalid: $1",
    retryable: false,
  },
  {
    pattern: /Error: Failed to create DrasiLib: (.+)/,
    code: "component_failed",
    message: "drasi-server could not build its components: $1",
    retryable: true,
  },
  {
    // A database that is away is back later.
    pattern: /Error: Failed to start some (sources|reactions): (.+)/,
    code: "component_failed",
    message: "drasi-server could not start some of its $1: $2",
    retryable: true,
  },
  {
    pattern: /Error: Address already in use/,
    code: "port_in_use",
    message: "drasi-server found its port taken when it came to open it. Another start takes " +
      "another one, if the configuration names none.",
    retryable: true,
  },
  {
    pattern: /error: unexpected argument '([^']+)' found/,
    code: "binary_unsupported",
    message: "This drasi-server does not know $1: it is of another release than 0.2.",
    advice: "release",
    retryable: false,
  },
  {
    pattern: /thread '[^']*' (?:\(\d+\) )?panicked at (.+(?:\n.+)?)/,
    code: "server_panicked",
    message: "drasi-server panicked: $1",
    retryable: true,
  },
];

/** Of a server that is a program of the worker's host. */
export const DRASI_SERVER_FAILURES: readonly KnownFailure[] = failuresWith({
  plugins: "Install them on the worker's host (drasi-server plugin install), or list them in " +
    "plugins and set autoInstallPlugins.",
  folder: "Set DRASI_PLUGINS_DIR of the worker to one that its user can write to.",
  release: "Set DRASI_SERVER_BIN.",
});

/** Of one that comes in an image. */
export const DRASI_IMAGE_FAILURES: readonly KnownFailure[] = failuresWith({
  plugins: "List them in plugins and set autoInstallPlugins.",
  folder: "Its user has to be one that can write to /app/plugins.",
  release: "Set DRASI_SERVER_IMAGE of the worker.",
});

function failuresWith(advice: Advice): readonly KnownFailure[] {
  return TOLD.map(({ advice: name, message, ...known }) => ({
    ...known,
    message: name === undefined ? message : `${message} ${advice[name]}`,
  }));
}
