/** The one form of all JSON and YAML that leaves the command line; versioned, so that programs can rely on it. Pure. */
import { stringify } from "yaml";

/** It changes when something that programs read changes its meaning or goes; members may be added at any time. */
export const API_VERSION = "draas/v1";

/** What the items are. */
export type ItemKind =
  | "Check"
  | "Context"
  | "Event"
  | "Explanation"
  | "Fleet"
  | "Instance"
  | "LogLine"
  | "PastInstance"
  | "PlanItem"
  | "Result"
  | "Revision"
  | "Token"
  | "Usage"
  | "Version"
  | "Worker";

/** All forms of output. */
export const FORMATS = ["table", "wide", "json", "yaml", "name"] as const;
export type Format = typeof FORMATS[number];

/** A whole answer: `items` is a list also where it is one. */
export function listText(
  format: "json" | "yaml",
  kind: ItemKind,
  items: readonly unknown[],
): string {
  const envelope = { apiVersion: API_VERSION, kind: `${kind}List`, items };
  return format === "json" ? `${JSON.stringify(envelope, null, 2)}\n` : yamlText(envelope);
}

/** One item of an answer without an end: a line of JSON, or a document of YAML. */
export function streamedText(format: "json" | "yaml", kind: ItemKind, item: unknown): string {
  const envelope = { apiVersion: API_VERSION, kind, item };
  return format === "json" ? `${JSON.stringify(envelope)}\n` : `---\n${yamlText(envelope)}`;
}

/** Values as the documents of one YAML file. */
export function documentsText(values: readonly unknown[]): string {
  return values.map(yamlText).join("---\n");
}

/** Without anchors, which many readers do not know, and so that readers of YAML 1.1 take no word for a truth value. */
export function yamlText(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, compat: "yaml-1.1", lineWidth: 0 });
}
