/** Reads the report that `deno test --junit-path` writes, and adds reports up, so that no test file goes missing unseen. */

/** How many tests ended how. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** What one run of `deno test` came to. */
export interface Outcome extends Totals {
  /** What went wrong beyond the tests themselves. */
  faults: string[];
}

/**
 * The outcome of one run over `files`. A file that cannot even be loaded is not in the report: it
 * counts as a failed test, and so does a run that ended badly without naming one.
 * @param report the JUnit XML; empty when none was written
 */
export function outcomeOf(report: string, files: readonly string[], exitCode: number): Outcome {
  const outcome: Outcome = { passed: 0, failed: 0, skipped: 0, faults: [] };
  const reported = new Set<string>();
  for (const [, attributes = ""] of report.matchAll(/<testsuite\s([^>]*)>/g)) {
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "";
    const count = (key: string) =>
      Number(new RegExp(`\\b${key}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    reported.add(name.replace(/^\.\//, ""));
    outcome.failed += failed;
    outcome.skipped += count("disabled");
    outcome.passed += count("tests") - failed - count("disabled");
  }
  for (const file of files) {
    if (reported.has(file)) continue;
    outcome.failed++;
    outcome.faults.push(`${file} reported no test: it could not be loaded, or has none`);
  }
  if (exitCode !== 0 && outcome.failed === 0) {
    outcome.failed++;
    outcome.faults.push(`deno test ended with exit code ${exitCode}`);
  }
  return outcome;
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
