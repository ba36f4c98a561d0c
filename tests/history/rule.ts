/** What a rule of the checker is: a name, a sentence that says what must hold and whose promise it is, and the look. */
import type { Violation } from "../simulation/run_result.ts";

/** `holds` gives null, or what was found. */
export interface Rule<Given extends unknown[]> {
  sentence: string;
  holds: (...given: Given) => string | null;
}

/** Rules by name. */
export type Rules<Given extends unknown[]> = Readonly<Record<string, Rule<Given>>>;

/** The first rule that does not hold. */
export function firstBroken<Given extends unknown[]>(
  rules: Rules<Given>,
  ...given: Given
): Violation | null {
  for (const invariant in rules) {
    const found = rules[invariant]!.holds(...given);
    if (found !== null) return { invariant, found };
  }
  return null;
}

/** Every rule that does not hold. */
export function allBroken<Given extends unknown[]>(
  rules: Rules<Given>,
  ...given: Given
): Violation[] {
  return Object.entries(rules).flatMap(([invariant, rule]) => {
    const found = rule.holds(...given);
    return found === null ? [] : [{ invariant, found }];
  });
}
