/** Asks a person before something that is not easily undone; where there is nobody to ask, `--yes` is needed. */
import { OperationalError } from "../events/errors.ts";
import { UsageError } from "./exit_codes.ts";
import type { Voice } from "./invocation.ts";
import { printable } from "../tui/terminal_text.ts";

const TARGETS_SHOWN = 20;

/**
 * Comes back when it is to be done.
 * @param question as in `Delete these 2 instances?`
 * @throws {UsageError} when nobody can be asked; {OperationalError} `declined`
 */
export async function confirm(
  { host, printer }: Voice,
  question: string,
  targets: readonly string[],
): Promise<void> {
  if (!host.stdin.isTerminal || !host.stderr.isTerminal) {
    throw new UsageError(
      "This must be confirmed, and there is no terminal to ask on; nothing was done.",
      "Say --yes if it is meant.",
    );
  }
  for (const target of targets.slice(0, TARGETS_SHOWN)) printer.say(`  ${printable(target)}`);
  const rest = targets.length - TARGETS_SHOWN;
  if (rest > 0) printer.say(`  and ${rest} more`);
  host.stderr.write(`${question} [y/N] `);
  const answer = await host.stdin.line();
  if (/^\s*y(es)?\s*$/i.test(answer ?? "")) return;
  throw new OperationalError("declined", "Nothing was done.", false, "");
}
