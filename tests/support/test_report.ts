/** Reads what `deno test` says at its end, and adds runs up, so that nothing that failed goes missing. */

/** How many tests ended how. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** What one run of `deno test` came to. */
export interface Outcome extends Totals {
  /** What went wrong beyond the tests themselves; counted as one that failed. */
  fault: string | null;
}

// deno-lint-ignore no-control-regex -- colours
const STYLES = /\u001b\[[\d;]*m/g;
const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored(?: \(.*?\))?)?/gm;

/**
 * The outcome of one run. The summary counts a file that cannot be loaded as a failed test; a run
 * that broke off without a summary, or ended badly in spite of it, counts as one more.
 * @param output the end of what it printed
 */
export function outcomeOf(output: string, exitCode: number): Outcome {
  const summary = [...output.replace(STYLES, "").matchAll(SUMMARY)].at(-1);
  const [passed = 0, failed = 0, skipped = 0] = (summary ?? []).slice(1).map((text) =>
    Number(text ?? 0)
  );
  if (summary && (exitCode === 0 || failed > 0)) return { passed, failed, skipped, fault: null };
  const fault = `deno test ended with exit code ${exitCode}` + (summary ? "" : " and no summary");
  return { passed, failed: failed + 1, skipped, fault };
}

/** All of them together. */
export function sumOf(totals: readonly Totals[]): Totals {
  const sum = (key: keyof Totals) => totals.reduce((all, one) => all + one[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

/** The line that a machine reads: `12 passed, 0 failed, 1 skipped`. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
