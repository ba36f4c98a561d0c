/** The table of settings: one entry a setting, with the form that its text must have. To add one, add it here. */
import { ID_PATTERN } from "../events/ids.ts";
import { specificationSchema } from "../events/specification.ts";
import { parseRedisAddress } from "./redis_address.ts";
import { type Command, COMMANDS, type Setting, type Settings } from "./settings.ts";

const CONTROL_PLANES: readonly Command[] = ["start", "serve"];
const WORKERS: readonly Command[] = [
  "worker:process",
  "worker:docker",
  "worker:kubernetes",
  "worker:doctor",
];
const CLUSTERS: readonly Command[] = ["worker:kubernetes"];
const HOSTS: readonly Command[] = ["start", "worker:process", "worker:doctor"];
const LOG_TOOLS: readonly Command[] = ["log:verify", "log:export", "log:import"];
const ON_REDIS: readonly Command[] = ["serve", ...WORKERS, ...LOG_TOOLS];
const LABELS_MAX = 32;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** In the order in which they are applied: of two names of one thing the later counts. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "DRAAS_NAMESPACE",
    flag: "--namespace",
    commands: COMMANDS,
    set: matching(
      "namespace",
      /^[a-z0-9][a-z0-9-]{0,31}$/,
      "1 to 32 lower-case letters, digits and -, for example default",
    ),
  },
  {
    name: "DRAAS_HOST",
    flag: "--host",
    commands: CONTROL_PLANES,
    set: matching(
      "host",
      /^[A-Za-z0-9.:[\]-]{1,253}$/,
      "an address or host name, for example 127.0.0.1",
    ),
  },
  {
    name: "DRAAS_PORT",
    flag: "--port",
    commands: CONTROL_PLANES,
    set: whole("port", 0, 65_535),
  },
  {
    name: "DRAAS_API_TOKEN",
    flag: null,
    commands: CONTROL_PLANES,
    isSecret: true,
    set: matching("apiToken", /^[\x21-\x7e]{16,512}$/, "at least 16 visible characters"),
  },
  {
    name: "DRAAS_TOKENS_FILE",
    flag: "--tokens-file",
    commands: CONTROL_PLANES,
    set: matching("tokensFile", /^[^\0]{1,4096}$/, "the path of a file"),
  },
  {
    name: "DRAAS_ALLOWED_ORIGINS",
    flag: "--allowed-origins",
    commands: CONTROL_PLANES,
    set: origins,
  },
  {
    name: "DRAAS_READS_PER_SECOND",
    flag: "--reads-per-second",
    commands: CONTROL_PLANES,
    set: whole("readsPerSecond", 0, 1_000_000),
  },
  {
    name: "DRAAS_CHANGES_PER_SECOND",
    flag: "--changes-per-second",
    commands: CONTROL_PLANES,
    set: whole("changesPerSecond", 0, 1_000_000),
  },
  {
    name: "DRAAS_DATA_DIR",
    flag: "--data-dir",
    commands: ["start", ...WORKERS, ...LOG_TOOLS],
    set: matching("dataDir", /^[^\0]{1,4096}$/, "a folder"),
  },
  {
    name: "DRAAS_COMMAND_TIMEOUT_MS",
    flag: "--command-timeout-ms",
    commands: CONTROL_PLANES,
    set: whole("commandTimeoutMs", 1, 3_600_000),
  },
  {
    name: "DRAAS_QUEUE_TIMEOUT_MS",
    flag: "--queue-timeout-ms",
    commands: CONTROL_PLANES,
    set: whole("queueTimeoutMs", 1, 86_400_000),
  },
  {
    name: "DRAAS_RETENTION",
    flag: "--retention",
    commands: CONTROL_PLANES,
    set: duration("retentionMs", DAY_MS, 3_650 * DAY_MS),
  },
  {
    name: "DRAAS_RETENTION_EVENTS",
    flag: "--retention-events",
    commands: CONTROL_PLANES,
    set: whole("retentionEvents", 1_000, 1_000_000_000),
  },
  {
    name: "DRASI_SERVER_BIN",
    flag: null,
    commands: COMMANDS,
    set: matching("drasiServerBin", /^[^\0]{1,4096}$/, "the path of an executable"),
  },
  {
    name: "DRASI_PLUGINS_DIR",
    flag: null,
    commands: COMMANDS,
    set: matching("drasiPluginsDir", /^\/[^\0]{0,4095}$/, "an absolute path"),
  },
  {
    name: "DRASI_SERVER_IMAGE",
    flag: null,
    commands: COMMANDS,
    set: matching(
      "drasiServerImage",
      /^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}$/,
      "an image, for example registry.example.com/drasi-server:0.2.2",
    ),
  },
  {
    name: "DOCKER_HOST",
    flag: null,
    commands: COMMANDS,
    // Other clients take more forms; only the program that uses it can say what is wrong with one.
    set: matching("dockerHost", /^[^\0]{1,4096}$/, "the address of a Docker daemon"),
  },
  {
    name: "DOCKER_CERT_PATH",
    flag: null,
    commands: COMMANDS,
    set: matching("dockerCertPath", /^[^\0]{1,4096}$/, "a folder"),
  },
  {
    name: "DOCKER_CONFIG",
    flag: null,
    commands: COMMANDS,
    set: matching("dockerConfig", /^[^\0]{1,4096}$/, "a folder"),
  },
  {
    name: "DRAAS_KUBERNETES_CONTEXT",
    flag: "--context",
    commands: CLUSTERS,
    set: matching("kubernetesContext", /^[^\0]{1,253}$/, "a context of the kubeconfig"),
  },
  {
    name: "DRAAS_KUBERNETES_NAMESPACE",
    flag: "--cluster-namespace",
    commands: CLUSTERS,
    set: matching(
      "kubernetesNamespace",
      /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
      "a namespace of the cluster, for example draas",
    ),
  },
  {
    name: "DRAAS_KUBERNETES_VOLUME_SIZE",
    flag: "--volume-size",
    commands: CLUSTERS,
    set: matching("kubernetesVolumeSize", /^[1-9]\d{0,5}[KMGT]i$/, "a size, for example 1Gi"),
  },
  {
    name: "DRAAS_WORKER_POLICY",
    flag: "--policy",
    commands: ["start", ...WORKERS],
    set: matching("workerPolicy", /^[^\0]{1,4096}$/, "the path of a file"),
  },
  {
    name: "DRAAS_STANDIN",
    flag: null,
    commands: COMMANDS,
    set: oneOf("standIn", ["auto", "never"]),
  },
  {
    name: "DRAAS_LOG_LEVEL",
    flag: "--log-level",
    commands: COMMANDS,
    set: oneOf("logLevel", ["debug", "info", "warn", "error"]),
  },
  {
    name: "DRAAS_LOG_FORMAT",
    flag: "--log-format",
    commands: COMMANDS,
    set: oneOf("logFormat", ["auto", "text", "json"]),
  },
  { name: "ConnectionStrings__Redis", flag: null, commands: ON_REDIS, isSecret: true, set: redis },
  { name: "REDIS_URL", flag: null, commands: ON_REDIS, isSecret: true, set: redis },
  {
    name: "DRAAS_REDIS_WAIT",
    flag: "--redis-wait",
    commands: ON_REDIS,
    set: duration("redisWaitMs", 0, HOUR_MS),
  },
  {
    name: "DRAAS_WORKER_ID",
    flag: "--worker-id",
    commands: WORKERS,
    set: matching("workerId", ID_PATTERN, "1 to 64 letters, digits and -, for example web-1"),
  },
  {
    name: "DRAAS_WORKER_SLOTS",
    flag: "--slots",
    commands: WORKERS,
    set: whole("slots", 1, 4_096),
  },
  {
    name: "DRAAS_WORKER_LABELS",
    flag: "--label",
    commands: WORKERS,
    set: labels,
  },
  {
    name: "DRAAS_WORKER_PATIENCE",
    flag: "--patience",
    commands: WORKERS,
    set: duration("patienceMs", 0, HOUR_MS),
  },
  {
    name: "DRAAS_LOG_MIB",
    flag: "--log-mib",
    commands: [...HOSTS, "worker:docker"],
    set: whole("logMib", 1, 1_048_576),
  },
  {
    name: "DRAAS_LOG_AGE",
    flag: "--log-age",
    commands: HOSTS,
    set: duration("logAgeMs", HOUR_MS, 3_650 * DAY_MS),
  },
  {
    name: "DRAAS_DELETED_LOGS_MIB",
    flag: "--deleted-logs-mib",
    commands: HOSTS,
    set: whole("deletedLogsMib", 0, 1_048_576),
  },
];

