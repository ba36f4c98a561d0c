/** What we use of dockerode, which comes without types of its own. Fields are those of the Docker Engine API 1.41. */
export interface ContainerListed {
  Id: string;
  Names: string[];
  Labels: Record<string, string>;
  State: string;
}

export interface ContainerInspected {
  Id: string;
  Name: string;
  Config: { Image: string; Labels: Record<string, string> };
  State: {
    Status: string;
    OOMKilled: boolean;
    ExitCode: number;
    Error: string;
    StartedAt: string;
    FinishedAt: string;
  };
  HostConfig: { Memory: number };
  NetworkSettings: { Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> };
}

export interface ContainerCreateOptions {
  name: string;
  Image: string;
  [field: string]: unknown;
}

/** Breaks a request off. */
interface Abortable {
  abortSignal?: AbortSignal;
}

/** Bytes until their end. */
export type ByteStream = AsyncIterable<Uint8Array> & { destroy(): void };

/** A stream of Node's. */
export interface Archive {
  pipe(to: unknown): unknown;
}

export interface Container {
  inspect(options: Abortable): Promise<ContainerInspected>;
  start(options: Abortable): Promise<unknown>;
  /** A tar. One that is not there, and a folder that is none, are answered with 404. */
  putArchive(archive: Archive, options: { path: string } & Abortable): Promise<unknown>;
  kill(options: { signal: string } & Abortable): Promise<unknown>;
  rename(options: { name: string } & Abortable): Promise<unknown>;
  remove(options: { force: boolean; v: boolean } & Abortable): Promise<unknown>;
  stats(options: { stream: false; "one-shot": true } & Abortable): Promise<Stats>;
  exec(
    options: { Cmd: string[]; AttachStdout: boolean; AttachStderr: boolean } & Abortable,
  ): Promise<Exec>;
}

export interface Stats {
  cpu_stats: { cpu_usage: { total_usage: number } };
  memory_stats: { usage?: number; stats?: Record<string, number> };
  pids_stats: { current?: number };
}

export interface Exec {
  start(options: Abortable): Promise<ByteStream>;
  inspect(options: Abortable): Promise<{ ExitCode: number | null; Running: boolean }>;
}

export interface Volume {
  Name: string;
  Labels: Record<string, string> | null;
}

export type DockerOptions =
  | { socketPath: string; host: undefined; protocol: "http" }
  | {
    host: string;
    port: number;
    protocol: "http" | "https";
    ca?: string;
    cert?: string;
    key?: string;
  };

export default class Docker {
  constructor(options: DockerOptions);
  readonly modem: {
    /** A request by itself, for what the methods do not offer: an answer as a stream that does not follow. */
    dial(
      request: {
        path: string;
        method: "GET";
        isStream: true;
        statusCodes: Record<number, true | string>;
        options: Record<string, unknown>;
      } & Abortable,
      onAnswer: (error: Error | null, stream: ByteStream) => void,
    ): void;
    followProgress<News>(
      stream: ByteStream,
      onFinished: (error: Error | null) => void,
      onProgress: (news: News) => void,
    ): void;
  };
  info(options: Abortable): Promise<{ ID: string; InitBinary?: string; LoggingDriver: string }>;
  listContainers(
    options: { all: boolean; filters: { label: string[] } } & Abortable,
  ): Promise<ContainerListed[]>;
  getContainer(id: string): Container;
  createContainer(options: ContainerCreateOptions): Promise<{ id: string }>;
  pull(
    image: string,
    options: {
      authconfig?:
        | { username: string; password: string; serveraddress: string }
        | { identitytoken: string; serveraddress: string };
    },
  ): Promise<ByteStream>;
  createVolume(
    options: { Name: string; Labels: Record<string, string> } & Abortable,
  ): Promise<unknown>;
  listVolumes(
    options: { filters: { label: string[] } } & Abortable,
  ): Promise<{ Volumes: Volume[] | null }>;
  getVolume(name: string): { remove(options: Abortable): Promise<unknown> };
  getEvents(
    options: { filters: { type: string[]; event: string[]; label: string[] } } & Abortable,
  ): Promise<ByteStream>;
}
