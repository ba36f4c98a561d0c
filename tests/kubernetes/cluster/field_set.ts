/** A set of paths into an object, such as managed fields are kept in (`FieldsV1`). */
import { elementPath, fieldForm, schemaNode } from "./api_schema.ts";
import { type Fields, isFields } from "./kube_objects.ts";

/**
 * A tree of path elements (`f:name`, `k:{…}`, `v:…`): a path is in the set when its last element is
 * among the members where the path leads. The operations are those of structured-merge-diff.
 */
export class FieldSet {
  readonly members: Set<string> = new Set();
  readonly children: Map<string, FieldSet> = new Map();

  /** A set of the given paths. */
  static of(...paths: string[][]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.add(path);
    return set;
  }

  /** From the form that objects carry. */
  static fromFieldsV1(fields: Fields): FieldSet {
    const set = new FieldSet();
    for (const [element, below] of Object.entries(fields)) {
      if (element === "." || !isFields(below)) continue;
      const names = Object.keys(below);
      if (names.length === 0 || "." in below) set.members.add(element);
      const child = FieldSet.fromFieldsV1(below);
      if (!child.isEmpty) set.children.set(element, child);
    }
    return set;
  }

  /** In the form that objects carry. */
  toFieldsV1(): Fields {
    const fields: Fields = {};
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const child = this.children.get(element);
      const below = child ? child.toFieldsV1() : {};
      fields[element] = child && this.members.has(element) ? { ".": {}, ...below } : below;
    }
    return fields;
  }

  /** Whether no path is in it. */
  get isEmpty(): boolean {
    return this.members.size === 0 && [...this.children.values()].every((child) => child.isEmpty);
  }

  /** Puts a path in. */
  add(path: readonly string[]): void {
    const [first, ...rest] = path;
    if (first === undefined) return;
    if (rest.length === 0) {
      this.members.add(first);
      return;
    }
    const child = this.children.get(first) ?? new FieldSet();
    this.children.set(first, child);
    child.add(rest);
  }

  /** What either has. */
  union(other: FieldSet): FieldSet {
    return this.#combine(other, (a, b) => a.union(b), (mine, theirs) => mine || theirs);
  }

  /** What both have. */
  intersection(other: FieldSet): FieldSet {
    return this.#combine(other, (a, b) => a.intersection(b), (mine, theirs) => mine && theirs);
  }

  /** What only this one has. */
  difference(other: FieldSet): FieldSet {
    return this.#combine(other, (a, b) => a.difference(b), (mine, theirs) => mine && !theirs);
  }

  /** What is neither in the other nor below a path of the other. */
  without(other: FieldSet): FieldSet {
    const left = new FieldSet();
    for (const member of this.members) if (!other.members.has(member)) left.members.add(member);
    for (const [element, child] of this.children) {
      if (other.members.has(element)) continue;
      const below = other.children.get(element);
      const rest = below ? child.without(below) : child;
      if (!rest.isEmpty) left.children.set(element, rest);
    }
    return left;
  }

  /** With the structs that its paths lead through, which are seldom members themselves. */
  withNamedFields(form: string): FieldSet {
    const node = schemaNode(form);
    const full = new FieldSet();
    for (const member of this.members) full.members.add(member);
    for (const [element, child] of this.children) {
      const name = element.slice(2);
      if (element.startsWith("f:") && node.form === "struct" && node.fields.has(name)) {
        full.members.add(element);
      }
      const below = element.startsWith("f:")
        ? fieldForm(node, name) ?? "untyped"
        : node.form === "list"
        ? node.of
        : "untyped";
      full.children.set(element, child.withNamedFields(below));
    }
    return full;
  }

  /** All paths, as messages show them. */
  paths(): string[] {
    const own = [...this.members].sort().map(elementPath);
    const below = [...this.children].sort(([a], [b]) => a < b ? -1 : 1)
      .flatMap(([element, child]) => child.paths().map((path) => elementPath(element) + path));
    return [...own, ...below];
  }

  #combine(
    other: FieldSet,
    children: (a: FieldSet, b: FieldSet) => FieldSet,
    isMember: (mine: boolean, theirs: boolean) => boolean,
  ): FieldSet {
    const result = new FieldSet();
    for (const element of new Set([...this.members, ...other.members])) {
      if (isMember(this.members.has(element), other.members.has(element))) {
        result.members.add(element);
      }
    }
    for (const element of new Set([...this.children.keys(), ...other.children.keys()])) {
      const none = new FieldSet();
      const child = children(
        this.children.get(element) ?? none,
        other.children.get(element) ?? none,
      );
      if (!child.isEmpty) result.children.set(element, child);
    }
    return result;
  }
}
