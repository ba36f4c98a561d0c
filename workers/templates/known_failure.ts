/** What a server's last words mean: its own messages for the causes that its owner can do something about. Pure. */
import type { Failure } from "../platform.ts";

/** One message of a program. */
export interface KnownFailure {
  /** Found in the last output; what its groups hold is put into the places `$1`, `$2` of `message`. */
  pattern: RegExp;
  code: string;
  message: string;
  retryable: boolean;
}

/** A list of many causes must not hide what to do about them. */
const CAUSE_CHARACTERS_MAX = 600;

/** The failure that the output tells of: the first that is known; null where none is. */
export function knownFailureIn(output: string, known: readonly KnownFailure[]): Failure | null {
  for (const { pattern, code, message, retryable } of known) {
    const found = pattern.exec(output);
    if (found) {
      const told = message.replace(/\$(\d)/g, (_all, group) => inOneLine(found[Number(group)]));
      return { code, message: told, retryable };
    }
  }
  return null;
}

function inOneLine(text = ""): string {
  const line = text.trim().split(/\s*\n\s*(?:- )?/).join("; ").replace(/^- /, "");
  return line.length <= CAUSE_CHARACTERS_MAX ? line : `${line.slice(0, CAUSE_CHARACTERS_MAX)} …`;
}
