/** What a daemon answers with instead of doing something, as errors of ours. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { WayFailure } from "./docker_way.ts";

/** The status of an answer; null where there was none. */
export function statusOf(error: unknown): number | null {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number"
    ? error.statusCode
    : null;
}

/** The daemon's own words, without what the client library puts around them. */
export function wordsOf(error: unknown): string {
  const said = error instanceof Error && "json" in error ? error.json : null;
  return said !== null && typeof said === "object" && "message" in said
    ? String(said.message)
    : reasonOf(error).replace(/^\(HTTP code \d+\) [a-z ]* - /, "").trim();
}

const SPEAKS_TLS = /HTTP request to an HTTPS server/;

/** `docker_unreachable` where nobody answered, else `docker_refused`. */
export function engineError(error: unknown, address: string): OperationalError {
  if (error instanceof OperationalError) return error;
  const status = statusOf(error);
  const words = wordsOf(error);
  return status === null
    ? new OperationalError(
      "docker_unreachable",
      `the Docker daemon at ${address} does not answer (${reasonOf(error)})`,
      true,
      "Start it, or set DOCKER_HOST; the worker's user needs access to its socket (group docker).",
      { cause: error },
    )
    : new OperationalError(
      "docker_refused",
      `the Docker daemon refused: ${words}`,
      status >= 500,
      SPEAKS_TLS.test(words)
        ? "It speaks TLS: set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem."
        : "Its own log says more.",
      { cause: error },
    );
}

/** `docker_unreachable` by the way's own words; null where the daemon has answered, or hangs. */
export function wayError(
  error: unknown,
  address: string,
  { words, hint }: WayFailure,
): OperationalError | null {
  if (error instanceof OperationalError || statusOf(error) !== null) return null;
  return new OperationalError(
    "docker_unreachable",
    `the Docker daemon at ${address} does not answer (${words})`,
    true,
    hint,
    { cause: error },
  );
}

/** A daemon that takes a call and says nothing to it. */
export function silentError(address: string, within: string): OperationalError {
  return new OperationalError(
    "docker_unreachable",
    `the Docker daemon at ${address} does not answer within ${within}`,
    true,
    "It hangs, or is very busy: its own log may say with what; else restart it.",
  );
}

/** The same pull would fail again. */
const NEVER_THERE = /not found|no such|does not exist|denied|unauthorized|invalid reference/i;

/**
 * Why an image could not be brought.
 * @param loginProblem why the registry may have been asked as nobody; null: it was not for that
 */
export function pullError(
  image: string,
  error: unknown,
  loginProblem: string | null = null,
): OperationalError {
  const words = wordsOf(error);
  return new OperationalError(
    "image_unavailable",
    `The image ${image} is not on the daemon, and could not be brought there: ${words}${
      loginProblem === null ? "" : ` (${loginProblem})`
    }`,
    !NEVER_THERE.test(words) || loginProblem !== null,
    "Check its name and the registry, and that the daemon may pull it.",
    { cause: error },
  );
}
