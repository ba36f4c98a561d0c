/** What `deno task simulate` is asked for on the command line; all that is wrong with it is told at once. */
import { FAULT_KINDS, type FaultKind, type Shape } from "../plan.ts";
import type { Selection } from "./seed_report.ts";
import { wrappedNames } from "./wrapped_names.ts";

/** The only folder that the task may write to. */
export const FOLDER = ".draas/simulation";

export const USAGE = `deno task simulate [--seeds N] [--from S] [--seconds T] [--faults A,B,...]
                   [--form redis|embedded] [--jobs J] [--resume FILE] [--keep-going]
                   [--shrink-seconds T] [--story] [--json]
deno task simulate --plan FILE [--story] [--json]

Runs the whole system on virtual time, a seed at a time: its size, its faults and what its users
ask are drawn from the seed. After the first seed that breaks an invariant its plan is shrunk and
told as a story, with the command that repeats it.

  --seeds N            how many seeds (1000; with --seconds alone: as many as there is time for)
  --from S             the first of them (1); with --resume those that were run are passed over
  --seconds T          begins no further seed after so much real time
  --faults A,B,...     only these faults, in every seed
  --form F             redis: nodes and workers over Redis; embedded: one process (each seed draws)
  --jobs J             seeds at once (the number of cores)
  --resume FILE        keeps what was run in FILE, so that many seeds can be run in pieces; begins
                       anew when the code has changed
  --keep-going         goes on after a seed that fails, and lists all that did
  --plan FILE          runs a plan from a file, such as one that was shrunk
  --shrink-seconds T   how long to look for a smaller plan (60; 0: not at all)
  --story              the whole story: of a seed that failed, of a plan, of a single seed
  --json               one JSON object instead of text, on the standard output
  --help               this text

FILE is a name in ${FOLDER}/, the only folder that is written to.

Faults: ${wrappedNames(FAULT_KINDS, 8)}

Exit code 0: every invariant held. 1: one did not, a seed did not come to the same twice, or 200
seeds and more never reached what they must. 2: what was asked for cannot be done. 130: ended by
Ctrl-C.`;

export interface Options {
  /** Infinity: as many as there is time for. */
  seeds: number;
  from: number;
  /** Infinity: no limit. */
  seconds: number;
  selection: Selection;
  /** Null: as many as there are cores. */
  jobs: number | null;
  /** Paths from the folder that the task runs in. */
  resume: string | null;
  plan: string | null;
  keepGoing: boolean;
  shrinkSeconds: number;
  story: boolean;
  json: boolean;
}

export type Asked =
  | { kind: "run"; options: Options }
  | { kind: "help" }
  | { kind: "faulty"; faults: readonly string[] };

/** Flags that are there or not. */
export const SWITCHES = ["--keep-going", "--story", "--json", "--help"];
/** A plan is what a seed comes to: nothing is left to draw. */
const NOT_WITH_PLAN = [
  "--seeds",
  "--from",
  "--seconds",
  "--faults",
  "--form",
  "--jobs",
  "--resume",
];
/** Flags with a value. */
export const VALUES = [...NOT_WITH_PLAN, "--plan", "--shrink-seconds"];

/** Reads the arguments; `--flag value` and `--flag=value` are the same. */
export function parseOptions(args: readonly string[]): Asked {
  const faults: string[] = [];
  const given = flagsOf(args, faults);
  if (given.has("--help")) return { kind: "help" };
  const number = (flag: string, otherwise: number, least: number) => {
    const text = given.get(flag);
    if (text === undefined) return otherwise;
    const value = Number(text.replaceAll("_", ""));
    if (/^[\d_]+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    faults.push(`${flag} must be a whole number from ${least} on, not "${text}"`);
    return otherwise;
  };
  const seconds = number("--seconds", Infinity, 1);
  const options: Options = {
    seeds: number("--seeds", seconds === Infinity ? 1_000 : Infinity, 1),
    from: number("--from", 1, 0),
    seconds,
    selection: selectionOf(given, faults),
    jobs: given.has("--jobs") ? number("--jobs", 1, 1) : null,
    resume: pathOf("--resume", given, faults),
    plan: pathOf("--plan", given, faults),
    keepGoing: given.has("--keep-going"),
    shrinkSeconds: number("--shrink-seconds", 60, 0),
    story: given.has("--story"),
    json: given.has("--json"),
  };
  if (given.has("--plan")) {
    for (const flag of NOT_WITH_PLAN.filter((one) => given.has(one))) {
      faults.push(`${flag} says nothing beside --plan: the plan has it all`);
    }
  }
  return faults.length > 0 ? { kind: "faulty", faults } : { kind: "run", options };
}

function flagsOf(args: readonly string[], faults: string[]): Map<string, string> {
  const given = new Map<string, string>();
  const rest = args.flatMap((arg) => /^--[\w-]+=/.test(arg) ? splitOnce(arg) : [arg]);
  for (let i = 0; i < rest.length; i++) {
    const flag = rest[i]!;
    if (given.has(flag)) faults.push(`${flag} is given twice`);
    if (SWITCHES.includes(flag)) given.set(flag, "");
    else if (!VALUES.includes(flag)) faults.push(`${flag} is not known; see --help`);
    else if (rest[i + 1] === undefined || rest[i + 1]!.startsWith("--")) {
      faults.push(`${flag} needs a value`);
      given.set(flag, "1");
    } else given.set(flag, rest[++i]!);
  }
  return given;
}

function splitOnce(arg: string): string[] {
  const at = arg.indexOf("=");
  return [arg.slice(0, at), arg.slice(at + 1)];
}

function selectionOf(given: ReadonlyMap<string, string>, faults: string[]): Selection {
  const form = given.get("--form");
  if (form !== undefined && form !== "redis" && form !== "embedded") {
    faults.push(`--form must be redis or embedded, not "${form}"`);
  }
  const kinds = given.get("--faults")?.split(",").filter((kind) => kind !== "");
  const known: readonly string[] = FAULT_KINDS;
  const strange = kinds?.filter((kind) => !known.includes(kind)) ?? [];
  if (strange.length > 0) {
    faults.push(`--faults does not know ${strange.join(", ")}; there are ${known.join(", ")}`);
  }
  if (kinds?.length === 0) faults.push("--faults names none");
  return {
    ...(form === undefined ? {} : { form: form as Shape["form"] }),
    ...(kinds === undefined ? {} : { faults: kinds as FaultKind[] }),
  };
}

/** A bare name is one in the folder; a path must lead into it, since nothing else may be written. */
function pathOf(flag: string, given: ReadonlyMap<string, string>, faults: string[]): string | null {
  const text = given.get(flag);
  if (text === undefined) return null;
  if (!text.includes("/")) return `${FOLDER}/${text}`;
  const path = text.replace(/^\.\//, "");
  const mustBeOurs = flag === "--resume";
  if (mustBeOurs && (!path.startsWith(`${FOLDER}/`) || path.split("/").includes(".."))) {
    faults.push(`${flag} must be a name, or a path below ${FOLDER}/: nothing else may be written`);
  }
  return path;
}
