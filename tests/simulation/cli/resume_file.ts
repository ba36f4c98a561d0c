/** A small file that keeps what was run, so that a hundred thousand seeds can be run in pieces. */
import { mergedRanges, type SeedRange } from "./seed_ranges.ts";
import type { Selection } from "./seed_report.ts";
import { NO_TOTALS, type Totals } from "./tally.ts";

interface Kept extends Totals {
  /** The digest of all that runs in a seed: seeds of other code prove nothing of this one. */
  source: string;
  /** Seeds come to something else under another selection. */
  selection: Selection;
}

/** What a file gives to go on from. */
export type Resumed =
  | { kind: "resumed"; totals: Totals }
  /** `why`: a sentence for people. */
  | { kind: "anew"; totals: Totals; why: string }
  | { kind: "refused"; why: string };

/** Reads the text of a file; `text` is null where there is none yet. */
export function resumeFrom(text: string | null, source: string, selection: Selection): Resumed {
  if (text === null) return { kind: "anew", totals: NO_TOTALS, why: "the file is new" };
  const kept = keptIn(text);
  if (kept === null) return { kind: "refused", why: "it is not a file of seeds that were run" };
  if (!isSame(kept.selection, selection)) {
    const others = selectionText(kept.selection);
    return { kind: "refused", why: `its seeds were run with ${others}; take another file` };
  }
  if (kept.source !== source) {
    const why = "the code has changed since its seeds were run, so they count no more";
    return { kind: "anew", totals: NO_TOTALS, why };
  }
  const { done, requests, faults, events, seconds, coverage } = kept;
  return {
    kind: "resumed",
    totals: { done: mergedRanges(done), requests, faults, events, seconds, coverage },
  };
}

/** The text of a file that `resumeFrom` reads. */
export function resumeText(totals: Totals, source: string, selection: Selection): string {
  const kept: Kept = { source, selection, ...totals, seconds: Math.round(totals.seconds) };
  return `${JSON.stringify(kept)}\n`;
}

function keptIn(text: string): Kept | null {
  let kept: Partial<Kept> | null;
  try {
    kept = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof kept !== "object" || kept === null) return null;
  const { source, selection, done, coverage } = kept;
  const sums = [kept.requests, kept.faults, kept.events, kept.seconds];
  const isWhole = typeof source === "string" && typeof selection === "object" &&
    selection !== null && Array.isArray(done) && done.every(isRange) &&
    Array.isArray(coverage) && sums.every((sum) => typeof sum === "number" && sum >= 0);
  return isWhole ? kept as Kept : null;
}

function isRange(range: unknown): range is SeedRange {
  return Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger) &&
    range[0] <= range[1];
}

function isSame(a: Selection, b: Selection): boolean {
  const sorted = ({ faults }: Selection) => JSON.stringify(faults?.toSorted() ?? null);
  return a.form === b.form && sorted(a) === sorted(b);
}

/** A selection as the flags that ask for it. */
export function selectionText({ form, faults }: Selection): string {
  const flags = [
    ...(form === undefined ? [] : [`--form ${form}`]),
    ...(faults === undefined ? [] : [`--faults ${faults.join(",")}`]),
  ];
  return flags.length === 0 ? "all forms and faults" : flags.join(" ");
}
