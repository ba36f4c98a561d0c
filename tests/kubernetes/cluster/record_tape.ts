/**
 * Records `conformance_tape.json` from a real API server whose StatefulSet controller is off:
 * `deno task kubernetes:tape KUBECONFIG`.
 */
import { readKubeconfig } from "./kubeconfig.ts";
import { playGroup } from "./tape.ts";
import { TAPE_STEPS } from "./tape_steps.ts";

const [path] = Deno.args;
if (path === undefined) throw new Error("say the path of the kubeconfig of a real cluster");
const address = await readKubeconfig(path);
const groups: string[] = [];
for (const [group, steps] of Object.entries(TAPE_STEPS)) {
  const answers = await playGroup(address, group, steps);
  const lines = answers.map((answer) => JSON.stringify(answer));
  groups.push(`${JSON.stringify(group)}: [\n${lines.join(",\n")}\n]`);
}
const file = new URL("../conformance_tape.json", import.meta.url);
await Deno.writeTextFile(file, `{\n${groups.join(",\n")}\n}\n`);
