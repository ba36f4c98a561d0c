/** What configurations may do with secrets: where references may stand, and which fields take nothing else. Pure. */
import type { JsonObject } from "./json.ts";
import { areReferencesSound, eachText, hasReference, isReference } from "./secret_reference.ts";

/**
 * Fields of sources, reactions and providers that hold secrets, by the last word of their name: `password`,
 * `saslPassword`, `clientSecret`, `apiKey`.
 */
const SECRET_FIELD =
  /^(.*[a-z0-9_-])?(password|passphrase|secret|token|(api|access|secret|private|account)_?key|connection_?string)$/i;
/** Parts of a drasi-server's configuration in which plugins have fields of their own. */
const PLUGIN_PARTS: readonly string[] = [
  "sources",
  "reactions",
  "identityProviders",
  "bootstrapProviders",
  "secretStore",
  "stateStore",
];

/** A text of a configuration, by its dotted path, and what it must be instead. */
interface SecretFault {
  path: string;
  message: string;
}

/** Every fault in how a configuration of `template` uses secrets. */
export function secretFaults(template: string, configuration: JsonObject): SecretFault[] {
  const faults: SecretFault[] = [];
  eachText(configuration, (text, path) => {
    const at = path.join(".");
    const [part = ""] = path;
    if (hasReference(text)) {
      const problem = referenceProblem(template, part, text);
      if (problem !== null) faults.push({ path: at, message: problem });
    } else if (isSecretField(template, path) && !isReference(text) && text !== "") {
      faults.push({
        path: at,
        message:
          "must be a reference, ${secret:NAME}, since what is written here can be read in the log",
      });
    }
  });
  return faults;
}

function referenceProblem(template: string, part: string, text: string): string | null {
  if (!areReferencesSound(text)) {
    return "must hold references of the form ${secret:NAME}: letters, digits, '.', '_' and '-'";
  }
  const isPlace = template !== "drasi-server" ? part === "env" : PLUGIN_PARTS.includes(part);
  if (isPlace) return null;
  if (part === "command") {
    return "must not hold a secret, since every user of the host can read arguments; put it into env";
  }
  return `must not hold a secret; secrets may stand in ${
    template !== "drasi-server" ? "env" : PLUGIN_PARTS.join(", ")
  }`;
}

function isSecretField(template: string, path: readonly string[]): boolean {
  return template === "drasi-server" && PLUGIN_PARTS.includes(path[0]!) &&
    SECRET_FIELD.test(path.at(-1)!);
}
