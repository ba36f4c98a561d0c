/** Where a Docker daemon is: what `DOCKER_HOST` says, as Docker's own client reads it. Pure. */

/** A daemon's address. */
export interface DockerAddress {
  /** As it was given, for messages. */
  text: string;
  /** Absolute; null: it is reached over the network. */
  socketPath: string | null;
  host: string | null;
  port: number | null;
  /** Whom ssh brings to the daemon; null: it is reached without. */
  ssh: SshDestination | null;
  /** Where the ports that it publishes are reached. */
  publishedAt: string;
}

/** A user of a host that has Docker's client. No part of it can be an option of ssh, or more than a word to a shell. */
export interface SshDestination {
  /** Null: whom ssh's own configuration names. */
  user: string | null;
  host: string;
  /** Null: the one that ssh's own configuration names. */
  port: number | null;
  /** Of the daemon, on that host; null: where its client looks by itself. */
  socketPath: string | null;
}

export const DEFAULT_DOCKER_HOST = "unix:///var/run/docker.sock";

const NETWORK = /^tcp:\/\/([A-Za-z0-9.-]+):(\d{1,5})\/?$/;
const SSH =
  /^ssh:\/\/(?:([A-Za-z0-9_][\w.-]*)@)?([A-Za-z0-9_][\w.-]*)(?::(\d{1,5}))?(\/[\w./-]*)?$/;

/** The address in a text; null for one that is none. */
export function parseDockerHost(text: string): DockerAddress | null {
  const [, socketPath] = /^unix:\/\/(\/.+)$/.exec(text) ?? [];
  if (socketPath) {
    return { text, socketPath, host: null, port: null, ssh: null, publishedAt: "127.0.0.1" };
  }
  const over = SSH.exec(text);
  if (over) return overSsh(text, over);
  const [, host, port = ""] = NETWORK.exec(text) ?? [];
  if (!host || !isPort(port)) return null;
  return { text, socketPath: null, host, port: Number(port), ssh: null, publishedAt: host };
}

function overSsh(text: string, found: readonly (string | undefined)[]): DockerAddress | null {
  const [, user, host = "", port, path = "/"] = found;
  if (port !== undefined && !isPort(port)) return null;
  const ssh = {
    user: user ?? null,
    host,
    port: port === undefined ? null : Number(port),
    socketPath: path === "/" ? null : path,
  };
  return { text, socketPath: null, host: null, port: null, ssh, publishedAt: host };
}

function isPort(text: string): boolean {
  return Number(text) >= 1 && Number(text) <= 65_535;
}
