/** The transcript in docs/cli.md is what its commands say, on a control plane and a folder that are both empty. */
import { assert, assertEquals } from "@std/assert";
import { difference, pageWith, performed, stepsIn, transcriptPage } from "./support/transcript.ts";

Deno.test("each command of the transcript says what the page tells, but for ids and times", async () => {
  const page = transcriptPage();
  const steps = stepsIn(page);
  assert(steps.length > 5);
  assertEquals(pageWith(page, steps), page, "the page is read whole");
  const said = await performed(steps);
  const differences = steps.flatMap(({ command, output }, at) => {
    const found = difference(output, said[at]!);
    return found === null ? [] : [`$ ${command[0]}\n${found}`];
  });
  // `deno run --allow-all tests/e2e/support/transcript.ts` writes the page anew.
  assertEquals(differences, []);
});
