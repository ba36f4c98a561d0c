/** The totals of the suite are true: nothing that failed or went missing is left out. */
import { assertEquals } from "@std/assert";
import { outcomeOf, sumOf, totalsLine } from "./test_report.ts";

const fault = null;
const summaries: [string, number, ReturnType<typeof outcomeOf>][] = [
  ["ok | 36 passed | 0 failed (3s)", 0, { passed: 36, failed: 0, skipped: 0, fault }],
  ["ok | 3 passed (2 steps) | 0 failed | 1 ignored (1s)", 0, {
    passed: 3,
    failed: 0,
    skipped: 1,
    fault,
  }],
  ["FAILED | 4 passed (1 step) | 2 failed (1 step) | 5 ignored (2 steps) (1m5s)", 1, {
    passed: 4,
    failed: 2,
    skipped: 5,
    fault,
  }],
  ["\u001b[0m\u001b[32mok\u001b[0m | 2 passed | 0 failed \u001b[38;5;245m(8s)\u001b[0m", 0, {
    passed: 2,
    failed: 0,
    skipped: 0,
    fault,
  }],
];
for (const [line, exitCode, expected] of summaries) {
  Deno.test(`read as it is: ${line}`, () => {
    assertEquals(outcomeOf(`one ... ok (1ms)\n\n${line}\n\nerror: x\n`, exitCode), expected);
  });
}

Deno.test("the last summary counts: a test may print one of its own", () => {
  const output = "ok | 7 passed | 0 failed (1s)\nok | 1 passed | 0 failed (1s)\n";
  assertEquals(outcomeOf(output, 0).passed, 1);
});

Deno.test("a run that breaks off counts as a failed test", () => {
  assertEquals(outcomeOf("one ... ok\n", 139), {
    passed: 0,
    failed: 1,
    skipped: 0,
    fault: "deno test ended with exit code 139 and no summary",
  });
});

Deno.test("a run that ends badly in spite of its summary counts as a failed test", () => {
  assertEquals(outcomeOf("ok | 5 passed | 0 failed (1s)", 1), {
    passed: 5,
    failed: 1,
    skipped: 0,
    fault: "deno test ended with exit code 1",
  });
});

Deno.test("totals add up to one line", () => {
  const totals = [{ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 }];
  assertEquals(totalsLine(sumOf(totals)), "11 passed, 22 failed, 33 skipped");
});
