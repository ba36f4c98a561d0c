/** The one form of a launch plan that holds secrets: for what is written and spawned, and for nothing else. */
import { withSecrets } from "../../events/secret_reference.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";

/** The plan with the values in the places of their references: its environment and the JSON of its files. */
export function revealed(plan: LaunchPlan, values: ReadonlyMap<string, string>): LaunchPlan {
  if (values.size === 0) return plan;
  const valueOf = (name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`a secret that was not read: ${name}`);
    return value;
  };
  const inJson = (name: string) => JSON.stringify(valueOf(name)).slice(1, -1);
  const env = Object.entries(plan.env).map(([name, text]) => [name, withSecrets(text, valueOf)]);
  return {
    ...plan,
    env: Object.fromEntries(env),
    files: plan.files.map((file) => ({ ...file, content: withSecrets(file.content, inJson) })),
  };
}
