/** The container port on a Docker daemon, by dockerode. */
// @ts-types="./dockerode.d.ts"
import type Docker from "dockerode";
// @ts-types="./dockerode.d.ts"
import type { ContainerCreateOptions, ContainerInspected } from "dockerode";
import type {
  ContainerContent,
  ContainerEngine,
  ContainerSeen,
  ContainerState,
  ContainerWanted,
  Creation,
  EngineIdentity,
} from "./container_engine.ts";
import { archiveOf } from "./container_archive.ts";
import { instanceLabel, namespaceLabel } from "./container_labels.ts";
import { type Asking, CHANGE_WITHIN_MS, type EngineCalls } from "./engine_calls.ts";
import { statusOf, wordsOf } from "./engine_failure.ts";

const NANO = 1_000_000_000;
/** A container's output is kept in so many files, of which the oldest goes for a new one. */
const OUTPUT_FILES = 4;
const KIB_IN_MIB = 1_024;
/** What the daemon writes for a time that has not come. */
const NO_TIME = "0001-01-01T00:00:00Z";

/** Of what the daemon gives by default, what servers have no use for. */
const DROPPED = ["AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP", "SYS_CHROOT"] as const;

export class DockerodeEngine implements ContainerEngine {
  constructor(
    private readonly docker: Docker,
    private readonly calls: EngineCalls,
    /** Where the daemon's published ports are reached. */
    private readonly publishedAt: string,
    private readonly namespace: string,
  ) {}

  async identity(): Promise<EngineIdentity> {
    const { ID, InitBinary, LoggingDriver } = await this.calls.answer((abortSignal) =>
      this.docker.info({ abortSignal })
    );
    // Older daemons have colons in theirs, which a site's name on the wire may not have.
    const id = `docker-${ID.replace(/[^A-Za-z0-9]+/g, "-")}`;
    return {
      id,
      address: this.publishedAt,
      hasInit: Boolean(InitBinary),
      logDriver: LoggingDriver,
    };
  }

  async list(instanceId: string | null): Promise<ContainerSeen[]> {
    const label = [namespaceLabel(this.namespace)];
    if (instanceId !== null) label.push(instanceLabel(instanceId));
    const found = await this.calls.answer((abortSignal) =>
      this.docker.listContainers({ all: true, filters: { label }, abortSignal })
    );
    return found.map(({ Id, Names, Labels, State }) => ({
      id: Id,
      name: Names[0]?.slice(1) ?? "",
      labels: Labels,
      state: stateOf(State),
    }));
  }

  async inspect(id: string): Promise<ContainerState | null> {
    const found = await this.calls.answer(
      (abortSignal) => this.docker.getContainer(id).inspect({ abortSignal }),
      { instead: { 404: null } },
    );
    return found && containerState(found);
  }

  create(wanted: ContainerWanted): Promise<Creation> {
    return this.calls.answer(async (abortSignal): Promise<Creation> => {
      try {
        const { id } = await this.docker.createContainer({ ...creationOf(wanted), abortSignal });
        return { kind: "created", id };
      } catch (error) {
        const status = statusOf(error);
        if (status === 409) return { kind: "name-taken" };
        if (status === 404 && /no such image/i.test(wordsOf(error))) return { kind: "no-image" };
        throw error;
      }
    }, { withinMs: CHANGE_WITHIN_MS });
  }

  fill(id: string, content: ContainerContent): Promise<boolean> {
    const at = { path: "/" };
    return this.done(
      (abortSignal) =>
        this.docker.getContainer(id).putArchive(archiveOf(content), { ...at, abortSignal }),
      { instead: { 404: false }, withinMs: CHANGE_WITHIN_MS },
    );
  }

  start(id: string): Promise<boolean> {
    return this.done((abortSignal) => this.docker.getContainer(id).start({ abortSignal }), {
      instead: { 304: true, 404: false },
      withinMs: CHANGE_WITHIN_MS,
    });
  }

  signal(id: string, signal: string): Promise<boolean> {
    return this.done((abortSignal) => this.docker.getContainer(id).kill({ signal, abortSignal }), {
      instead: { 404: false, 409: false },
    });
  }

