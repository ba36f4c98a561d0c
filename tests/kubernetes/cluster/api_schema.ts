/** The published types of the kinds served, read from `api_schema.json`: which fields there are, and how lists merge. */
import schema from "./api_schema.json" with { type: "json" };
import { type Fields, isFields } from "./kube_objects.ts";

/** A type, as server-side apply sees it. */
export type SchemaNode =
  | { form: "scalar"; scalar: string }
  | { form: "struct"; name: string; isAtomic: boolean; fields: Map<string, string> }
  | { form: "map"; isAtomic: boolean; of: string }
  | { form: "list"; relation: "atomic" | "set"; of: string }
  | { form: "list"; relation: "keyed"; of: string; keys: string[] };

interface WrittenType {
  fields: Record<string, string>;
  defaults?: Record<string, string>;
  isAtomic?: boolean;
}

const types = schema as unknown as Record<string, WrittenType>;
const nodes = new Map<string, SchemaNode>();

/** The type of a form as `api_schema.json` writes it, such as `PodSpec`, `list string` or `by:name Container`. */
export function schemaNode(form: string): SchemaNode {
  const known = nodes.get(form);
  if (known) return known;
  const node = readNode(form);
  nodes.set(form, node);
  return node;
}

function readNode(form: string): SchemaNode {
  const [first = "", of] = form.split(/ (.*)/);
  if (of !== undefined) {
    if (first === "map" || first === "leaf") {
      return { form: "map", isAtomic: first === "leaf", of };
    }
    if (first === "list") return { form: "list", relation: "atomic", of };
    if (first === "set") return { form: "list", relation: "set", of };
    return { form: "list", relation: "keyed", of, keys: first.slice("by:".length).split(",") };
  }
  const written = types[form];
  if (!written) return { form: "scalar", scalar: form };
  const fields = new Map(Object.entries(written.fields));
  return { form: "struct", name: form, isAtomic: written.isAtomic ?? false, fields };
}

/** The form of a field of a struct or map; null for an unknown one. */
export function fieldForm(node: SchemaNode, name: string): string | null {
  if (node.form === "map") return node.of;
  return node.form === "struct" ? node.fields.get(name) ?? null : null;
}

/** How an item of a merging list is named in a set of fields: `k:{"name":"app"}` or `v:"x"`. */
export function elementOf(
  node: SchemaNode & { form: "list" },
  item: unknown,
): string {
  if (node.relation !== "keyed") return `v:${JSON.stringify(item)}`;
  const defaults = types[node.of]?.defaults ?? {};
  const key: Fields = {};
  for (const name of [...node.keys].sort()) {
    const value = (isFields(item) ? item[name] : undefined) ?? defaults[name];
    if (value !== undefined) key[name] = value;
  }
  return `k:${JSON.stringify(key)}`;
}

/** Fields that a type does not have, as paths such as `.spec.template.spec.foo`, and fields of a wrong type. */
export interface SchemaFaults {
  unknown: string[];
  wrong: string[];
}

/** Items of lists are told by their index, as decoders do, or by their keys, as server-side apply does. */
type PathStyle = "indexed" | "keyed";

/** All faults of a value. */
export function schemaFaults(value: unknown, form: string, style: PathStyle): SchemaFaults {
  const faults: SchemaFaults = { unknown: [], wrong: [] };
  collectFaults(value, form, "", style, faults);
  return faults;
}

function collectFaults(
  value: unknown,
  form: string,
  path: string,
  style: PathStyle,
  faults: SchemaFaults,
): void {
  if (value === null || value === undefined) return;
  const node = schemaNode(form);
  if (node.form === "scalar") {
    const wrong = wrongScalar(node.scalar, value);
    if (wrong) faults.wrong.push(`${path}: ${wrong}`);
  } else if (node.form === "list") {
    if (!Array.isArray(value)) {
      faults.wrong.push(`${path}: expected list, got ${describe(value)}`);
      return;
    }
    value.forEach((item, index) => {
      const isKeyed = style === "keyed" && node.relation === "keyed";
      const element = isKeyed ? elementOf(node, item) : "k:{}";
      const step = element === "k:{}" ? `[${index}]` : elementPath(element);
      collectFaults(item, node.of, `${path}${step}`, style, faults);
    });
  } else if (!isFields(value)) {
    faults.wrong.push(`${path}: expected map, got ${describe(value)}`);
  } else {
    for (const [name, field] of Object.entries(value)) {
      const own = fieldForm(node, name);
      if (own === null) faults.unknown.push(`${path}.${name}`);
      else collectFaults(field, own, `${path}.${name}`, style, faults);
    }
  }
}

function wrongScalar(scalar: string, value: unknown): string | null {
  const wanted = {
    string: "string",
    numeric: "numeric (int or float)",
    boolean: "boolean",
  }[scalar];
  const type = typeof value === "number" ? "numeric" : typeof value;
  return wanted === undefined || type === scalar
    ? null
    : `expected ${wanted}, got ${describe(value)}`;
}

/** A value as the API server's messages tell it. */
export function describe(value: unknown): string {
  if (typeof value === "string") return "string";
  if (Array.isArray(value)) return "list";
  if (isFields(value)) return "map";
  return `${JSON.stringify(value)}`;
}

/** An element of a set of fields as a path shows it: `.name`, `[name="app"]`, `[="x"]`. */
export function elementPath(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const key = JSON.parse(rest) as Fields;
  const parts = Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${parts.join(",")}]`;
}
