/** What server-side apply does with typed objects: which fields they have, how two merge, how two differ. */
import { elementOf, fieldForm, type SchemaNode, schemaNode } from "./api_schema.ts";
import { FieldSet } from "./field_set.ts";
import { type Fields, isFields, isSame } from "./kube_objects.ts";

type Path = readonly string[];

/** The set of all fields that an object has: what an applier of it comes to own. */
export function fieldSetOf(value: unknown, form: string): FieldSet {
  const set = new FieldSet();
  collect(value, form, [], set);
  return set;
}

function collect(value: unknown, form: string, path: Path, set: FieldSet): void {
  const node = schemaNode(form);
  if (isLeaf(node, value)) {
    set.add(path);
    return;
  }
  if (node.form === "list") {
    for (const item of value as unknown[]) {
      const own = [...path, elementOf(node, item)];
      collect(item, node.of, own, set);
      set.add(own);
    }
    return;
  }
  for (const [name, field] of Object.entries(value as Fields)) {
    const own = [...path, `f:${name}`];
    collect(field, fieldForm(node, name) ?? "untyped", own, set);
    const isEmpty = field === null || (isFields(field) && Object.keys(field).length === 0);
    if (isEmpty || node.form === "map") set.add(own);
  }
}

/** Whether it is owned as a whole: a scalar, null, or what the schema calls atomic. */
function isLeaf(node: SchemaNode, value: unknown): boolean {
  if (node.form === "scalar" || value === null || typeof value !== "object") return true;
  return node.form === "list" ? node.relation === "atomic" : node.isAtomic;
}

/** The live object with what is applied merged into it; nothing is removed. */
export function merged(live: unknown, applied: unknown, form: string): unknown {
  if (applied === undefined) return live;
  if (live === undefined || live === null || applied === null) return applied;
  const node = schemaNode(form);
  if (isLeaf(node, applied) || isLeaf(node, live)) return applied;
  if (node.form === "list") return mergedLists(live as unknown[], applied as unknown[], node);
  const result: Fields = { ...(live as Fields) };
  for (const [name, field] of Object.entries(applied as Fields)) {
    result[name] = merged(result[name], field, fieldForm(node, name) ?? "untyped");
  }
  return result;
}

/** The order is that of the applied list, with the items of the live one kept where they stood between. */
function mergedLists(
  live: unknown[],
  applied: unknown[],
  node: SchemaNode & { form: "list" },
): unknown[] {
  const liveItems = new Map(live.map((item) => [elementOf(node, item), item]));
  const appliedItems = new Map(applied.map((item) => [elementOf(node, item), item]));
  const left = [...liveItems.keys()];
  const right = [...appliedItems.keys()];
  const shared = right.filter((element) => liveItems.has(element));
  const done = new Set<string>();
  const result: unknown[] = [];
  const take = (element: string) => {
    result.push(merged(liveItems.get(element), appliedItems.get(element), node.of));
  };
  let nextShared = shared.shift();
  for (let l = 0, r = 0; l < left.length || r < right.length;) {
    const mine = left[l];
    const theirs = right[r];
    if (mine !== undefined && theirs !== undefined) {
      if (mine === theirs) {
        done.add(mine);
        take(mine);
        [l, r, nextShared] = [l + 1, r + 1, shared.shift()];
        continue;
      }
      if (appliedItems.has(mine) && nextShared !== undefined && nextShared !== mine) {
        l++;
        continue;
      }
    }
    if (mine !== undefined) {
      if (!appliedItems.has(mine)) {
        take(mine);
        l++;
        continue;
      }
      if (done.has(mine)) l++;
    }
    if (theirs !== undefined) {
      done.add(theirs);
      take(theirs);
      r++;
      if (nextShared === theirs) nextShared = shared.shift();
    }
  }
  return result;
}

/** How an object became another one. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** The fields in which two objects of a type differ. */
export function compared(before: unknown, after: unknown, form: string): Comparison {
  const comparison = {
    added: new FieldSet(),
    modified: new FieldSet(),
    removed: new FieldSet(),
  };
  compareInto(before, after, form, [], comparison);
  return comparison;
}

function compareInto(
  before: unknown,
  after: unknown,
  form: string,
  path: Path,
  comparison: Comparison,
): void {
  const { added, modified, removed } = comparison;
  const node = schemaNode(form);
  const isWhole = (before === undefined || isLeaf(node, before) || isEmpty(before)) &&
    (after === undefined || isLeaf(node, after) || isEmpty(after));
  if (isWhole) {
    if (before === undefined) added.add(path);
    else if (after === undefined) removed.add(path);
    else if (!isSame(before, after)) modified.add(path);
    return;
  }
  for (const [element, [mine, theirs, below]] of pairsOf(before, after, node)) {
    compareInto(mine, theirs, below, [...path, element], comparison);
  }
  if (before === undefined) added.add(path);
  else if (after === undefined) removed.add(path);
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function pairsOf(
  before: unknown,
  after: unknown,
  node: SchemaNode,
): Map<string, [unknown, unknown, string]> {
  const pairs = new Map<string, [unknown, unknown, string]>();
  [before, after].forEach((value, side) => {
    for (const [element, item, form] of stepsOf(value, node)) {
      const pair = pairs.get(element) ?? [undefined, undefined, form];
      pair[side as 0 | 1] = item;
      pairs.set(element, pair);
    }
  });
  return pairs;
}

function stepsOf(value: unknown, node: SchemaNode): [string, unknown, string][] {
  if (typeof value !== "object" || value === null) return [];
  if (node.form === "list") {
    return (value as unknown[]).map((item) => [elementOf(node, item), item, node.of]);
  }
  return Object.entries(value as Fields).filter(([, field]) => field !== undefined)
    .map(([name, field]) => [`f:${name}`, field, fieldForm(node, name) ?? "untyped"]);
}

/** The object without the fields of a set; lists and maps that become empty go with them. */
export function withoutFields(value: unknown, set: FieldSet, form: string): unknown {
  const node = schemaNode(form);
  if (isLeaf(node, value) || isEmpty(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [element, item, below] of stepsOf(value, node)) {
    if (set.members.has(element)) continue;
    const child = set.children.get(element);
    kept.push([element, child ? withoutFields(item, child, below) : item]);
  }
  if (kept.length === 0) return null;
  if (node.form === "list") return kept.map(([, item]) => item);
  return Object.fromEntries(kept.map(([element, item]) => [element.slice(2), item]));
}
