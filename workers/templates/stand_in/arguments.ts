/** The command line, read as drasi-server's clap definition reads it, plus the stand-in's own options. */
import { commaList, FAULT_FORMS, type Faults, parseFaults } from "./faults.ts";
import { PROGRAM_NAME } from "./identity.ts";

/** Everything that flags can say about a run or a validation. */
export interface Options {
  config: string;
  /** Overrides the file's port; 0 passes unchecked, as upstream. Null when not given. */
  port: number | null;
  /** Null means `plugins` beside the program. */
  pluginsDir: string | null;
  skipVerification: boolean;
  /** Overrides the file's `enableUi`; null when neither flag is given. */
  enableUi: boolean | null;
  /** Plugins that count as present, as `category/kind`. */
  kinds: readonly string[];
  faults: Faults;
}

/** What the command line asks for. `usage-error` carries the text for stderr; its exit code is 2. */
export type Command =
  | { kind: "run"; options: Options }
  | { kind: "validate"; options: Options; showResolved: boolean }
  | { kind: "version" }
  | { kind: "help" }
  | { kind: "usage-error"; text: string };

type Flag =
  | "config"
  | "port"
  | "plugins-dir"
  | "skip-verification"
  | "enable-ui"
  | "disable-ui"
  | "show-resolved"
  | "stand-in-kinds"
  | "stand-in-fault";

const VALUE_NAMES: Partial<Record<Flag, string>> = {
  "config": "CONFIG",
  "port": "PORT",
  "plugins-dir": "PLUGINS_DIR",
  "stand-in-kinds": "LIST",
  "stand-in-fault": "FAULT",
};

const REPEATABLE: readonly Flag[] = ["stand-in-kinds", "stand-in-fault"];

const FLAGS: readonly string[] = [
  "config",
  "port",
  "plugins-dir",
  "skip-verification",
  "enable-ui",
  "disable-ui",
  "show-resolved",
  "stand-in-kinds",
  "stand-in-fault",
];

/** The answer to `--help`. */
export const HELP =
  `STAND-IN for drasi-server: same flags and routes, no plugins, no queries, no data

Usage: ${PROGRAM_NAME} [OPTIONS] [run|validate]

Options:
  -c, --config <CONFIG>            Path to the configuration file [default: config/server.yaml]
  -p, --port <PORT>                Override the server port
      --plugins-dir <PLUGINS_DIR>  Named in the log only
      --skip-verification          Accepted, without effect
      --enable-ui, --disable-ui    Override enableUi; there is no UI in either case
      --show-resolved              With validate: show the resolved server settings
      --stand-in-kinds <LIST>      Plugins that count as present: source/mock,reaction/log
      --stand-in-fault <FAULT>     ${FAULT_FORMS}
                                   (repeatable; also DRAAS_STAND_IN_FAULTS, a comma list)
  -h, --help
  -V, --version
`;

/** A command line as read so far: each flag's values by level (0 before the subcommand, 1 after). */
interface Reading {
  subcommand: "run" | "validate" | null;
  values: Map<Flag, { level: number; value: string }[]>;
}

/**
 * Reads `argv`; `faultWords` are further faults, from the environment, put before those of the flags.
 *
 * @example
 * parseArguments(["--config", "/tmp/server.yaml", "--port", "8081"], []).kind; // "run"
 */
export function parseArguments(argv: readonly string[], faultWords: readonly string[]): Command {
  const reading: Reading = { subcommand: null, values: new Map() };
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === "-h" || word === "--help" || word === "help") return { kind: "help" };
    if (word === "-V" || word === "--version") return { kind: "version" };
    if (!word.startsWith("-")) {
      if (reading.subcommand !== null) return unexpected(word);
      if (word !== "run" && word !== "validate") return unknownSubcommand(word);
      reading.subcommand = word;
      continue;
    }
    const { flag, inline } = splitFlag(word);
    if (flag === null || (flag === "show-resolved" && reading.subcommand !== "validate")) {
      return unexpected(word);
    }
    const valueName = VALUE_NAMES[flag];
    if (valueName === undefined && inline !== null) return unexpected(word);
    const takesNext = valueName !== undefined && inline === null;
    const value = takesNext ? argv[++index] : inline ?? "true";
    if (value === undefined || value === "" || (takesNext && value.startsWith("-"))) {
      return usageError(
        `a value is required for '--${flag} <${valueName}>' but none was supplied`,
      );
    }
    const repeated = record(reading, flag, value);
    if (repeated) return usageError(`the argument '${repeated}' cannot be used multiple times`);
  }
  return commandOf(reading, faultWords);
}

