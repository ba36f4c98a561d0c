/** The entry: reads what it was given and runs the program that was asked for. Design §7, §8. */
import { parseSettings, readGiven } from "./config.ts";
import { OperationalError, reasonOf } from "./events/errors.ts";
import { verifyBackup } from "./programs/backup_verify.ts";
import { exportLog } from "./programs/log_export.ts";
import { importLog } from "./programs/log_import.ts";
import { verify } from "./programs/log_verify.ts";
import { serve } from "./programs/serve.ts";
import { start } from "./programs/start.ts";
import { openTelemetry, type Telemetry } from "./programs/telemetry.ts";
import {
  complainOfUse,
  endWithBugs,
  programVoice,
  say,
  tellBug,
  tellEnd,
} from "./programs/terminal.ts";
import { VERSION } from "./programs/version.ts";
import { examineHost } from "./programs/worker_doctor.ts";
import { runProcessWorker } from "./programs/worker_process.ts";
import { HELP } from "./settings/help.ts";
import { type Command, COMMANDS, type Settings } from "./settings/settings.ts";

const HELP_WORDS: readonly string[] = ["--help", "-h", "help"];

/** What was given to the program is not in order, so that trying again is of no use. */
const CALLED_WRONGLY: readonly string[] = [
  "redis_url_invalid",
  "policy_invalid",
  "tokens_invalid",
  "docker_host_invalid",
  "docker_certificates_missing",
  "kubeconfig_invalid",
];

/** The predecessor's name of a program. */
const OTHER_NAMES: Readonly<Record<string, Command>> = { "worker:aks": "worker:kubernetes" };

/** A program: runs until it is told to end, and gives its exit code. */
type Program = (
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  telemetry: Telemetry,
) => Promise<number>;

const PROGRAMS: Readonly<Record<Command, Program>> = {
  start,
  serve,
  "worker:process": runProcessWorker,
  // The clients of Docker and Kubernetes take longer to load than all the rest: only where they are used.
  "worker:docker": async (...given) =>
    await (await import("./programs/worker_docker.ts")).runDockerWorker(...given),
  "worker:kubernetes": async (...given) =>
    await (await import("./programs/worker_kubernetes.ts")).runKubernetesWorker(...given),
  "worker:doctor": examineHost,
  "log:verify": verify,
  "log:export": exportLog,
  "log:import": importLog,
  "backup:verify": verifyBackup,
};

/**
 * Runs the program; gives its exit code. 0: ended as asked; 1: it could not go on; 2: it was called wrongly; 3: another
 * worker took its place.
 */
export async function main(args: readonly string[]): Promise<number> {
  const [word, ...rest] = args;
  if (args.some((arg) => arg === "--version" || arg === "-V")) return told(`draas ${VERSION}`);
  if (word === undefined || args.some((arg) => HELP_WORDS.includes(arg))) return told(HELP);
  const command = OTHER_NAMES[word] ?? COMMANDS.find((one) => one === word);
  if (command === undefined) {
    complainOfUse(
      `There is no command ${JSON.stringify(word)}.`,
      `The commands are ${COMMANDS.join(", ")}; see --help.`,
    );
    return 2;
  }
  const given = readGiven(rest);
  const settings = parseSettings(command, given);
  if (!settings.ok) {
    for (const { path, message } of settings.faults) complainOfUse(`${path}: ${message}`);
    return 2;
  }
  const { environment } = given;
  const voice = programVoice(command, settings.value, environment);
  endWithBugs(voice);
  try {
    const telemetry = await openTelemetry(voice, settings.value, environment);
    return await PROGRAMS[command](settings.value, environment, telemetry);
  } catch (error) {
    if (error instanceof OperationalError && CALLED_WRONGLY.includes(error.code)) {
      complainOfUse(error.message, error.hint);
      return 2;
    }
    if (error instanceof OperationalError) tellEnd(voice, error);
    else tellBug(voice, error);
    return 1;
  }
}

function told(text: string): number {
  say(text);
  return 0;
}

if (import.meta.main) {
  const code = await main(Deno.args).catch((error) => {
    complainOfUse(`A fault in DRaaS itself: ${reasonOf(error)}`);
    return 1;
  });
  Deno.exit(code);
}
