/** What is done with a seed that did not hold: it is run again, shrunk, kept in a file and told. */
import type { Plan } from "../plan.ts";
import type { RunResult } from "../run_result.ts";
import { FOLDER, type Options } from "./options.ts";
import { planText } from "./plan_file.ts";
import { durationText, ProgressLine } from "./progress.ts";
import { selectionText } from "./resume_file.ts";
import { runGuarded, type SeedReport } from "./seed_report.ts";
import { ENDS } from "./shards.ts";
import { shrinkPlan, type ShrinkProgress } from "./shrink.ts";
import { storyLine } from "./step_words.ts";
import { storyOf } from "./story.ts";
import type { Surroundings } from "./surroundings.ts";

/** What is known of it in the end. */
export interface FailedSeed {
  seed: number;
  /** Null: it did not come to the same twice. */
  invariant: string | null;
  found: string;
  /** The shrunk plan; null where there is none. */
  planFile: string | null;
  /** Runs it again. */
  command: string;
  /** For people. */
  lines: readonly string[];
}

/** Looks into a seed for as long as the options allow. */
export async function lookInto(
  report: SeedReport,
  options: Options,
  around: Surroundings,
): Promise<FailedSeed> {
  const { seed, violation } = report;
  const command = seedCommand(seed, options);
  if (!report.isDeterministic) return indeterminate(seed, command);
  const plan = around.simulation.drawPlan(seed, options.selection);
  if (violation === null || violation.invariant === ENDS) {
    // Here, in the task's own thread, it would not end either.
    const lines = [
      `Seed ${seed} breaks: ${ENDS}`,
      `  ${violation?.found}`,
      "Again",
      `  ${command}`,
    ];
    return { seed, invariant: ENDS, found: violation?.found ?? "", planFile: null, command, lines };
  }
  const again = await runGuarded(around.simulation.runPlan, plan);
  const isSame = again.digest === report.digest &&
    again.violation?.invariant === violation.invariant;
  if (!isSame) return indeterminate(seed, command);
  if (options.shrinkSeconds === 0) {
    return told(
      { plan, result: again, stepsBefore: null, planFile: null, command },
      options,
      around,
    );
  }
  const shrunk = await shrunkIn(plan, violation.invariant, options.shrinkSeconds, around);
  const result = await runGuarded(around.simulation.runPlan, shrunk);
  const planFile = `${FOLDER}/seed_${seed}.json`;
  around.files.write(planFile, planText(shrunk));
  const shrunkCommand = `deno task simulate --plan ${planFile}`;
  const found = { plan: shrunk, result, stepsBefore: plan.steps.length, planFile };
  return told({ ...found, command: shrunkCommand }, options, around);
}

/** A seed that is not looked into: what its first run said. */
export function listed(
  { seed, violation, isDeterministic }: SeedReport,
  options: Options,
): FailedSeed {
  const command = seedCommand(seed, options);
  if (!isDeterministic || violation === null) return indeterminate(seed, command);
  return { seed, ...violation, planFile: null, command, lines: [] };
}

/** The command that runs a seed as it was drawn. */
export function seedCommand(seed: number, { selection }: Pick<Options, "selection">): string {
  const isAll = selection.form === undefined && selection.faults === undefined;
  return `deno task simulate --seeds 1 --from ${seed}${
    isAll ? "" : ` ${selectionText(selection)}`
  }`;
}

function indeterminate(seed: number, command: string): FailedSeed {
  const found = "two runs of it differ";
  return {
    seed,
    invariant: null,
    found,
    planFile: null,
    command,
    lines: [
      `Seed ${seed} is NOT DETERMINISTIC: ${found}.`,
      "Something in it reads a clock, chance, or what an earlier run left behind.",
      "Again",
      `  ${command}`,
    ],
  };
}

interface Found {
  plan: Plan;
  result: RunResult;
  stepsBefore: number | null;
  planFile: string | null;
  command: string;
}

function told(found: Found, { story }: Options, { files }: Surroundings): FailedSeed {
  const { plan: { seed }, result, planFile, command } = found;
  const storyFile = `${FOLDER}/seed_${seed}.txt`;
  files.write(storyFile, `${result.story.map(storyLine).join("\n")}\n`);
  const { invariant = null, found: what = "" } = result.violation ?? {};
  const lines = storyOf({ ...found, isWhole: story, storyFile });
  return { seed, invariant, found: what, planFile, command, lines };
}

async function shrunkIn(
  plan: Plan,
  invariant: string,
  secondsMax: number,
  { simulation, screen, isInterrupted }: Surroundings,
): Promise<Plan> {
  const beganAt = screen.now();
  const secondsGone = () => (screen.now() - beganAt) / 1_000;
  const line = new ProgressLine(screen);
  const breaks = async (candidate: Plan) => {
    const { violation } = await runGuarded(simulation.runPlan, candidate);
    return violation?.invariant === invariant;
  };
  const shrunk = await shrinkPlan(plan, breaks, {
    isOver: () => isInterrupted() || secondsGone() >= secondsMax,
    onProgress: (progress) =>
      line.show(() => shrinkLine(progress, plan.steps.length, secondsGone(), secondsMax)),
  });
  line.clear();
  return shrunk;
}

function shrinkLine(
  { stage, plan, runs }: ShrinkProgress,
  stepsBefore: number,
  seconds: number,
  secondsMax: number,
): string {
  return `shrinking seed ${plan.seed}: ${stepsBefore} → ${plan.steps.length} steps · ${stage} · ` +
    `${runs} runs · ${durationText(seconds)} of ${durationText(secondsMax)}`;
}
