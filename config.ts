/** Settings: flags before the environment before `draas.yaml`. The only reader of the environment. Design §8. */
import { parse as parseYaml } from "yaml";
import { type Fault } from "./events/configuration.ts";
import { reasonOf } from "./events/errors.ts";
import type { Parsed } from "./events/specification.ts";

/** Everything that can be set. Durations are milliseconds. */
export interface Settings {
  namespace: string;
  host: string;
  port: number;
  /** Required for a host that is not loopback. */
  apiToken: string | null;
  dataDir: string;
  commandTimeoutMs: number;
  queueTimeoutMs: number;
  drasiServerBin: string | null;
  standIn: "auto" | "never";
  headless: boolean;
  stopOnExit: boolean;
}

/** What the program was given: arguments, environment, the text of `draas.yaml` if there is one. */
export interface Given {
  args: readonly string[];
  environment: Readonly<Record<string, string>>;
  file: string | null;
  /** Why there is a `draas.yaml` that cannot be read. */
  fileFault?: string;
}

interface Setting {
  name: string;
  flag: string | null;
  /** Puts the parsed value into the settings, or says what form it must have. */
  set(settings: Settings, text: string): string | null;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/;

const SETTINGS: Setting[] = [
  {
    name: "DRAAS_NAMESPACE",
    flag: "--namespace",
    set: matching(
      "namespace",
      /^[a-z0-9][a-z0-9-]{0,31}$/,
      "1 to 32 lower-case letters, digits and -, for example default",
    ),
  },
  {
    name: "DRAAS_HOST",
    flag: "--host",
    set: matching(
      "host",
      /^[A-Za-z0-9.:[\]-]{1,253}$/,
      "an address or host name, for example 127.0.0.1",
    ),
  },
  { name: "DRAAS_PORT", flag: "--port", set: whole("port", 0, 65_535) },
  {
    name: "DRAAS_API_TOKEN",
    flag: null,
    set: matching("apiToken", /^[\x21-\x7e]{16,512}$/, "at least 16 visible characters"),
  },
  {
    name: "DRAAS_DATA_DIR",
    flag: "--data-dir",
    set: matching("dataDir", /^[^\0]{1,4096}$/, "a folder"),
  },
  {
    name: "DRAAS_COMMAND_TIMEOUT_MS",
    flag: "--command-timeout-ms",
    set: whole("commandTimeoutMs", 1, 3_600_000),
  },
  {
    name: "DRAAS_QUEUE_TIMEOUT_MS",
    flag: "--queue-timeout-ms",
    set: whole("queueTimeoutMs", 1, 86_400_000),
  },
  {
    name: "DRASI_SERVER_BIN",
    flag: null,
    set: matching("drasiServerBin", /^[^\0]{1,4096}$/, "the path of an executable"),
  },
  {
    name: "DRAAS_STANDIN",
    flag: null,
    set(settings, text) {
      if (text !== "auto" && text !== "never") return "auto or never";
      settings.standIn = text;
      return null;
    },
  },
];

/**
 * Known, and not used here: what clients of the API are set with, and what each server finds in its environment, so
 * that DRaaS can be started from a shell inside an instance.
 */
const OTHERS = new Set([
  "DRAAS_URL",
  "DRAAS_TOKEN",
  "DRAAS_INSTANCE_ID",
  "DRAAS_RUN_ID",
  "DRAAS_SITE",
]);
const NOT_A_SETTING = `is not a setting; the settings are ${
  SETTINGS.map((one) => one.name).join(", ")
}`;
const SWITCHES = { "--headless": "headless", "--stop-on-exit": "stopOnExit" } as const;

/** The settings, or every fault in what was given, each with the right form. */
export function parseSettings(given: Given): Parsed<Settings> {
  const settings: Settings = {
    namespace: "default",
    host: "127.0.0.1",
    port: 4700,
    apiToken: null,
    dataDir: ".draas",
    commandTimeoutMs: 30_000,
    queueTimeoutMs: 600_000,
    drasiServerBin: null,
    standIn: "auto",
    headless: false,
    stopOnExit: false,
  };
  const faults: Fault[] = [];
  const apply = (setting: Setting, text: string, source: string) => {
    // As many scripts pass it on: set to nothing is not set.
    if (text === "") return;
    const form = setting.set(settings, text);
    if (form) {
      faults.push({
        path: source,
        message: `${JSON.stringify(secretless(setting, text))} is not valid; it must be ${form}`,
      });
    }
  };
  if (given.fileFault) faults.push({ path: "draas.yaml", message: given.fileFault });
  applyFile(given.file, apply, faults);
  for (const [name, text] of Object.entries(given.environment)) {
    const setting = SETTINGS.find((one) => one.name === name);
    if (setting) {
      apply(setting, text, name);
    } else if (name.startsWith("DRAAS_") && !OTHERS.has(name)) {
      faults.push({
        path: name,
        message: NOT_A_SETTING,
      });
    }
  }
  applyFlags(given.args, settings, apply, faults);
  if (!LOOPBACK.test(settings.host) && settings.apiToken === null) {
    faults.push({
      path: "DRAAS_HOST",
      message:
        `${settings.host} can be reached from other machines, so DRAAS_API_TOKEN must be set (at least 16 characters); or use 127.0.0.1`,
    });
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: settings };
}

/** What this process was given: its environment, and `draas.yaml` in the working folder. */
export function readGiven(args: readonly string[]): Given {
  const environment = Deno.env.toObject();
  try {
    return { args, environment, file: Deno.readTextFileSync("draas.yaml") };
  } catch (error) {
    const given = { args, environment, file: null };
    if (error instanceof Deno.errors.NotFound) return given;
    return { ...given, fileFault: `cannot be read: ${reasonOf(error)}` };
  }
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

function applyFlags(
  args: readonly string[],
  settings: Settings,
  apply: Apply,
  faults: Fault[],
): void {
  for (let i = 0; i < args.length; i++) {
    const [flag = "", inline] = args[i]!.split(/=(.*)/s, 2);
    if (Object.hasOwn(SWITCHES, flag)) {
      if (inline === undefined) settings[SWITCHES[flag as keyof typeof SWITCHES]] = true;
      else faults.push({ path: flag, message: "takes no value" });
      continue;
    }
    const setting = SETTINGS.find((one) => one.flag === flag);
    const isFollowed = flag.startsWith("-") && !args[i + 1]?.startsWith("--");
    const text = inline ?? (isFollowed ? args[++i] : undefined);
    // What follows an unknown flag is taken for its value and not shown: it could be a secret.
    if (!setting) faults.push({ path: flag, message: "is not a flag; see --help" });
    else if (text === undefined) faults.push({ path: flag, message: "needs a value" });
    else apply(setting, text, flag);
  }
}

function matching(
  key: "namespace" | "host" | "apiToken" | "dataDir" | "drasiServerBin",
  pattern: RegExp,
  form: string,
) {
  return (settings: Settings, text: string): string | null => {
    if (!pattern.test(text)) return form;
    settings[key] = text;
    return null;
  };
}

function whole(key: "port" | "commandTimeoutMs" | "queueTimeoutMs", least: number, most: number) {
  return (settings: Settings, text: string): string | null => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      return `a whole number from ${least} to ${most}`;
    }
    settings[key] = value;
    return null;
  };
}

