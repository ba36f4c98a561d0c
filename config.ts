/** Settings: flags before the environment before `draas.yaml`. The only reader of the environment. Design §8. */
import { parse as parseYaml } from "yaml";
import { type Fault } from "./events/configuration.ts";
import { reasonOf } from "./events/errors.ts";
import type { Parsed } from "./events/specification.ts";
import { CLIENT_VARIABLES, type ClientEnvironment } from "./settings/client_settings.ts";
import { OTHERS, SECRET_VARIABLE, SETTINGS } from "./settings/setting_table.ts";
import { type Command, defaultSettings, type Setting, type Settings } from "./settings/settings.ts";

/** What the program was given: arguments, environment, the text of `draas.yaml` if there is one. */
export interface Given {
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  file: string | null;
  /** Why there is a `draas.yaml` that cannot be read. */
  fileFault?: string;
  /** Whether there is a `tokens.yaml`. */
  hasTokensFile?: boolean;
}

/** Where the tokens file is looked for when no setting names it: the working folder. */
const TOKENS_FILE = "tokens.yaml";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;
const NOT_A_SETTING = `is not a setting; the settings are ${
  SETTINGS.map((one) => one.name).join(", ")
}`;
interface Switch {
  flag: string;
  key: "headless" | "stopOnExit" | "json";
  commands: readonly Command[];
}

const SWITCHES: readonly Switch[] = [
  { flag: "--headless", key: "headless", commands: ["start", "serve"] },
  { flag: "--stop-on-exit", key: "stopOnExit", commands: ["start"] },
  { flag: "--json", key: "json", commands: ["worker:doctor"] },
];

/** A flag that names a file, and that no setting stands behind. */
interface FileFlag {
  flag: string;
  key: "copyTo" | "copyFrom";
  commands: readonly Command[];
  /** What it is for, where it is missing. */
  form: string;
}

const FILE_FLAGS: readonly FileFlag[] = [
  {
    flag: "--to",
    key: "copyTo",
    commands: ["log:export"],
    form: "must name the file to write, for example fleet.ndjson.gz, or - for standard output",
  },
  {
    flag: "--from",
    key: "copyFrom",
    commands: ["log:import", "backup:verify"],
    form: "must name the file to read, for example fleet.ndjson.gz, or - for standard input",
  },
];

/** The settings of `command`, or every fault in what was given, each with the right form. */
export function parseSettings(command: Command, given: Given): Parsed<Settings> {
  const settings = defaultSettings(command);
  const faults: Fault[] = [];
  const apply = (setting: Setting, text: string, source: string) => {
    // As many scripts pass it on: set to nothing is not set.
    if (text === "") return;
    const form = setting.set(settings, text);
    if (form === null) return;
    const shown = JSON.stringify(setting.isSecret ? "(hidden)" : text);
    faults.push({ path: source, message: `${shown} is not valid; it must be ${form}` });
  };
  if (given.fileFault) faults.push({ path: "draas.yaml", message: given.fileFault });
  applyFile(given.file, apply, faults);
  applyEnvironment(given.environment, apply, faults);
  applyFlags(command, given.args, { settings, apply, faults });
  if (given.hasTokensFile) settings.tokensFile ??= TOKENS_FILE;
  if (faults.length === 0) faults.push(...missing(command, settings));
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: settings };
}

/** What a program cannot do without. */
function missing(command: Command, settings: Settings): Fault[] {
  const { host, apiToken, tokensFile, redisUrl } = settings;
  const listens = command === "start" || command === "serve";
  const needsRedis = command === "serve" || command.startsWith("worker:");
  const faults: Fault[] = FILE_FLAGS
    .filter(({ commands, key }) => commands.includes(command) && settings[key] === null)
    .map(({ flag, form }) => ({ path: flag, message: form }));
  if (listens && !LOOPBACK.test(host) && apiToken === null && tokensFile === null) {
    faults.push({
      path: "DRAAS_HOST",
      message:
        `${host} can be reached from other machines, so DRAAS_API_TOKEN must be set (at least 16 characters), or a ` +
        `tokens file be there (${TOKENS_FILE}); or use 127.0.0.1`,
    });
  }
  if (needsRedis && redisUrl === null) {
    faults.push({
      path: "REDIS_URL",
      message: `must be set for ${command}, for example redis://127.0.0.1:6379`,
    });
  }
  return faults;
}

/** What this process was given: its environment, and `draas.yaml` in the working folder. */
export function readGiven(args: readonly string[]): Given {
  const environment = Deno.env.toObject();
  const hasTokensFile = isThere(TOKENS_FILE);
  try {
    return { args, environment, hasTokensFile, file: Deno.readTextFileSync("draas.yaml") };
  } catch (error) {
    const given = { args, environment, hasTokensFile, file: null };
    if (error instanceof Deno.errors.NotFound) return given;
    return { ...given, fileFault: `cannot be read: ${reasonOf(error)}` };
  }
}

