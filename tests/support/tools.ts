/** Tests that run a program of the host: without it they are skipped with a reason, and in CI they fail. */

/**
 * Registers a test that needs `programs` on the PATH.
 * In CI (`CI=true`) a missing one is a failure, so that no test goes unrun unseen.
 */
export function testWith(
  programs: readonly string[],
  name: string,
  run: () => Promise<void>,
): void {
  const missing = programs.filter((program) => !isOnPath(program));
  if (missing.length === 0) {
    Deno.test(name, run);
    return;
  }
  const reason = `${missing.join(" and ")} not on the PATH`;
  if (Deno.env.get("CI") === "true") {
    Deno.test(name, () => {
      throw new Error(`${reason}; .ci/run installs what the suite needs`);
    });
  } else {
    Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn: run });
  }
}

/** Whether the host has it, as a file in a folder of `PATH`. */
export function isOnPath(program: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Whether tests may become other users. */
export const isRoot: boolean = Deno.uid() === 0;

/** A test that has to be root; where it is not, its name says that it is passed over. */
export function testAsRoot(sentence: string, run: () => Promise<void>): void {
  Deno.test({
    name: `${sentence}${isRoot ? "" : " (passed over: not root)"}`,
    ignore: !isRoot,
    fn: run,
  });
}
