/**
 * Writes `api_schema.json`, the fields of the kinds that the test cluster serves, from the schema
 * that `k8s.io/client-go` publishes (its `applyconfigurations/internal/internal.go`); run by hand
 * with that file's path when the cluster is to speak another version of Kubernetes.
 */
import { parse } from "yaml";

interface TypeRef {
  namedType?: string;
  scalar?: string;
  list?: { elementType: TypeRef; elementRelationship?: string; keys?: string[] };
  map?: {
    fields?: { name: string; type: TypeRef; default?: unknown }[];
    elementType?: TypeRef;
    elementRelationship?: string;
  };
}

const ROOTS = [
  "io.k8s.api.apps.v1.StatefulSet",
  ...[
    "ConfigMap",
    "Event",
    "Namespace",
    "Node",
    "PersistentVolumeClaim",
    "Pod",
    "Secret",
    "Service",
  ].map((kind) => `io.k8s.api.core.v1.${kind}`),
];

const source = await Deno.readTextFile(Deno.args[0] ?? "internal.go");
const text = source.slice(source.indexOf("`types:") + 1, source.lastIndexOf("`"));
const { types } = parse(text) as { types: (TypeRef & { name: string })[] };
const byName = new Map(types.map((type) => [type.name, type]));
const written: Record<string, unknown> = {};
for (const root of ROOTS) addNamed(root);
const sorted = Object.fromEntries(Object.entries(written).sort(([a], [b]) => a < b ? -1 : 1));
await Deno.writeTextFile(
  new URL("api_schema.json", import.meta.url),
  JSON.stringify(sorted, null, 2) + "\n",
);

/** The type's short name, or its scalar: what a field says of its type. */
function addNamed(name: string): string {
  const type = byName.get(name);
  if (name.endsWith(".resource.Quantity")) return "quantity";
  if (!type?.map?.fields) return type?.scalar ?? "untyped";
  const short = name.slice(name.lastIndexOf(".") + 1);
  if (short in written) return short;
  const own: Record<string, unknown> = written[short] = {};
  const fields = type.map.fields;
  own.fields = Object.fromEntries(fields.map((field) => [field.name, formOf(field.type)]));
  const defaults = fields.filter((field) => typeof field.default === "string" && field.default);
  if (defaults.length > 0) {
    own.defaults = Object.fromEntries(defaults.map((field) => [field.name, field.default]));
  }
  if (type.map.elementRelationship === "atomic") own.isAtomic = true;
  return short;
}

/** A field's type in one string, as `api_schema.ts` reads it. */
function formOf(type: TypeRef): string {
  if (type.namedType !== undefined) return addNamed(type.namedType);
  if (type.list) {
    const { elementType, elementRelationship, keys } = type.list;
    const of = formOf(elementType);
    if (elementRelationship !== "associative") return `list ${of}`;
    return keys ? `by:${keys.join(",")} ${of}` : `set ${of}`;
  }
  if (type.map?.elementType) {
    const of = formOf(type.map.elementType);
    return `${type.map.elementRelationship === "atomic" ? "leaf" : "map"} ${of}`;
  }
  return type.scalar ?? "untyped";
}
