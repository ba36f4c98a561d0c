/**
 * Patterns over a line of text that are matched in time proportional to the line, whatever they are: a user's pattern
 * must not be able to hold up a worker, as a backtracking regular expression can.
 */

/** The most that a pattern may have, in characters. */
export const PATTERN_CHARACTERS_MAX = 200;
/** Of a longer line only the beginning is looked at. */
const LINE_CHARACTERS_MAX = 4_096;

interface Atom {
  /** Whether one character fits; remembered, since lines are made of few. */
  fits(character: string): boolean;
  isOptional: boolean;
  repeats: boolean;
}

/** A pattern that can be asked. */
export interface LinePattern {
  matches(line: string): boolean;
}

const ATOM =
  /^(?:\\[dDwWsS]|\\[^A-Za-z0-9]|\[(?:\\[^A-Za-z0-9]|\\[dDwWsS]|[^\]\\])+\]|[^\\[\](){}|*+?^$])/u;

/**
 * The pattern that `text` stands for, or what is wrong with it. It is what regular expressions have in common, without
 * groups and alternatives: characters, `.`, `[a-z]`, `\d \w \s`, each perhaps with `* + ?`, and `^` and `$` at the ends.
 */
export function parseLinePattern(text: string): LinePattern | { fault: string } {
  if (text === "" || text.length > PATTERN_CHARACTERS_MAX) {
    return { fault: `must have 1 to ${PATTERN_CHARACTERS_MAX} characters` };
  }
  const isAnchored = text.startsWith("^");
  const toTheEnd = /(^|[^\\])(\\\\)*\$$/.test(text);
  const atoms: Atom[] = [];
  for (let rest = text.slice(isAnchored ? 1 : 0, toTheEnd ? -1 : undefined); rest !== "";) {
    const source = ATOM.exec(rest)?.[0];
    const fits = source === undefined ? null : oneOf(source);
    if (source === undefined || fits === null) {
      return {
        fault:
          `is not understood at "${rest.slice(0, 10)}": use characters, ., [a-z], \\d, \\w, \\s, ` +
          "each perhaps with *, + or ?, and ^ or $ at the ends; put \\ before any other sign",
      };
    }
    const sign = rest[source.length] ?? "";
    const isSign = sign !== "" && "*+?".includes(sign);
    atoms.push({
      fits,
      isOptional: isSign && sign !== "+",
      repeats: isSign && sign !== "?",
    });
    rest = rest.slice(source.length + (isSign ? 1 : 0));
  }
  return { matches: (line) => matches(atoms, isAnchored, toTheEnd, line) };
}

/** A test for one character; null for a class that makes no sense, such as `[z-a]`. */
function oneOf(source: string): ((character: string) => boolean) | null {
  let tested: RegExp;
  try {
    tested = new RegExp(`^(?:${source})$`, "su");
  } catch {
    return null;
  }
  const known = new Map<string, boolean>();
  return (character) => {
    const found = known.get(character) ?? tested.test(character);
    if (known.size < 256) known.set(character, found);
    return found;
  };
}

/** All ways are gone at once: `places` are the atoms before which one of them stands. */
function matches(
  atoms: readonly Atom[],
  isAnchored: boolean,
  toTheEnd: boolean,
  line: string,
): boolean {
  let places = standing(atoms, [0]);
  for (const character of line.slice(0, LINE_CHARACTERS_MAX)) {
    if (!toTheEnd && places.has(atoms.length)) return true;
    const next: number[] = isAnchored ? [] : [0];
    for (const place of places) {
      const atom = atoms[place];
      if (atom?.fits(character)) next.push(place + 1, ...(atom.repeats ? [place] : []));
    }
    places = standing(atoms, next);
  }
  return places.has(atoms.length);
}

/** With what may be left out left out. */
function standing(atoms: readonly Atom[], from: readonly number[]): Set<number> {
  const places = new Set<number>();
  for (let place of from) {
    while (!places.has(place)) {
      places.add(place);
      if (!atoms[place]?.isOptional) break;
      place++;
    }
  }
  return places;
}
