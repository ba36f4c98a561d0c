/** Where a Docker daemon is: what `DOCKER_HOST` says, as Docker's own client reads it. Pure. */

/** A daemon's address. */
export interface DockerAddress {
  /** As it was given, for messages. */
  text: string;
  /** Absolute; null: it is reached over the network. */
  socketPath: string | null;
  host: string | null;
  port: number | null;
  /** Where the ports that it publishes are reached. */
  publishedAt: string;
}

export const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

/** The address in a text; null for one that is none. */
export function parseDockerHost(text: string): DockerAddress | null {
  const [, socketPath] = /^unix:\/\/(\/.+)$/.exec(text) ?? [];
  if (socketPath) {
    return { text, socketPath, host: null, port: null, publishedAt: "127.0.0.1" };
  }
  const [, host, port] = /^tcp:\/\/([A-Za-z0-9.-]+):(\d{1,5})\/?$/.exec(text) ?? [];
  if (!host || !port || Number(port) < 1 || Number(port) > 65_535) return null;
  return { text, socketPath: null, host, port: Number(port), publishedAt: host };
}
