/** `deno task worker:docker`: a worker that runs images as containers of a Docker daemon. Design §8. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { secretVariables } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { Settings } from "../settings/settings.ts";
import { type DockerAddress, parseDockerHost } from "../workers/docker/docker_address.ts";
import {
  type DockerPlatform,
  type DockerPlatformOptions,
  openDockerPlatform,
} from "../workers/docker/docker_platform.ts";
import { type HostPolicy, strictPolicy } from "../workers/policy/host_policy.ts";
import { SecretStore } from "../workers/secret_store.ts";
import { type KnownRegistries, parseRegistries } from "../workers/docker/registry_credentials.ts";
import { lockSite } from "./data_folder.ts";
import { runFleetWorker } from "./fleet_worker.ts";
import type { Undo } from "./parts.ts";
import { POLICY_FILE, readHostPolicy } from "./policy_file.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import { terminal } from "./terminal.ts";

/** A host whose owner says nothing runs nothing: an image may hold any program. */
const UNTOLD: HostPolicy = { ...strictPolicy(POLICY_FILE), templates: [] };

/** Runs the program until it is told to end; gives its exit code. */
export async function runDockerWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const undo: Undo = [];
  const policy = await readHostPolicy(settings.workerPolicy, UNTOLD);
  const lock = await lockSite(settings.dataDir);
  undo.push(async () => lock.close());
  const address = addressOf(settings.dockerHost);
  const tls = settings.dockerCertPath === null
    ? null
    : await certificatesIn(settings.dockerCertPath);
  const home = environment.HOME ?? "";
  const registries = await registriesIn(settings.dockerConfig ?? `${home}/.docker`);
  const secrets = new SecretStore({
    folder: policy.secrets.folder ?? `${Deno.realPathSync(settings.dataDir)}/secrets`,
    variables: secretVariables(environment),
  });
  const options = {
    address,
    tls,
    namespace: settings.namespace,
    clock: hostClock,
    policy,
    secrets,
    registries,
    logMib: settings.logMib,
  };
  const platform = await open(options, settings);
  const runs = `images as containers of Docker at ${address.text}`;
  return await runFleetWorker(settings, { platform, policy, runs, undo });
}

/** A daemon that is about to start is waited for, as Redis is. */
function open(options: DockerPlatformOptions, settings: Settings): Promise<DockerPlatform> {
  const wait = { clock: hostClock, voice: terminal, waitMs: settings.redisWaitMs };
  return whenRedisAnswers(wait, () => openDockerPlatform(options));
}

function addressOf(dockerHost: string): DockerAddress {
  const address = parseDockerHost(dockerHost);
  if (address !== null) return address;
  throw new OperationalError(
    "docker_host_invalid",
    `DOCKER_HOST ${JSON.stringify(dockerHost)} is not an address that a worker can use.`,
    false,
    "Use unix:///var/run/docker.sock or tcp://host:2376.",
  );
}

/** What cannot be read is as if it were not there, which its daemon says of the image. */
async function registriesIn(folder: string): Promise<KnownRegistries> {
  const path = `${folder}/config.json`;
  const text = await Deno.readTextFile(path).catch(() => "{}");
  const registries = parseRegistries(text);
  if (registries === null) {
    terminal.complain(`${path} is not in order.`, "Images are pulled without it.");
  }
  return registries ?? new Map();
}

async function certificatesIn(
  folder: string,
): Promise<NonNullable<DockerPlatformOptions["tls"]>> {
  try {
    const [ca, cert, key] = await Promise.all(
      ["ca", "cert", "key"].map((name) => Deno.readTextFile(`${folder}/${name}.pem`)),
    );
    return { ca: ca!, cert: cert!, key: key! };
  } catch (error) {
    throw new OperationalError(
      "docker_certificates_missing",
      `DOCKER_CERT_PATH: ${reasonOf(error)}`,
      false,
      "The folder has to hold ca.pem, cert.pem and key.pem.",
      { cause: error },
    );
  }
}
