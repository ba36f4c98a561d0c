/** The task from its arguments to its exit code, over whatever surroundings it is given. */
import { seedCommand } from "./failed_seed.ts";
import { runPlanFile, tellPlan } from "./one_run.ts";
import { parseOptions, USAGE } from "./options.ts";
import { runManySeeds } from "./seed_run.ts";
import { EXIT, type Surroundings } from "./surroundings.ts";

/** `deno task simulate` with these arguments. */
export async function runTask(args: readonly string[], around: Surroundings): Promise<number> {
  const asked = parseOptions(args);
  switch (asked.kind) {
    case "help":
      around.say(USAGE);
      return EXIT.held;
    case "faulty":
      around.screen.write(`${asked.faults.join("\n")}\n`);
      return EXIT.misused;
    case "run": {
      const { options } = asked;
      if (options.plan !== null) return await runPlanFile(options.plan, options, around);
      const { seeds, from, story, selection } = options;
      if (seeds > 1 || !story) return await runManySeeds(options, around);
      const plan = around.simulation.drawPlan(from, selection);
      return await tellPlan(plan, seedCommand(from, options), options, around);
    }
  }
}
