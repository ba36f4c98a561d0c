/** What drasi-server's own messages mean: each of those that its reference lists, as a failure with what to do. */
import { assertEquals } from "@std/assert";
import { DRASI_SERVER_FAILURES } from "../../workers/templates/drasi_server_failures.ts";
import { knownFailureIn } from "../../workers/templates/known_failure.ts";

const BANNER = "2026-01-01T00:00:00.000000Z  INFO drasi_server: Starting Drasi Server\n";

const SAID: [what: string, output: string, code: string, retryable: boolean, message: string][] = [
  [
    "a file that it cannot read",
    "Error: Failed to parse config file '/d/drasi-server.json': YAML error: unknown field `hots`, " +
    "expected one of `id`, `host` at line 1 column 2, JSON error: expected value at line 1",
    "configuration_invalid",
    false,
    "Configuration is invalid: drasi-server cannot read it: unknown field `hots`, expected one of " +
    "`id`, `host` at line 1 column 2",
  ],
  [
    "a value that is wrong",
    "Error: Validation error: Invalid host 'x': must be a valid hostname or IP address",
    "configuration_invalid",
    false,
    "Configuration is invalid: Invalid host 'x': must be a valid hostname or IP address",
  ],
  [
    "a template that is wrong",
    "Error: Unknown fields in configuration: Template syntax error: unclosed",
    "configuration_invalid",
    false,
    "Configuration is invalid: Template syntax error: unclosed",
  ],
  [
    "a variable that is not set",
    "Error: Environment variable 'TOKEN' not found and no default provided",
    "configuration_invalid",
    false,
    "Configuration is invalid: Environment variable 'TOKEN' not found and no default provided; " +
    "use ${secret:NAME} for what the host has",
  ],
  [
    "plugins that are missing",
    `${BANNER}Error: Missing plugins required by configuration:\n` +
    "  - source/mock (referenced by source 's1')\n  - reaction/log (referenced by reaction 'r')\n\n" +
    "Available kinds: none\n",
    "plugins_missing",
    false,
    "drasi-server lacks plugins that its configuration needs: source/mock (referenced by source " +
    "'s1'); reaction/log (referenced by reaction 'r'). Install them on the worker's host " +
    "(drasi-server plugin install), or list them in plugins and set autoInstallPlugins.",
  ],
  [
    "plugins that could not be fetched",
    "2026-01-01T00:00:00Z  WARN drasi_server: Failed to install plugin 'source/mock': no route to host\n" +
    "Error: Missing plugins required by configuration:\n  - source/mock (referenced by source 's1')\n",
    "plugins_missing",
    true,
    "drasi-server could not fetch plugins that its configuration needs (no route to host): " +
    "source/mock (referenced by source 's1')",
  ],
  [
    "a folder of plugins that it cannot make",
    "Error: failed to create plugins directory\n\nCaused by:\n    Permission denied (os error 13)",
    "folder_read_only",
    false,
    "drasi-server cannot make its folder of plugins. Set DRASI_PLUGINS_DIR of the worker to one " +
    "that its user can write to.",
  ],
  [
    "a query that names what is not there",
    "Error: Failed to create DrasiLib: source 'x' does not exist in the graph",
    "configuration_invalid",
    false,
    "Configuration is invalid: source 'x' does not exist in the graph",
  ],
  [
    "an instance that cannot be built",
    "Error: Failed to create DrasiLib: database already open",
    "component_failed",
    true,
    "drasi-server could not build its components: database already open",
  ],
  [
    "a database that is away",
    "Error: Failed to start some sources: orders: connection refused, users: no such host",
    "component_failed",
    true,
    "drasi-server could not start some of its sources: orders: connection refused, users: no such host",
  ],
  [
    "a port that is taken",
    `${BANNER}Error: Address already in use (os error 98)`,
    "port_in_use",
    true,
    "drasi-server found its port taken when it came to open it. Another start takes another one, " +
    "if the configuration names none.",
  ],
  [
    "a flag of another release",
    "error: unexpected argument '--plugins-dir' found\n\nUsage: drasi-server [OPTIONS]",
    "binary_unsupported",
    false,
    "This drasi-server does not know --plugins-dir: it is of another release than 0.2. Set DRASI_SERVER_BIN.",
  ],
  [
    "a panic",
    "thread 'main' panicked at src/main.rs:12:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`",
    "server_panicked",
    true,
    "drasi-server panicked: src/main.rs:12:5:; index out of bounds",
  ],
];

for (const [what, output, code, retryable, message] of SAID) {
  Deno.test(`understood: ${what}`, () =>
    assertEquals(knownFailureIn(output, DRASI_SERVER_FAILURES), { code, message, retryable }));
}

Deno.test("what is not known is left as it is, and a long cause is cut", () => {
  assertEquals(knownFailureIn(`${BANNER}Error: something new`, DRASI_SERVER_FAILURES), null);
  const long = knownFailureIn(
    `Error: Validation error: ${"x".repeat(9_999)}`,
    DRASI_SERVER_FAILURES,
  );
  assertEquals(long?.message.length, "Configuration is invalid: ".length + 602);
});
