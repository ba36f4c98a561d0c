/** A fleet of its own on a real Docker daemon for each test; nothing of it is left at the end. */
import type { JsonObject } from "../../events/json.ts";
import { parseDockerHost } from "../../workers/docker/docker_address.ts";
import {
  type DockerPlatform,
  type DockerPlatformOptions,
  openDockerPlatform,
} from "../../workers/docker/docker_platform.ts";
import { NO_LOGINS } from "../../workers/docker/registry_logins.ts";
import { NO_FENCE } from "../../workers/platform.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { SecretStore } from "../../workers/secret_store.ts";
import { BUSYBOX, type DockerDaemon } from "../support/docker_daemon.ts";
import { realClock } from "../workers/process_world.ts";

/** What a test can do. */
export interface DockerWorld {
  daemon: DockerDaemon;
  platform: DockerPlatform;
  namespace: string;
  /** Where the host's secrets are: a file each. */
  secretsFolder: string;
  /** Another worker's view of the same fleet; closed with the world. */
  reopen(options?: Partial<DockerPlatformOptions>): Promise<DockerPlatform>;
}

export async function withDockerWorld(
  daemon: DockerDaemon,
  test: (world: DockerWorld) => Promise<void>,
  options: Partial<DockerPlatformOptions> = {},
): Promise<void> {
  const namespace = `t${crypto.randomUUID().slice(0, 8)}`;
  const secretsFolder = await Deno.makeTempDir({ prefix: "draas-secrets-" });
  const opened: DockerPlatform[] = [];
  const open = async (more: Partial<DockerPlatformOptions> = {}): Promise<DockerPlatform> => {
    const platform = await openDockerPlatform({
      address: parseDockerHost(daemon.host)!,
      tls: null,
      way: null,
      namespace,
      clock: realClock,
      policy: openPolicy("worker.yaml", ["drasi-server", "image"]),
      drasiServerImage: "draas-test/drasi-server:1",
      logins: NO_LOGINS,
      logMib: 64,
      secrets: new SecretStore({ folder: secretsFolder, variables: {} }),
      ...options,
      ...more,
    });
    opened.push(platform);
    return platform;
  };
  const platform = await open();
  try {
    await test({ daemon, platform, namespace, secretsFolder, reopen: open });
  } finally {
    const last = await open();
    for (const { instanceId } of await last.inventory()) await last.remove(instanceId, NO_FENCE);
    for (const each of opened) await each.close();
    await Deno.remove(secretsFolder, { recursive: true });
  }
}

/** A configuration that runs a line of shell in the busybox image. */
export function shellImage(script: string, more: JsonObject = {}): JsonObject {
  return { image: BUSYBOX, command: ["sh", "-c", script], ...more };
}
