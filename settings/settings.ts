/** What can be set, for which program, and what holds where nothing is said. Design §8. */

/** The programs, by the word that starts them. */
export const COMMANDS = [
  "start",
  "serve",
  "worker:process",
  "worker:docker",
  "worker:kubernetes",
  "worker:doctor",
  "log:verify",
  "log:export",
  "log:import",
  "backup:verify",
] as const;
export type Command = typeof COMMANDS[number];

/** Everything that can be set. Durations are milliseconds. */
export interface Settings {
  namespace: string;
  host: string;
  port: number;
  /** Of an admin. It or a tokens file is required for a host that is not loopback. */
  apiToken: string | null;
  /** The file of the tokens with roles; null: there is none. */
  tokensFile: string | null;
  /** Web pages of these origins may ask the API. */
  allowedOrigins: readonly string[];
  /** Of one caller; 0: no limit. */
  readsPerSecond: number;
  /** Of one caller; 0: no limit. */
  changesPerSecond: number;
  dataDir: string;
  commandTimeoutMs: number;
  queueTimeoutMs: number;
  /** Events that are older may be cut; null: they are kept. */
  retentionMs: number | null;
  /** More events than this may be cut, the oldest first; null: all are kept. */
  retentionEvents: number | null;
  drasiServerBin: string | null;
  /** Absolute; null: beside the binary, or else in each instance's folder. */
  drasiPluginsDir: string | null;
  /** The image that runs for `drasi-server` where images do. */
  drasiServerImage: string;
  /** As Docker's own client takes it: `unix:///…` or `tcp://host:port`. */
  dockerHost: string;
  /** A folder with ca.pem, cert.pem and key.pem; null: the daemon is reached without TLS. */
  dockerCertPath: string | null;
  /** The folder of Docker's client with its `config.json`; null: `.docker` in the user's home. */
  dockerConfig: string | null;
  /** Of the kubeconfig; null: its current one. */
  kubernetesContext: string | null;
  /** Of the cluster; null: the context's. */
  kubernetesNamespace: string | null;
  /** Of each volume of an instance in a cluster, as a cluster writes quantities. */
  kubernetesVolumeSize: string;
  /** The file that says what a host allows; null: `worker.yaml` in the working folder, if there is one. */
  workerPolicy: string | null;
  standIn: "auto" | "never";
  /** An address as `parseRedisAddress` gives it; null: the embedded log. */
  redisUrl: string | null;
  /** How long a program waits for Redis when it begins. */
  redisWaitMs: number;
  /** Null: the one that is kept in the data folder. */
  workerId: string | null;
  /** How many instances the worker works on at once. */
  slots: number;
  /** What placement may ask for. */
  workerLabels: Readonly<Record<string, string>>;
  /** How long a worker that was told to end goes on with what it has in hand. */
  patienceMs: number;
  /** Of the output of one instance, MiB. */
  logMib: number;
  /** Older output is removed. */
  logAgeMs: number;
  /** Of the output of all deleted instances of a host together, MiB. */
  deletedLogsMib: number;
  /** What is told of less weight is left out of the program's log. */
  logLevel: "debug" | "info" | "warn" | "error";
  /** `auto`: text in a terminal, JSON elsewhere. */
  logFormat: "auto" | "text" | "json";
  /** The file that a copy of the log is written to; `-`: standard output. */
  copyTo: string | null;
  /** The file that a copy of the log is read from; `-`: standard input. */
  copyFrom: string | null;
  headless: boolean;
  stopOnExit: boolean;
  /** What a program found is told as JSON. */
  json: boolean;
}

const DATA_FOLDERS: Partial<Record<Command, string>> = {
  "worker:docker": ".draas-docker",
  "worker:kubernetes": ".draas-kubernetes",
};

/** The settings of `command` when nothing is given. */
export function defaultSettings(command: Command): Settings {
  const isWhole = command === "start";
  return {
    namespace: "default",
    host: "127.0.0.1",
    port: 4700,
    apiToken: null,
    tokensFile: null,
    allowedOrigins: [],
    readsPerSecond: 2_000,
    changesPerSecond: 1_000,
    // Each worker of a host has a folder of its own, in which its name is kept.
    dataDir: DATA_FOLDERS[command] ?? (command.startsWith("worker:") ? ".draas-worker" : ".draas"),
    commandTimeoutMs: 30_000,
    queueTimeoutMs: 600_000,
    retentionMs: null,
    retentionEvents: null,
    drasiServerBin: null,
    drasiPluginsDir: null,
    drasiServerImage: "ghcr.io/drasi-project/drasi-server:latest",
    dockerHost: "unix:///var/run/docker.sock",
    dockerCertPath: null,
    dockerConfig: null,
    kubernetesContext: null,
    kubernetesNamespace: null,
    kubernetesVolumeSize: "1Gi",
    workerPolicy: null,
    // A stand-in is for the first steps on one machine; a fleet wants the product, or an error.
    standIn: isWhole ? "auto" : "never",
    redisUrl: null,
    redisWaitMs: 30_000,
    workerId: null,
    slots: 64,
    workerLabels: {},
    patienceMs: 10_000,
    logMib: 64,
    logAgeMs: 7 * 86_400_000,
    deletedLogsMib: 1_024,
    logLevel: "info",
    logFormat: "auto",
    copyTo: null,
    copyFrom: null,
    headless: false,
    stopOnExit: false,
    json: false,
  };
}

/** One setting: its name in the environment and in `draas.yaml`, its flag, and what its text means. */
export interface Setting {
  name: string;
  flag: string | null;
  /** The programs that know the flag; its name may stand in the environment of all. */
  commands: readonly Command[];
  /** Its text is in no message. */
  isSecret?: boolean;
  /** Puts the parsed value into the settings, or says what form it must have. */
  set(settings: Settings, text: string): string | null;
}
