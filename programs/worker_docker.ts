/** `deno task worker:docker`: a worker that runs images as containers of a Docker daemon. Design §8. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { toolEnvironment } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { Settings } from "../settings/settings.ts";
import { type DockerAddress, parseDockerHost } from "../workers/docker/docker_address.ts";
import {
  type DockerPlatformOptions,
  openDockerPlatform,
} from "../workers/docker/docker_platform.ts";
import { helperAsker } from "../workers/docker/credential_program.ts";
import {
  type KnownRegistries,
  NO_REGISTRIES,
  parseRegistries,
} from "../workers/docker/registry_credentials.ts";
import { RegistryLogins } from "../workers/docker/registry_logins.ts";
import { openSshWay } from "../workers/docker/ssh_way.ts";
import { runFleetWorker } from "./fleet_worker.ts";
import { openImageHost, whenRuntimeAnswers } from "./image_host.ts";
import type { Undo } from "./parts.ts";
import type { Telemetry } from "./telemetry.ts";
import type { Voice } from "./voice.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function runDockerWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  telemetry: Telemetry,
): Promise<number> {
  const undo: Undo = [];
  const host = await openImageHost(settings, environment, undo);
  const address = addressOf(settings.dockerHost);
  const tls = settings.dockerCertPath === null
    ? null
    : await certificatesIn(settings.dockerCertPath);
  const tools = toolEnvironment(environment);
  const way = address.ssh === null ? null : await openSshWay({
    to: address.ssh,
    folder: `${Deno.realPathSync(settings.dataDir)}/ssh`,
    environment: tools,
    clock: hostClock,
  });
  if (way !== null) undo.push(() => way.close());
  const home = environment.HOME ?? "";
  const registries = await registriesIn(
    telemetry.voice,
    settings.dockerConfig ?? `${home}/.docker`,
  );
  const options = {
    ...host,
    address,
    tls,
    way,
    namespace: settings.namespace,
    clock: hostClock,
    logins: new RegistryLogins(registries, helperAsker(hostClock, tools)),
    drasiServerImage: settings.drasiServerImage,
    logMib: settings.logMib,
  };
  const platform = await whenRuntimeAnswers(settings, telemetry, () => openDockerPlatform(options));
  const runs = `images as containers of Docker at ${address.text}`;
  return await runFleetWorker(settings, { platform, policy: host.policy, runs, undo }, telemetry);
}

function addressOf(dockerHost: string): DockerAddress {
  const address = parseDockerHost(dockerHost);
  if (address !== null) return address;
  throw new OperationalError(
    "docker_host_invalid",
    `DOCKER_HOST ${JSON.stringify(dockerHost)} is not an address that a worker can use.`,
    false,
    "Use unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host.",
  );
}

/** What cannot be read is as if it were not there, which its daemon says of the image. */
async function registriesIn(voice: Voice, folder: string): Promise<KnownRegistries> {
  const path = `${folder}/config.json`;
  const text = await Deno.readTextFile(path).catch(() => "{}");
  const registries = parseRegistries(text);
  if (registries === null) {
    voice.tell("warn", `${path} is not in order.`, { hint: "Images are pulled without it." });
  }
  return registries ?? NO_REGISTRIES;
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
