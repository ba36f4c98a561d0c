/** Runs one plan, or one seed whose story is wanted, and tells what comes of it. */
import type { Plan } from "../plan.ts";
import { FOLDER, type Options } from "./options.ts";
import { planFrom } from "./plan_file.ts";
import { runGuarded } from "./seed_report.ts";
import { storyLine } from "./step_words.ts";
import { storyOf } from "./story.ts";
import { EXIT, type Surroundings } from "./surroundings.ts";

/** Runs the plan in a file; the exit code. */
export async function runPlanFile(
  path: string,
  options: Options,
  around: Surroundings,
): Promise<number> {
  const text = around.files.read(path);
  const plan = text === null ? { wrong: ["there is no such file"] } : planFrom(text);
  if (!("wrong" in plan)) {
    return await tellPlan(plan, `deno task simulate --plan ${path}`, options, around);
  }
  around.screen.write(`${path} is not a plan:\n${plan.wrong.map((one) => `  ${one}\n`).join("")}`);
  return EXIT.misused;
}

/** Runs a plan once and tells its story, whether all held or not; the exit code. */
export async function tellPlan(
  plan: Plan,
  command: string,
  { story, json }: Options,
  { simulation, files, say }: Surroundings,
): Promise<number> {
  const result = await runGuarded(simulation.runPlan, plan);
  const { violation, digest, requests, faults, events, coverage } = result;
  const exitCode = violation === null ? EXIT.held : EXIT.broken;
  if (json) {
    const counts = { requests, faults, events, coverage: [...coverage].sort() };
    const lines = story ? { story: result.story } : {};
    say(JSON.stringify({ seed: plan.seed, violation, digest, ...counts, ...lines, exitCode }));
    return exitCode;
  }
  const storyFile = `${FOLDER}/seed_${plan.seed}.txt`;
  files.write(storyFile, `${result.story.map(storyLine).join("\n")}\n`);
  const telling = { plan, result, stepsBefore: null, isWhole: story, storyFile, command };
  say(storyOf(telling).join("\n"));
  return exitCode;
}
