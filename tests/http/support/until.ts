/** Waits for a condition, never for a time. */

const LIMIT_MS = 5_000;
const STEP_MS = 1;

/** Resolves once `isSo` is true; fails with `what` when it is not in time. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < LIMIT_MS; waited += STEP_MS) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  throw new Error(`not in time: ${what}`);
}
