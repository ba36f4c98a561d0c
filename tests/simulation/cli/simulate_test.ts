/** The task as users start it: its threads, its permissions, and the same seeds whatever runs them. */
import { assert, assertEquals } from "@std/assert";

Deno.test("the task runs seeds on threads with the permissions it has, and they come to the same on each number of them", async () => {
  const [one, two] = [await simulate("--jobs", "1"), await simulate("--jobs", "2")];
  assert(one.summary.ever.events > 0 && one.summary.ever.requests > 0, one.text);
  assert(!one.text.includes("NotCapable"), one.text);
  const { seconds: _, ...sums } = one.summary.ever;
  const { seconds: __, ...sumsOfTwo } = two.summary.ever;
  assertEquals(sumsOfTwo, sums);
  assertEquals(two.summary.coverage, one.summary.coverage);
  assertEquals(two.summary.failures, one.summary.failures);
});

/** Whether the invariants hold is for other tests: here it is about what runs them. */
async function simulate(...flags: string[]) {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "task",
      "--quiet",
      "simulate",
      "--seeds=4",
      "--keep-going",
      "--shrink-seconds=0",
      ...flags,
    ]
      .concat("--json"),
    cwd: new URL("../../../", import.meta.url),
    env: { PATH: `${new URL(".", `file://${Deno.execPath()}`).pathname}:/usr/bin:/bin` },
  }).output();
  const [text, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert(text!.startsWith("{"), `no summary: ${errors}`);
  return { text: text!, summary: JSON.parse(text!) };
}