  rename(id: string, name: string): Promise<boolean> {
    return this.done((abortSignal) => this.docker.getContainer(id).rename({ name, abortSignal }), {
      instead: { 404: false, 409: false },
    });
  }

  async remove(id: string): Promise<void> {
    const options = { force: true, v: true };
    await this.done(
      (abortSignal) => this.docker.getContainer(id).remove({ ...options, abortSignal }),
      // 409: its removal is under way already.
      { instead: { 404: true, 409: true }, withinMs: CHANGE_WITHIN_MS },
    );
  }

  private done(
    call: (signal: AbortSignal) => Promise<unknown>,
    asking: Asking<boolean>,
  ): Promise<boolean> {
    return this.calls.answer(async (signal) => {
      await call(signal);
      return true;
    }, asking);
  }
}

function stateOf(word: string): ContainerSeen["state"] {
  // Paused and restarting ones have a process, or will have: somebody else's doing, to be ended like any other.
  if (word === "running" || word === "paused" || word === "restarting") return "running";
  return word === "created" ? "created" : "ended";
}

function containerState(found: ContainerInspected): ContainerState {
  const { State, Config, HostConfig, NetworkSettings } = found;
  return {
    id: found.Id,
    name: found.Name.slice(1),
    labels: Config.Labels,
    state: stateOf(State.Status),
    image: Config.Image,
    startedAt: timeOf(State.StartedAt),
    endedAt: timeOf(State.FinishedAt),
    exitCode: State.ExitCode,
    isOutOfMemory: State.OOMKilled,
    fault: State.Error,
    memoryBytes: HostConfig.Memory || null,
    ports: new Map(
      Object.entries(NetworkSettings.Ports ?? {}).flatMap(([port, bound]) =>
        bound?.[0] ? [[parseInt(port), Number(bound[0].HostPort)] as const] : []
      ),
    ),
  };
}

function timeOf(text: string): number | null {
  return text === NO_TIME || text === "" ? null : Date.parse(text);
}

/** Restarted by us alone, so never by the daemon; with no privileges that the image's user could gain. */
function creationOf(wanted: ContainerWanted): ContainerCreateOptions {
  const { limits = {} } = wanted;
  return {
    name: wanted.name,
    Image: wanted.image,
    ...(wanted.command === null ? {} : { Cmd: [...wanted.command] }),
    Env: Object.entries(wanted.env).map(([name, value]) => `${name}=${value}`),
    ...(wanted.workingDirectory === null ? {} : { WorkingDir: wanted.workingDirectory }),
    ...(wanted.user === null ? {} : { User: wanted.user }),
    Labels: { ...wanted.labels },
    StopSignal: wanted.stopSignal,
    Healthcheck: { Test: ["NONE"] },
    ExposedPorts: Object.fromEntries(wanted.ports.map(({ port }) => [`${port}/tcp`, {}])),
    HostConfig: {
      PortBindings: Object.fromEntries(
        wanted.ports.map(({ port, published }) => [
          `${port}/tcp`,
          [{ HostIp: wanted.host, HostPort: published === null ? "" : String(published) }],
        ]),
      ),
      Mounts: wanted.volumes.map(({ name, path }) => ({
        Type: "volume" as const,
        Source: name,
        Target: path,
      })),
      RestartPolicy: { Name: "no" },
      SecurityOpt: ["no-new-privileges"],
      CapDrop: [...DROPPED],
      ReadonlyRootfs: wanted.isReadOnly,
      Init: wanted.hasInit,
      ...(wanted.output === null ? {} : { LogConfig: logConfigOf(wanted.output) }),
      ...(limits.memoryBytes === undefined
        ? {}
        : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
      ...(limits.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * NANO) }),
      ...(limits.processes === undefined ? {} : { PidsLimit: limits.processes }),
      ...(limits.openFiles === undefined ? {} : {
        Ulimits: [{ Name: "nofile", Soft: limits.openFiles, Hard: limits.openFiles }],
      }),
    },
  };
}

function logConfigOf({ driver, keptMib }: NonNullable<ContainerWanted["output"]>) {
  const size = `${Math.floor(keptMib * KIB_IN_MIB / OUTPUT_FILES)}k`;
  return { Type: driver, Config: { "max-size": size, "max-file": String(OUTPUT_FILES) } };
}