/**
 * Known, and not used here: what clients of the API are set with, and what each server finds in its environment, so
 * that DRaaS can be started from a shell inside an instance.
 */
export const OTHERS: ReadonlySet<string> = new Set([
  "DRAAS_URL",
  "DRAAS_TOKEN",
  "DRAAS_INSTANCE_ID",
  "DRAAS_RUN_ID",
  "DRAAS_SITE",
]);

/** Of the host's secrets: `db-password` may be in `DRAAS_SECRET_DB_PASSWORD`. */
export const SECRET_VARIABLE = /^DRAAS_SECRET_[A-Z0-9_]+$/;

function redis(settings: Settings, text: string): string | null {
  const address = parseRedisAddress(text);
  if (!address.ok) return address.form;
  settings.redisUrl = address.url;
  return null;
}

/** Each as a browser sends it: without a path, and without the port that its scheme has anyway. */
function origins(settings: Settings, text: string): string | null {
  const all = text.split(",").map((one) => one.trim());
  const areSound = all.every((one) => /^https?:/.test(one) && URL.parse(one)?.origin === one);
  if (!areSound) {
    return "origins of web pages, for example https://fleet.example,http://localhost:3000";
  }
  settings.allowedOrigins = all;
  return null;
}

/** Labels are added to those that are there: `--label` may be given more than once. */
function labels(settings: Settings, text: string): string | null {
  const pairs = text.split(",").map((pair) => /^([^=]*)=(.*)$/s.exec(pair.trim())?.slice(1));
  const added = Object.fromEntries(pairs.map((pair) => pair ?? ["", ""]));
  const all = { ...settings.workerLabels, ...added };
  const isSound = specificationSchema.shape.labels.safeParse(all).success &&
    Object.keys(all).length <= LABELS_MAX;
  if (!isSound) return `at most ${LABELS_MAX} labels, for example zone=a or zone=a,disk=ssd`;
  settings.workerLabels = all;
  return null;
}