function splitFlag(word: string): { flag: Flag | null; inline: string | null } {
  if (word.startsWith("--")) {
    const cut = word.indexOf("=");
    const name = cut < 0 ? word.slice(2) : word.slice(2, cut);
    const inline = cut < 0 ? null : word.slice(cut + 1);
    return { flag: FLAGS.includes(name) ? name as Flag : null, inline };
  }
  const short = { "-c": "config", "-p": "port" }[word.slice(0, 2)] as Flag | undefined;
  const rest = word.slice(2);
  return {
    flag: short ?? null,
    inline: rest === "" ? null : rest.startsWith("=") ? rest.slice(1) : rest,
  };
}

/** Notes a flag's value; gives back the flag's form when it was already there at the same level. */
function record(reading: Reading, flag: Flag, value: string): string | null {
  const level = reading.subcommand === null ? 0 : 1;
  const values = reading.values.get(flag) ?? [];
  if (!REPEATABLE.includes(flag) && values.some((entry) => entry.level === level)) {
    const valueName = VALUE_NAMES[flag];
    return valueName === undefined ? `--${flag}` : `--${flag} <${valueName}>`;
  }
  reading.values.set(flag, [...values, { level, value }]);
  return null;
}

function commandOf(reading: Reading, faultWords: readonly string[]): Command {
  // The later value, that after the subcommand, wins.
  const last = (flag: Flag) => reading.values.get(flag)?.at(-1)?.value ?? null;
  const all = (flag: Flag) => (reading.values.get(flag) ?? []).map((entry) => entry.value);
  const portText = last("port");
  if (portText !== null && !/^\+?\d+$/.test(portText)) {
    return usageError(
      `invalid value '${portText}' for '--port <PORT>': invalid digit found in string`,
    );
  }
  if (portText !== null && Number(portText) > 65_535) {
    return usageError(
      `invalid value '${portText}' for '--port <PORT>': ${portText} is not in 0..=65535`,
    );
  }
  if (last("enable-ui") !== null && last("disable-ui") !== null) {
    return usageError("the argument '--enable-ui' cannot be used with '--disable-ui'");
  }
  const faults = parseFaults([...faultWords, ...all("stand-in-fault")]);
  if ("unknown" in faults) {
    return usageError(
      `invalid value '${faults.unknown}' for '--stand-in-fault <FAULT>': must be one of ${FAULT_FORMS}`,
    );
  }
  const kinds = all("stand-in-kinds").flatMap(commaList);
  const badKind = kinds.find((kind) => !/^[a-z_]+\/[\w.-]+$/.test(kind));
  if (badKind !== undefined) {
    return usageError(
      `invalid value '${badKind}' for '--stand-in-kinds <LIST>': must be category/kind, as source/mock`,
    );
  }
  const options: Options = {
    config: last("config") ?? "config/server.yaml",
    port: portText === null ? null : Number(portText),
    pluginsDir: last("plugins-dir"),
    skipVerification: last("skip-verification") !== null,
    enableUi: last("enable-ui") !== null ? true : last("disable-ui") !== null ? false : null,
    kinds,
    faults,
  };
  return reading.subcommand === "validate"
    ? { kind: "validate", options, showResolved: last("show-resolved") !== null }
    : { kind: "run", options };
}

function unexpected(word: string): Command {
  return usageError(`unexpected argument '${word}' found`);
}

function unknownSubcommand(word: string): Command {
  return usageError(
    `unrecognized subcommand '${word}' (STAND-IN: only run and validate are here)`,
  );
}

function usageError(message: string): Command {
  return {
    kind: "usage-error",
    text: `error: ${message}\n\nUsage: ${PROGRAM_NAME} [OPTIONS] [COMMAND]\n\n` +
      `For more information, try '--help'.\n`,
  };
}
