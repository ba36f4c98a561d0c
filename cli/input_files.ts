/** What a user hands over in a file or on the standard input: one object, in JSON or YAML, or any text. */
import { parse } from "yaml";
import { reasonOf } from "../events/errors.ts";
import type { JsonObject } from "../events/json.ts";
import { UsageError } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";

/**
 * The text of a file.
 * @param path `-`: the standard input
 * @throws {OperationalError} `file_unreadable`
 */
export async function readInput(host: CliHost, path: string): Promise<string> {
  return path === "-"
    ? await host.stdin.text()
    : await host.readTextFile(fromWhereItWasCalled(host, path));
}

/** @param path `-`: the standard input */
export async function readObject(host: CliHost, path: string): Promise<JsonObject> {
  const text = await readInput(host, path);
  let value: unknown;
  try {
    // YAML 1.2 holds all of JSON.
    value = parse(text);
  } catch (error) {
    throw new UsageError(
      `${path} is neither JSON nor YAML: ${reasonOf(error).split("\n")[0]}`,
      "Correct it, and call this again.",
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw new UsageError(`${path} does not hold an object.`, "docs/cli.md has an example.");
}

/** `deno task` runs in the folder of the program; the user was in another one. */
export function fromWhereItWasCalled({ environment }: CliHost, path: string): string {
  const folder = environment.INIT_CWD;
  return path.startsWith("/") || !folder ? path : `${folder}/${path}`;
}