/** A link to nothing is there, and what cannot be looked at: whoever reads it says why it cannot be read. */
function isThere(path: string): boolean {
  try {
    return !Deno.lstatSync(path).isDirectory;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

/** What a client of the API was given: the only variables that the command line may read. */
export function readClientEnvironment(): ClientEnvironment {
  return Object.fromEntries(CLIENT_VARIABLES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** The variables that servers may inherit from this host; `DENO_DIR` is for the stand-in alone. */
export function inheritedEnvironment(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const names = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "DENO_DIR"];
  return Object.fromEntries(names.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value]];
  }));
}

/** What the worker's own tools inherit, such as ssh: all but what is DRaaS's own, and what would be loaded into them. */
export function toolEnvironment(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const secret = new Set(SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name));
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) =>
      !secret.has(name) && !/^(DRAAS_|LD_|DYLD_)/.test(name)
    ),
  );
}

/** The variables that hold secrets for servers; no setting, and in no message. */
export function secretVariables(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => SECRET_VARIABLE.test(name)),
  );
}

type Apply = (setting: Setting, text: string, source: string) => void;

function applyFile(file: string | null, apply: Apply, faults: Fault[]): void {
  if (file === null) return;
  let content: unknown;
  try {
    content = parseYaml(file);
  } catch (error) {
    faults.push({
      path: "draas.yaml",
      message: `is not valid YAML: ${(error as Error).message.split("\n")[0]}`,
    });
    return;
  }
  if (content === null) return;
  if (typeof content !== "object" || Array.isArray(content)) {
    faults.push({
      path: "draas.yaml",
      message: "must hold settings, one a line, for example DRAAS_PORT: 4700",
    });
    return;
  }
  for (const [name, value] of Object.entries(content)) {
    const setting = SETTINGS.find((one) => one.name === name);
    const source = `draas.yaml: ${name}`;
    if (!setting) faults.push({ path: source, message: NOT_A_SETTING });
    else if (typeof value === "object" && value !== null) {
      faults.push({ path: source, message: "must be one value, as text or a number" });
    } else apply(setting, String(value ?? ""), source);
  }
}

function applyEnvironment(
  environment: Readonly<Record<string, string>>,
  apply: Apply,
  faults: Fault[],
): void {
  for (const setting of SETTINGS) apply(setting, environment[setting.name] ?? "", setting.name);
  for (const name of Object.keys(environment)) {
    const isKnown = OTHERS.has(name) || SECRET_VARIABLE.test(name) ||
      SETTINGS.some((one) => one.name === name);
    if (name.startsWith("DRAAS_") && !isKnown) faults.push({ path: name, message: NOT_A_SETTING });
  }
}

function applyFlags(
  command: Command,
  args: readonly string[],
  { settings, apply, faults }: { settings: Settings; apply: Apply; faults: Fault[] },
): void {
  for (let i = 0; i < args.length; i++) {
    const [flag = "", inline] = args[i]!.split(/=(.*)/s, 2);
    const isMeant = (one: Setting | Switch | FileFlag) =>
      one.flag === flag && one.commands.includes(command);
    const found = SWITCHES.find(isMeant);
    if (found) {
      if (inline === undefined) settings[found.key] = true;
      else faults.push({ path: flag, message: "takes no value" });
      continue;
    }
    const file = FILE_FLAGS.find(isMeant);
    const setting = SETTINGS.find(isMeant);
    const isFollowed = flag.startsWith("-") && !args[i + 1]?.startsWith("--");
    const text = inline ?? (isFollowed ? args[++i] : undefined);
    // What follows an unknown flag is taken for its value and not shown: it could be a secret.
    if (!setting && !file) faults.push({ path: flag, message: notAFlag(command) });
    else if (text === undefined) faults.push({ path: flag, message: "needs a value" });
    else if (file) settings[file.key] = text || null;
    else if (setting) apply(setting, text, flag);
  }
}

function notAFlag(command: Command): string {
  return command === "start"
    ? "is not a flag; see --help"
    : `is not a flag of ${command}; see --help`;
}

/**
 * Loads libraries that look at NODE_ENV when they are loaded, as they are meant for use: React is several times slower
 * otherwise. Nothing that is started later sees it.
 */
export async function loadForUse<T>(load: () => Promise<T>): Promise<T> {
  const before = Deno.env.get("NODE_ENV");
  Deno.env.set("NODE_ENV", "production");
  try {
    return await load();
  } finally {
    if (before === undefined) Deno.env.delete("NODE_ENV");
    else Deno.env.set("NODE_ENV", before);
  }
}
