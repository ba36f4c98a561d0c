/** How `worker:doctor` says what it found. Pure. */
import type { Finding } from "../workers/process/host_findings.ts";

const COLOURS: Readonly<Record<Finding["outcome"], number>> = { ok: 32, warn: 33, fail: 31 };
const INDENT = " ".repeat(6);

/** A line for each finding, what to do on the next, and what it comes to at the end. */
export function diagnosisText(findings: readonly Finding[], isColoured: boolean): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, outcome, saw, advice }) => [
    `${mark(outcome, isColoured)}  ${check.padEnd(width)}  ${indented(saw, width)}`,
    ...(advice === undefined ? [] : [`${INDENT}${" ".repeat(width)}  ${advice}`]),
  ]);
  return [...lines, verdict(findings)].join("\n");
}

function mark(outcome: Finding["outcome"], isColoured: boolean): string {
  const word = outcome.padEnd(4);
  return isColoured ? `\x1b[${COLOURS[outcome]}m${word}\x1b[0m` : word;
}

function indented(text: string, width: number): string {
  return text.split("\n").join(`\n${INDENT}${" ".repeat(width)}  `);
}

function verdict(findings: readonly Finding[]): string {
  const count = (outcome: Finding["outcome"]) =>
    findings.filter((one) => one.outcome === outcome).length;
  const [failed, warned] = [count("fail"), count("warn")];
  if (failed > 0) {
    return `A worker cannot do its work here: ${failed} in the way, ${warned} to think about.`;
  }
  return warned > 0
    ? `A worker can work here; ${warned} to think about.`
    : "A worker can work here.";
}