function oneOf<K extends "standIn" | "logLevel" | "logFormat">(
  key: K,
  words: readonly Settings[K][],
) {
  return (settings: Settings, text: string): string | null => {
    const word = words.find((one) => one === text);
    if (word === undefined) return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
    settings[key] = word;
    return null;
  };
}

function matching(
  key:
    | "namespace"
    | "host"
    | "apiToken"
    | "tokensFile"
    | "dataDir"
    | "drasiServerBin"
    | "workerId"
    | "workerPolicy"
    | "drasiPluginsDir"
    | "drasiServerImage"
    | "dockerHost"
    | "dockerCertPath"
    | "dockerConfig"
    | "kubernetesContext"
    | "kubernetesNamespace"
    | "kubernetesVolumeSize",
  pattern: RegExp,
  form: string,
) {
  return (settings: Settings, text: string): string | null => {
    if (!pattern.test(text)) return form;
    settings[key] = text;
    return null;
  };
}

function whole(
  key:
    | "port"
    | "commandTimeoutMs"
    | "readsPerSecond"
    | "changesPerSecond"
    | "queueTimeoutMs"
    | "slots"
    | "retentionEvents"
    | "logMib"
    | "deletedLogsMib",
  least: number,
  most: number,
) {
  return (settings: Settings, text: string): string | null => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      return `a whole number from ${least} to ${most}`;
    }
    settings[key] = value;
    return null;
  };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: HOUR_MS,
  d: DAY_MS,
};

function duration(
  key: "redisWaitMs" | "patienceMs" | "retentionMs" | "logAgeMs",
  least: number,
  most: number,
) {
  const form = least === 0 ? "for example 30s" : `from ${wordsOf(least)}, for example 30d`;
  return (settings: Settings, text: string): string | null => {
    const [, count = "", unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
    const value = Number(count) * (UNITS_MS[unit] ?? NaN);
    if (!(value >= least && value <= most)) return `a time up to ${wordsOf(most)}, ${form}`;
    settings[key] = value;
    return null;
  };
}

function wordsOf(ms: number): string {
  return ms >= DAY_MS ? `${ms / DAY_MS}d` : `${ms / HOUR_MS}h`;
}
