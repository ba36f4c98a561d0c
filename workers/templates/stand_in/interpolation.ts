/** References to environment variables in a configuration, and the `.env` file beside it. */
import type { Json, JsonObject } from "../../../events/json.ts";

/** The variables that a run sees: its environment over the `.env` file. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A resolved value, or why there is none, in upstream's words. */
export type Resolved = { ok: true; value: Json } | { ok: false; message: string };

/** A reference to a variable, or to a secret, which server fields can't use. */
type Reference = { kind: "variable"; name: string; fallback: string | null } | {
  kind: "secret";
  name: string;
};

/**
 * The value that stands for `value`. Three forms: a plain value; a string that is as a whole
 * `${VAR}` or `${VAR:-default}`; `{kind: EnvironmentVariable | Secret, name, default?}`.
 * A set but empty variable counts as set.
 *
 * @example
 * resolveReference("${PORT:-8080}", {}); // { ok: true, value: "8080" }
 */
export function resolveReference(value: Json, environment: Environment): Resolved {
  const reference = referenceIn(value);
  if (reference === null) return { ok: true, value };
  if (reference.kind === "secret") {
    return {
      ok: false,
      message: `Not implemented: Secret resolution not yet implemented for '${reference.name}'`,
    };
  }
  const found = environment[reference.name] ?? reference.fallback;
  return found === null ? { ok: false, message: notFound(reference.name) } : {
    ok: true,
    value: found,
  };
}

/** Whether `value` has one of the two forms of a reference. */
export function isReference(value: Json): boolean {
  return referenceIn(value) !== null;
}

/** Every variable reference below `value` that has neither a value nor a default, with its path. */
export function unresolvedReferences(
  value: Json,
  path: string,
  environment: Environment,
): { path: string; name: string }[] {
  const reference = referenceIn(value);
  if (reference?.kind === "variable") {
    const isResolved = environment[reference.name] !== undefined || reference.fallback !== null;
    return isResolved ? [] : [{ path, name: reference.name }];
  }
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      unresolvedReferences(item, `${path}[${index}]`, environment)
    );
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    unresolvedReferences(inner, `${path}.${key}`, environment)
  );
}

/** The message for a variable that is not there. */
export function notFound(name: string): string {
  return `Environment variable '${name}' not found and no default provided`;
}

/**
 * The variables of a `.env` file. A line that is no assignment ends the reading, as upstream: the
 * lines before it count, and `fault` says which it was.
 */
export function parseDotEnv(
  text: string,
): { variables: Record<string, string>; fault: string | null } {
  const variables: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^\s*(?:export\s+)?([A-Za-z_][\w.]*)\s*=\s*(.*)$/.exec(line);
    const value = match && unquoted(match[2]!);
    if (!match || value === null) {
      return { variables, fault: `Error parsing line: '${line}', error at line index: 0` };
    }
    variables[match[1]!] ??= value;
  }
  return { variables, fault: null };
}

function unquoted(text: string): string | null {
  const quoted = /^(["'])(.*?)\1\s*(?:#.*)?$/.exec(text);
  if (quoted) return quoted[1] === '"' ? quoted[2]!.replaceAll("\\n", "\n") : quoted[2]!;
  if (/^["']/.test(text)) return null;
  const bare = text.replace(/\s+#.*$/, "").trim();
  return /\s/.test(bare) ? null : bare;
}

function referenceIn(value: Json): Reference | null {
  if (typeof value === "string") {
    if (!value.startsWith("${") || !value.endsWith("}")) return null;
    const inner = value.slice(2, -1);
    const cut = inner.indexOf(":-");
    return cut < 0
      ? { kind: "variable", name: inner, fallback: null }
      : { kind: "variable", name: inner.slice(0, cut), fallback: inner.slice(cut + 2) };
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  return referenceInMap(value);
}

function referenceInMap(map: JsonObject): Reference | null {
  if (typeof map.name !== "string") return null;
  if (map.kind === "Secret") return { kind: "secret", name: map.name };
  if (map.kind !== "EnvironmentVariable") return null;
  return { kind: "variable", name: map.name, fallback: scalarText(map.default) };
}

function scalarText(value: Json | undefined): string | null {
  return value === undefined || value === null || typeof value === "object" ? null : String(value);
}
