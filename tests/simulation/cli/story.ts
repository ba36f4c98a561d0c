/** A plan that broke an invariant as a person reads it: the world, the steps, what happened, what broke, how to repeat it. */
import type { Plan } from "../plan.ts";
import type { RunResult } from "../run_result.ts";
import { shapeSentence, stepLines, storyLine } from "./step_words.ts";

/** What happened is shown from so many lines before its end. */
export const STORY_LINES_MAX = 60;
/** More steps than these tell nothing: a plan that was not shrunk has hundreds. */
const STEP_LINES_MAX = 40;

export interface Telling {
  plan: Plan;
  result: RunResult;
  /** How many steps the plan had before it was shrunk; null: it was not. */
  stepsBefore: number | null;
  /** All lines rather than the last ones. */
  isWhole: boolean;
  /** The file with all lines; null: there is none. */
  storyFile: string | null;
  /** The command that runs this again. */
  command: string;
}

/** The lines of the story. */
export function storyOf(telling: Telling): string[] {
  const { plan, result, stepsBefore, command } = telling;
  const { violation } = result;
  const size = stepsBefore === null ? "" : `, shrunk from ${stepsBefore}`;
  const steps = plan.steps.length === 1 ? "1 step" : `${plan.steps.length} steps`;
  return [
    violation === null
      ? `Seed ${plan.seed}: every invariant holds.`
      : `Seed ${plan.seed} breaks: ${violation.invariant}`,
    "",
    "The world",
    `  ${shapeSentence(plan.shape)}`,
    "",
    `What is done (${steps}${size})`,
    ...indented(shortened(stepLines(plan), telling)),
    "",
    "What happens",
    ...indented(lastOf(result.story.map(storyLine), telling)),
    "",
    ...(violation === null
      ? []
      : ["What broke", ...indented([violation.invariant, ...violation.found.split("\n")]), ""]),
    "Again",
    `  ${command}`,
  ];
}

function shortened(lines: readonly string[], { isWhole }: Telling): readonly string[] {
  const more = lines.length - STEP_LINES_MAX;
  if (isWhole || more <= 0) return lines;
  return [...lines.slice(0, STEP_LINES_MAX), `… and ${more} more (--story shows all)`];
}

function lastOf(lines: readonly string[], { isWhole, storyFile }: Telling): readonly string[] {
  const more = lines.length - STORY_LINES_MAX;
  if (isWhole || more <= 0) return lines;
  const where = storyFile === null ? "--story shows all" : `all in ${storyFile}`;
  return [`… ${more} lines before (${where})`, ...lines.slice(-STORY_LINES_MAX)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
