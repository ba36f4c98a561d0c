/** The totals of the suite are true: nothing that failed or went missing is left out. */
import { assertEquals } from "@std/assert";
import { outcomeOf, sumOf, totalsLine } from "./test_report.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="2" errors="0" time="0.016">
    <testsuite name="./tests/a_test.ts" tests="4" disabled="1" errors="0" failures="2">
        <testcase name="a &lt;testsuite tests=9&gt;" classname="./tests/a_test.ts" time="0.000">
        </testcase>
    </testsuite>
    <testsuite name="./tests/b_test.ts" tests="3" disabled="0" errors="0" failures="0">
    </testsuite>
</testsuites>`;

Deno.test("a report is counted by what ended how", () => {
  assertEquals(outcomeOf(REPORT, ["tests/a_test.ts", "tests/b_test.ts"], 1), {
    passed: 4,
    failed: 2,
    skipped: 1,
    faults: [],
  });
});

Deno.test("a file that is not in the report counts as failed", () => {
  const { failed, faults } = outcomeOf(REPORT, ["tests/b_test.ts", "tests/c_test.ts"], 1);
  assertEquals([failed, faults], [
    3,
    ["tests/c_test.ts reported no test: it could not be loaded, or has none"],
  ]);
});

Deno.test("a run that ends badly without a failed test counts as one", () => {
  assertEquals(outcomeOf("", [], 139), {
    passed: 0,
    failed: 1,
    skipped: 0,
    faults: ["deno test ended with exit code 139"],
  });
});

Deno.test("totals add up to one line", () => {
  const totals = [{ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 }];
  assertEquals(totalsLine(sumOf(totals)), "11 passed, 22 failed, 33 skipped");
});
