/** Where a value is not of its published type: unknown fields, wrong types, items that are there twice. */
import {
  elementOf,
  elementPath,
  fieldForm,
  type MergingList,
  type SchemaNode,
  schemaNode,
} from "./api_schema.ts";
import { isFields } from "./kube_objects.ts";
import { quantityOf } from "./quantities.ts";

/** One place. */
export interface SchemaFault {
  kind: "unknown" | "wrong" | "twice" | "quantity";
  /** With the indices of list items, as decoders tell them: `spec.containers[0].foo`. */
  path: string;
  /** With their keys, as server-side apply tells them: `.spec.containers[name="app"].foo`. */
  keyedPath: string;
  /** The type that has the field. */
  holder: string;
  /** What is wanted, or for items that are there twice, their key. */
  wanted: string;
  value: unknown;
}

/** All of them. */
export function schemaFaults(value: unknown, form: string): SchemaFault[] {
  const faults: SchemaFault[] = [];
  collect(value, form, { path: "", keyedPath: "", holder: form }, faults);
  return faults;
}

type Place = Pick<SchemaFault, "path" | "keyedPath" | "holder">;

function collect(value: unknown, form: string, place: Place, faults: SchemaFault[]): void {
  if (value === null || value === undefined) return;
  const node = schemaNode(form);
  const wanted = wantedOf(node, value);
  if (wanted !== null) {
    faults.push({ kind: "wrong", ...place, wanted, value });
  } else if (node.form === "scalar") {
    if (node.scalar !== "quantity" || !Number.isNaN(quantityOf(value as string))) return;
    faults.push({ kind: "quantity", ...place, wanted: "quantity", value });
  } else if (node.form === "list") {
    collectItems(value as unknown[], node, place, faults);
  } else {
    for (const [name, field] of Object.entries(value as object)) {
      const own: Place = {
        path: place.path === "" ? name : `${place.path}.${name}`,
        keyedPath: `${place.keyedPath}.${name}`,
        holder: node.form === "struct" ? node.name : place.holder,
      };
      const below = fieldForm(node, name);
      if (below !== null) collect(field, below, own, faults);
      else faults.push({ kind: "unknown", ...own, wanted: "", value: field });
    }
  }
}

function collectItems(
  items: readonly unknown[],
  node: MergingList,
  place: Place,
  faults: SchemaFault[],
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const element = node.relation === "atomic" ? null : elementOf(node, item);
    const step = element === null ? `[${index}]` : elementPath(element);
    if (element !== null && seen.has(element)) {
      faults.push({ kind: "twice", ...place, wanted: step, value: item });
    }
    if (element !== null) seen.add(element);
    const own: Place = {
      path: `${place.path}[${index}]`,
      keyedPath: `${place.keyedPath}${step}`,
      holder: place.holder,
    };
    collect(item, node.of, own, faults);
  });
}

/** What a value should have been; null when it is that. */
function wantedOf(node: SchemaNode, value: unknown): string | null {
  if (node.form === "list") return Array.isArray(value) ? null : "list";
  if (node.form !== "scalar") return isFields(value) ? null : "map";
  switch (node.scalar) {
    case "string":
      return typeof value === "string" ? null : "string";
    case "numeric":
      return typeof value === "number" ? null : "numeric (int or float)";
    case "boolean":
      return typeof value === "boolean" ? null : "boolean";
    default:
      return null;
  }
}
