/** Why a container could not be started, in words that say what to do. Pure. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { durationText } from "../exit_description.ts";
import type { Failure, StartOutcome, StartSpec } from "../platform.ts";
import { failed, final } from "../start_outcomes.ts";
import { endedTooSoon, type KnownEnds } from "../templates/ended_too_soon.ts";
import type { Run } from "./run_info.ts";

export function lockedBy({ state }: Run): Failure {
  return {
    code: "locked",
    message: `The instance is in use on this daemon by container ${state.id.slice(0, 12)}. ` +
      "Stop it first.",
    retryable: true,
  };
}

/** Somebody has a container of the instance's name that says nothing of us. */
export function nameTaken(name: string): Failure {
  return {
    code: "locked",
    message: `The daemon has a container named ${name} that is not of this fleet. ` +
      `Look at it, and remove it: docker rm ${name}`,
    retryable: true,
  };
}

/** The daemon has pulled an image, and has none of its name all the same. */
export function imageGone(image: string): Failure {
  return {
    code: "image_unavailable",
    message: `The image ${image} was pulled, and the daemon has none of that name: somebody ` +
      "removed it at once, or it is for another kind of machine.",
    retryable: true,
  };
}

export function tooLate(spec: StartSpec): Failure {
  return {
    code: "spawn_too_late",
    message: `The container was not started within ${durationText(spec.spawnWithinMs)}: its ` +
      "image had to be brought here first, or the daemon was slow. Start it again.",
    retryable: true,
  };
}

/** The init process that a daemon puts first says so where it cannot become the program; a server may say the like. */
const NO_PROGRAM =
  /^\[FATAL tini \(\d+\)\] exec (.+) failed: (?:No such file or directory|Permission denied)$/m;

export function exitedAtOnce(info: RuntimeInfo, known: KnownEnds): StartOutcome {
  const [, program] = NO_PROGRAM.exec(info.logTail ?? "") ?? [];
  if (program) {
    return failed(
      final(
        "binary_missing",
        `The image has no program ${program} that can be run: see \`command\`.`,
      ),
      info,
    );
  }
  return endedTooSoon(info, known);
}

interface KnownRefusal {
  pattern: RegExp;
  code: string;
  isRetryable: boolean;
  hint: string;
}

/** What the daemon says, and what it means. Messages of dockerd and runc, all releases from 20.10 to 28. */
const KNOWN: readonly KnownRefusal[] = [
  {
    pattern: /port is already allocated|address already in use/i,
    code: "port_in_use",
    isRetryable: true,
    hint: "Name another port, or none: then a free one is taken.",
  },
  {
    pattern: /executable file not found|no such file or directory: unknown/i,
    code: "binary_missing",
    isRetryable: false,
    hint: "The image has no such program: see `command`.",
  },
  {
    pattern: /permission denied: unknown/i,
    code: "binary_not_executable",
    isRetryable: false,
    hint: "The program in the image cannot be run by its user.",
  },
  {
    pattern: /unable to find user|no matching entries in passwd/i,
    code: "user_unknown",
    isRetryable: false,
    hint: "The image has no such user: see `user`.",
  },
  {
    pattern: /no space left on device/i,
    code: "disk_full",
    isRetryable: true,
    hint: "Make room on the daemon's disk: `docker system df` tells what takes it.",
  },
];

/** What the refusal of a start means; the daemon's own words come first. */
export function engineRefusal(words: string): Failure {
  const known = KNOWN.find(({ pattern }) => pattern.test(words));
  return {
    code: known?.code ?? "docker_refused",
    message: known ? `${words}. ${known.hint}` : words,
    retryable: known?.isRetryable ?? false,
  };
}
