/** Programs of this host that the docker worker runs for itself: `ssh`, and what keeps the passwords of registries. */
import { reasonOf } from "../../events/errors.ts";
import { withoutColours } from "../../events/server_output.ts";

/** Ends it, if it is still there. */
export function endTool(
  child: Deno.ChildProcess,
  signal: "SIGTERM" | "SIGKILL" = "SIGTERM",
): void {
  try {
    child.kill(signal);
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Why a program could not be run. */
export function toolProblem(name: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return `${name} is not on the PATH`;
  // Deno looks its allowed programs up when it begins: one that was not there then is not allowed.
  if (error instanceof Deno.errors.NotCapable) {
    return `${name} may not be run: it was not on the PATH when the worker began, or is not in the --allow-run of its task`;
  }
  return `${name} could not be run (${reasonOf(error)})`;
}

/** All that a program prints, as text without control characters; of more than `charactersMax` the end. */
export async function printedText(
  stream: ReadableStream<Uint8Array>,
  charactersMax: number,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const bytes of stream) {
      text = (text + decoder.decode(bytes, { stream: true })).slice(-charactersMax);
    }
  } catch {
    // It was ended: what it has said until then is all.
  }
  return text;
}

/** The last line that says something; empty where none does. */
export function lastLineOf(printed: string): string {
  return withoutColours(printed).split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}/gu, " ").trim())
    .findLast((line) => line !== "") ?? "";
}
