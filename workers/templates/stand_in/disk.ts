/** What the stand-in reads and writes on disk: the configuration file and the `.env` beside it. */
import { dirname, join } from "node:path";
import { defaultConfigurationText } from "./configuration_file.ts";
import { type Environment, parseDotEnv } from "./interpolation.ts";

/** Ends the process: `message` goes to stderr after `Error: `. */
export class FatalError extends Error {
  constructor(message: string, readonly exitCode: number = 1) {
    super(message);
  }
}

/** `environment` over the `.env` beside the configuration; `warning` is for stderr. */
export function withDotEnv(
  configPath: string,
  environment: Environment,
): { environment: Environment; isLoaded: boolean; warning: string | null } {
  const path = join(dirname(configPath), ".env");
  if (!exists(path)) return { environment, isLoaded: false, warning: null };
  try {
    const { variables, fault } = parseDotEnv(Deno.readTextFileSync(path));
    return {
      environment: { ...variables, ...environment },
      isLoaded: fault === null,
      warning: fault === null ? null : `Warning: Failed to load .env file: ${fault}\n`,
    };
  } catch (error) {
    const warning = `Warning: Failed to load .env file: ${osErrorText(error)}\n`;
    return { environment, isLoaded: false, warning };
  }
}

/** Whether something is at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    // A file where a folder should be counts as absent, as with Rust's `Path::exists`.
    if (error instanceof Deno.errors.NotADirectory) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/** The configuration's text. @throws {FatalError} when it can't be read or isn't UTF-8 */
export function readConfigurationText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
  } catch (error) {
    const why = error instanceof TypeError
      ? "stream did not contain valid UTF-8"
      : osErrorText(error);
    throw new FatalError(`Failed to read config file: ${why}`);
  }
}

/** Writes the default configuration with its folders. @throws {FatalError} when it can't */
export function createDefaultConfiguration(path: string, id: string, port: number | null): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
  } catch (error) {
    throw new FatalError(osErrorText(error));
  }
  try {
    Deno.writeTextFileSync(path, defaultConfigurationText(id, port));
  } catch (error) {
    // Upstream says "read" here too.
    throw new FatalError(`Failed to read config file: ${osErrorText(error)}`);
  }
}

/** Whether `path` can be opened for append: upstream's probe for read-only mode. */
export function isWritable(path: string): boolean {
  try {
    Deno.openSync(path, { append: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** An error of the operating system in Rust's words: `Permission denied (os error 13)`. */
export function osErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^.*?\(os error \d+\)/.exec(message)?.[0] ?? message;
}
