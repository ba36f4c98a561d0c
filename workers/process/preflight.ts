/** What has to hold on the host before anything is spawned: program, folder, port. */
import type { Failure } from "../platform.ts";

/** Where a server listens that does not say where. */
export const LOOPBACK = "127.0.0.1";

/**
 * The absolute path of a program: as a shell finds it, but checked before the spawn, so that the
 * failure has a name. A path with a slash counts from `workingDirectory`.
 */
export async function findProgram(
  program: string,
  searchPath: string,
  workingDirectory: string,
): Promise<{ path: string } | Failure> {
  const hasSlash = program.includes("/");
  const places = hasSlash
    ? [program.startsWith("/") ? program : `${workingDirectory}/${program}`]
    : searchPath.split(":").filter((place) => place !== "").map((place) => `${place}/${program}`);
  let refused: string | null = null;
  for (const path of places) {
    const stat = await statOrNull(path);
    if (stat === null) continue;
    if (stat.isFile && ((stat.mode ?? 0) & 0o111) !== 0) return { path };
    refused ??= path;
  }
  if (refused !== null) {
    return {
      code: "binary_not_executable",
      message: `${refused} cannot be run: it is not an executable file. Try: chmod +x ${refused}`,
      retryable: false,
    };
  }
  const where = hasSlash ? `${places[0]} does not exist` : `${program} is not on the PATH`;
  return {
    code: "binary_missing",
    message: `The program ${where} of this worker's host. Install it, or give its absolute path.`,
    retryable: false,
  };
}

/** The failure for a working directory that is not there; null if it is. */
export async function workingDirectoryFailure(path: string): Promise<Failure | null> {
  const stat = await statOrNull(path);
  if (stat?.isDirectory) return null;
  return {
    code: "configuration_invalid",
    message: `Configuration is invalid: workingDirectory: ${path} ` +
      (stat ? "is not a folder" : "does not exist on this worker's host"),
    retryable: false,
  };
}

/**
 * The failure for a port that cannot be listened on; null if it can. Found out before the spawn,
 * since a stranger on the port would answer probes, and servers name the port badly or not at all.
 */
export function portFailure(host: string, port: number): Failure | null {
  try {
    Deno.listen({ hostname: host, port }).close();
    return null;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return portTaken(host, port, null);
    if (error instanceof Deno.errors.AddrNotAvailable) {
      return {
        code: "configuration_invalid",
        message: `Configuration is invalid: host: ${host} is not an address of this worker's host`,
        retryable: false,
      };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return {
        code: "port_forbidden",
        message: `The host does not let this user listen on port ${port}. Choose one above 1023.`,
        retryable: false,
      };
    }
    throw error;
  }
}

/** The failure for a port that somebody has: `holder` in words, null where that is not known. */
export function portTaken(host: string, port: number, holder: string | null): Failure {
  return {
    code: "port_in_use",
    message: `Port ${port} on ${host} is in use by ${holder ?? "another process"}. ` +
      "Stop that one, or choose another port.",
    retryable: true,
  };
}

async function statOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied
    ) return null;
    throw error;
  }
}
