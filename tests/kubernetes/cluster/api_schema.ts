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

/** How a list that merges tells its items apart. */
export type MergingList = SchemaNode & { form: "list" };

/** How an item of a merging list is named in a set of fields: `k:{"name":"app"}` or `v:"x"`. */
export function elementOf(
  node: MergingList,
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

/** An element of a set of fields as a path shows it: `.name`, `[name="app"]`, `[="x"]`. */
export function elementPath(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (element.startsWith("v:")) return `[=${rest}]`;
  const key = JSON.parse(rest) as Fields;
  const parts = Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${parts.join(",")}]`;
}
