/** Which labels are meant, in the words of Kubernetes: `env=prod,tier!=web,!old,zone in (a,b)`. Pure. */
import type { Parsed } from "./specification.ts";

/** One condition of a selector. `notIn` and `absent` hold where there is no such label, as in Kubernetes. */
export type LabelRequirement =
  | { kind: "exists" | "absent"; key: string }
  | { kind: "in" | "notIn"; key: string; values: readonly string[] };

/** Conditions that all must hold. */
export type LabelSelector = readonly LabelRequirement[];

const REQUIREMENTS_MAX = 32;
const KEY = "[A-Za-z0-9][A-Za-z0-9._/-]*";
const TERM = new RegExp(
  `\\s*(?:!\\s*(?<absent>${KEY})` +
    `|(?<key>${KEY})\\s+(?<set>in|notin)\\s*\\((?<values>[^()]*)\\)` +
    `|(?<left>${KEY})\\s*(?:(?<operator>==?|!=)(?<value>[^,=][^,]*|))?)\\s*(?:,|$)`,
  "y",
);

/** The selector that a text says. */
export function parseSelector(text: string): Parsed<LabelSelector> {
  const requirements: LabelRequirement[] = [];
  const term = new RegExp(TERM);
  for (let at = 0; at < text.length || at === 0; at = term.lastIndex) {
    term.lastIndex = at;
    const found = term.exec(text);
    if (!found) {
      return fault(`is not understood from ${JSON.stringify(text.slice(at, at + 40))} on`);
    }
    requirements.push(requirementOf(found.groups as Record<string, string | undefined>));
    if (requirements.length > REQUIREMENTS_MAX) {
      return fault(`has more than ${REQUIREMENTS_MAX} conditions`);
    }
  }
  return text.trimEnd().endsWith(",")
    ? fault("ends with a comma")
    : { ok: true, value: requirements };
}

/** Whether something with these labels is meant. */
export function selects(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector.every((one) => {
    const value = Object.hasOwn(labels, one.key) ? labels[one.key] : undefined;
    switch (one.kind) {
      case "exists":
        return value !== undefined;
      case "absent":
        return value === undefined;
      case "in":
        return value !== undefined && one.values.includes(value);
      case "notIn":
        return value === undefined || !one.values.includes(value);
    }
  });
}

function requirementOf(
  { absent, key, set, values, left = "", operator, value }: Record<string, string | undefined>,
): LabelRequirement {
  if (absent !== undefined) return { kind: "absent", key: absent };
  if (key !== undefined) {
    const some = (values ?? "").split(",").map((one) => one.trim());
    return { kind: set === "in" ? "in" : "notIn", key, values: some };
  }
  return operator === undefined
    ? { kind: "exists", key: left }
    : { kind: operator === "!=" ? "notIn" : "in", key: left, values: [(value ?? "").trim()] };
}

function fault(what: string): Parsed<LabelSelector> {
  const message =
    `${what}; a label selector is such as env=prod,tier!=web,owner,!old,zone in (a,b)`;
  return { ok: false, faults: [{ path: "", message }] };
}
