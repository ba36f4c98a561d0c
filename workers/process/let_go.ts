/** Lets a child outlive the worker without being waited for. */

/**
 * One that has ended at this very moment needs no letting go: Deno may have closed what it knows it by before anybody is
 * told of its end, and then refuses.
 */
export function letGo(child: Pick<Deno.ChildProcess, "unref">): void {
  try {
    child.unref();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
