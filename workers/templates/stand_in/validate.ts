/** The report of `validate`: what drasi-server says of a configuration without starting it. */
import type { Loaded, ServerConfiguration } from "./configuration_file.ts";
import { type Environment, unresolvedReferences } from "./interpolation.ts";
import { missingPlugins } from "./plugin_gate.ts";

/** What goes to stdout, and the exit code. Missing plugins are only warnings: exit 0, as upstream. */
export interface Report {
  text: string;
  exitCode: number;
}

/** The report for a file that isn't there. */
export function absentReport(path: string): Report {
  return {
    text: `Validating: ${path}\n\n[ERROR] Configuration file not found: ${path}\n`,
    exitCode: 1,
  };
}

/** The report for a file that was read. */
export function validationReport(
  loaded: Loaded,
  settings: {
    path: string;
    kinds: readonly string[];
    environment: Environment;
    showResolved: boolean;
  },
): Report {
  const head = [`Validating: ${settings.path}`, "", "Structure:"];
  if (!loaded.ok) return reportOf([...head, `  [ERR] ${loaded.message}`], 1);
  const { configuration } = loaded;
  const { host, port, logLevel } = configuration;
  const unresolved = unresolvedIn(configuration, settings.environment);
  const missing = missingPlugins(configuration, settings.kinds);
  const lines = [
    ...head,
    "  [OK] YAML syntax valid",
    `  [OK] Server settings valid (host: ${host}, port: ${port}, logLevel: ${logLevel})`,
    "",
    "Environment references:",
    ...(unresolved.length === 0 ? ["  [OK] No missing env var references"] : unresolved),
    "",
    `Plugins (${settings.kinds.length} declared to a STAND-IN, none loaded):`,
    ...missing.map(({ category, kind, referencedBy }) =>
      `  [WARN] ${category}/${kind} — not installed (referenced by ${referencedBy})`
    ),
    "",
    summary(configuration, unresolved.length, missing.length),
    ...(settings.showResolved
      ? [
        "",
        "Resolved server settings:",
        `  Host: ${host}`,
        `  Port: ${port}`,
        `  Log Level: ${logLevel}`,
      ]
      : []),
  ];
  return reportOf(lines, unresolved.length === 0 ? 0 : 1);
}

function unresolvedIn(configuration: ServerConfiguration, environment: Environment): string[] {
  const { instances } = configuration;
  const components = instances.flatMap((part) => [
    ...part.sources.map((row) => ({ row, path: `sources['${row.id}']` })),
    ...part.reactions.map((row) => ({ row, path: `reactions['${row.id}']` })),
    ...part.bootstrapProviders.map((row) => ({ row, path: `bootstrapProviders['${row.id}']` })),
    ...part.identityProviders.map((row) => ({ row, path: `identityProviders['${row.id}']` })),
  ]);
  return components
    .flatMap(({ row, path }) => unresolvedReferences(row, path, environment))
    .map(({ path, name }) =>
      `  [ERR] ${path}: env var '${name}' not found and no default provided`
    );
}

function summary(configuration: ServerConfiguration, errors: number, warnings: number): string {
  const count = (list: "sources" | "queries" | "reactions") =>
    configuration.instances.reduce((sum, part) => sum + part[list].length, 0);
  const verdict = [
    ...(errors > 0 ? [`${errors} error(s)`] : []),
    ...(warnings > 0 ? [`${warnings} warning(s)`] : []),
  ].join(", ");
  return `Summary: ${configuration.instances.length} instance(s), ${count("sources")} source(s), ` +
    `${count("queries")} query/queries, ${count("reactions")} reaction(s) — ` +
    (verdict === "" ? "all valid" : verdict);
}

function reportOf(lines: readonly string[], exitCode: number): Report {
  return { text: lines.join("\n") + "\n", exitCode };
}