function secretless(setting: Setting, text: string): string {
  return setting.name === "DRAAS_API_TOKEN" ? "(hidden)" : text;
}

/** What `--help` says. */
export const HELP = `DRaaS runs a fleet of servers on this machine and keeps them as you asked.

  deno task start [flags]     control plane, HTTP API and process worker in one process

Flags                         Setting                     Default
  --host ADDRESS              DRAAS_HOST                  127.0.0.1
  --port N                    DRAAS_PORT                  4700 (0: any free port)
  --data-dir FOLDER           DRAAS_DATA_DIR              .draas
  --namespace NAME            DRAAS_NAMESPACE             default
  --command-timeout-ms N      DRAAS_COMMAND_TIMEOUT_MS    30000
  --queue-timeout-ms N        DRAAS_QUEUE_TIMEOUT_MS      600000
  --headless                  no live view, also in a terminal
  --stop-on-exit              stop every instance when DRaaS ends
                              DRAAS_API_TOKEN             none; needed for other addresses than loopback
                              DRASI_SERVER_BIN            drasi-server, found on PATH
                              DRAAS_STANDIN               auto: a stand-in runs where no drasi-server is; never

Flags come before the environment, the environment before draas.yaml, which holds the same names.

  curl http://127.0.0.1:4700/    lists what the API can do`;
