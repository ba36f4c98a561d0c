/** JSON values by a schema of the document, for properties: ones that fit it, and ones that nearly do. */
import fc from "fast-check";
import type { Json } from "../support/documented_api.ts";

/** How deep a schema is followed: configurations may hold whatever there is. */
const DEPTH_MAX = 6;
/** Of numbers without a bound of their own. */
const NUMBER_MAX = 100_000;

/** Any JSON at all; small. */
export const anyJson: fc.Arbitrary<Json> = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" });

/** Of what is referred to, by where it is and how deep: to make them takes longer than to draw from them. */
const made = new Map<string, fc.Arbitrary<Json>>();

/** Values that fit `schema`, whose references are into `document`. */
export function valuesOf(schema: Json, document: Json, depth = 0): fc.Arbitrary<Json> {
  const inner = (one: Json) => valuesOf(one, document, depth + 1);
  if (schema.$ref !== undefined) {
    const place = `${depth} ${schema.$ref}`;
    const values = made.get(place) ?? inner(referred(schema.$ref, document));
    made.set(place, values);
    return values;
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(inner));
  if (depth > DEPTH_MAX) return fc.constant(null);
  const types: string[] = [schema.type ?? []].flat();
  if (types.length === 0) return anyJson;
  return fc.oneof(...types.map((type) => ofType(type, schema, inner)));
}

function ofType(
  type: string,
  schema: Json,
  inner: (schema: Json) => fc.Arbitrary<Json>,
): fc.Arbitrary<Json> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
      return integers(schema);
    case "number":
      return fc.oneof(integers(schema), fc.double({ ...bounds(schema), noNaN: true }));
    case "array":
      return fc.array(schema.items ? inner(schema.items) : anyJson, {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, (schema.minItems ?? 0) + 3),
      });
    case "object":
      return objects(schema, inner);
    default:
      return strings(schema);
  }
}

/** Mostly small ones, and the bounds: what is counted is made. */
function integers(schema: Json): fc.Arbitrary<number> {
  const { min, max } = bounds(schema);
  const least = Math.ceil(min);
  const most = Math.floor(max);
  return fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: least, max: Math.min(most, least + 5) }) },
    { weight: 1, arbitrary: fc.constant(most) },
  );
}

function bounds(schema: Json): { min: number; max: number } {
  const { minimum, exclusiveMinimum, maximum } = schema;
  const min = minimum ?? (exclusiveMinimum === undefined ? -10 : exclusiveMinimum + 1);
  return { min, max: maximum ?? Math.max(min, NUMBER_MAX) };
}

function strings({ pattern, minLength = 0, maxLength = 40 }: Json): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength, maxLength: Math.min(maxLength, minLength + 12) });
}

function objects(
  { properties = {}, required = [], additionalProperties, propertyNames }: Json,
  inner: (schema: Json) => fc.Arbitrary<Json>,
): fc.Arbitrary<Json> {
  const named = Object.fromEntries(
    Object.entries<Json>(properties).map(([name, one]) => [name, inner(one)]),
  );
  const known = fc.record(named, { requiredKeys: required });
  if (additionalProperties === undefined || additionalProperties === false) return known;
  const names = fc.oneof(
    { weight: 3, arbitrary: fc.stringMatching(/^[a-z]{1,6}$/) },
    {
      weight: 1,
      arbitrary: propertyNames ? inner({ type: "string", ...propertyNames }) : fc.string(),
    },
  );
  const others = fc.dictionary(names, inner(additionalProperties), { maxKeys: 3 });
  return fc.tuple(others, known).map(([rest, own]) => ({ ...rest, ...own }));
}

function referred($ref: string, document: Json): Json {
  return $ref.split("/").slice(1).reduce((node, key) => node[key], document);
}

/** A value with one place of it changed: taken away, replaced by something else, or given a field more. */
export function nearly(values: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.tuple(values, fc.nat(), fc.constantFrom("remove", "replace", "add"), anyJson)
    .map(([value, place, change, other]) => {
      const copy = structuredClone(value);
      const places = placesIn(copy);
      if (places.length === 0) return other;
      const { parent, key } = places[place % places.length]!;
      if (change === "replace") parent[key] = other;
      else if (change === "remove" && !Array.isArray(parent)) delete parent[key];
      else if (Array.isArray(parent)) parent.push(other);
      else parent[`${key}x`] = other;
      return copy;
    });
}

interface Place {
  parent: Json;
  key: string;
}

function placesIn(value: Json): Place[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.keys(value).flatMap((key) => [{ parent: value, key }, ...placesIn(value[key])]);
}
