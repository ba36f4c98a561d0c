/** The plugin gate: which plugins a configuration needs, and the error when some are not there. */
import type { JsonObject } from "../../../events/json.ts";
import type { InstanceConfiguration, ServerConfiguration } from "./configuration_file.ts";

/** One plugin that a component needs. */
export interface Requirement {
  category: "source" | "reaction" | "bootstrap" | "identity_provider";
  kind: string;
  /** Such as `source 's1'`. */
  referencedBy: string;
}

/** The plugins that are compiled into drasi-server 0.2.x, so that no option need list them. */
export const BUILT_IN_KINDS: readonly string[] = [
  "bootstrap/noop",
  "bootstrap/application",
  "reaction/application",
];

/** What the configuration needs that is neither built in nor in `kinds` (`category/kind`), in order. */
export function missingPlugins(
  configuration: ServerConfiguration,
  kinds: readonly string[],
): Requirement[] {
  const { topLevel, instances } = configuration;
  const parts = instances.includes(topLevel) ? instances : [topLevel, ...instances];
  const present = new Set([...BUILT_IN_KINDS, ...kinds]);
  return requirementsOf(parts).filter(({ category, kind }) => !present.has(`${category}/${kind}`));
}

/** The text after `Error: ` for missing plugins; several lines. */
export function missingPluginsMessage(
  missing: readonly Requirement[],
  kinds: readonly string[],
): string {
  const lines = missing.flatMap(({ category, kind, referencedBy }) => {
    const available = [...BUILT_IN_KINDS, ...kinds]
      .filter((known) => known.startsWith(`${category}/`))
      .map((known) => known.slice(category.length + 1));
    const line = `  - ${category}/${kind} (referenced by ${referencedBy})`;
    return available.length === 0
      ? [line]
      : [line, `    available ${category} kinds: ${available.join(", ")}`];
  });
  return [
    "Missing plugins required by configuration:",
    ...lines,
    "Install the missing plugins or correct the 'kind' values in your config.",
  ].join("\n");
}

function requirementsOf(parts: readonly InstanceConfiguration[]): Requirement[] {
  const of = (
    category: Requirement["category"],
    noun: string,
    pick: (part: InstanceConfiguration) => JsonObject[],
  ) =>
    parts.flatMap(pick).map((row): Requirement => ({
      category,
      kind: String(row.kind),
      referencedBy: `${noun} '${row.id}'`,
    }));
  return [
    ...parts.flatMap((part) => part.sources).flatMap(sourceRequirements),
    ...of("bootstrap", "bootstrapProvider", (part) => part.bootstrapProviders),
    ...of("reaction", "reaction", (part) => part.reactions),
    // `password` is part of drasi-lib itself.
    ...of("identity_provider", "identityProvider", (part) => part.identityProviders)
      .filter(({ kind }) => kind !== "password"),
  ];
}

function sourceRequirements(source: JsonObject): Requirement[] {
  const own: Requirement = {
    category: "source",
    kind: String(source.kind),
    referencedBy: `source '${source.id}'`,
  };
  const inline = source.bootstrapProvider;
  if (inline === null || typeof inline !== "object" || Array.isArray(inline)) return [own];
  return [own, {
    category: "bootstrap",
    kind: String(inline.kind),
    referencedBy: `source '${source.id}' bootstrapProvider`,
  }];
}
