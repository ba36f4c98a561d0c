/** A daemon in memory behind the docker platform's ports, for what no real one can be made to do at will. */
import type { Clock } from "../../events/clock.ts";
import type {
  ContainerEngine,
  ContainerSeen,
  ContainerState,
  ContainerWanted,
  Creation,
  EndListeners,
  EngineIdentity,
  EngineTalk,
  EngineVolumes,
} from "../../workers/docker/container_engine.ts";
import type { Labels } from "../../workers/docker/container_labels.ts";
import type { DockerSite } from "../../workers/docker/docker_site.ts";
import { InstanceMarks } from "../../workers/docker/instance_marks.ts";
import { openPolicy } from "../../workers/policy/host_policy.ts";
import { SecretStore } from "../../workers/secret_store.ts";

const STARTED_AT = 1_000;
export const NAMESPACE = "fake";

/** Each method may be replaced by a test. */
export class FakeDaemon implements ContainerEngine, EngineTalk {
  readonly containers = new Map<string, ContainerState>();
  readonly kept = new Map<string, Labels>();
  #made = 0;

  readonly volumes: EngineVolumes = {
    make: async (name, labels) => void (this.kept.has(name) || this.kept.set(name, labels)),
    list: async () => [...this.kept].map(([name, labels]) => ({ name, labels })),
    remove: async (name) => void this.kept.delete(name),
  };

  async identity(): Promise<EngineIdentity> {
    return { id: "docker-fake", address: "127.0.0.1", hasInit: true, logDriver: "json-file" };
  }

  async list(): Promise<ContainerSeen[]> {
    return [...this.containers.values()].reverse();
  }

  async inspect(id: string): Promise<ContainerState | null> {
    return this.containers.get(id) ?? null;
  }

  async create({ name, labels, image }: ContainerWanted): Promise<Creation> {
    const id = `container-${++this.#made}`;
    this.containers.set(id, {
      id,
      name,
      labels,
      image,
      state: "created",
      startedAt: null,
      endedAt: null,
      exitCode: 0,
      isOutOfMemory: false,
      fault: "",
      memoryBytes: null,
      ports: new Map(),
    });
    return { kind: "created", id };
  }

  async fill(id: string): Promise<boolean> {
    return this.containers.has(id);
  }

  async start(id: string): Promise<boolean> {
    return this.#change(id, { state: "running", startedAt: STARTED_AT });
  }

  async signal(id: string, signal: string): Promise<boolean> {
    return this.end(id, signal === "SIGKILL" ? 137 : 143);
  }

  /** It ends by itself. */
  end(id: string, exitCode: number): boolean {
    return this.#change(id, { state: "ended", endedAt: STARTED_AT + 500, exitCode });
  }

  async rename(id: string, name: string): Promise<boolean> {
    return this.#change(id, { name });
  }

  async remove(id: string): Promise<void> {
    this.containers.delete(id);
  }

  async pull(): Promise<void> {}

  async *printed(): AsyncGenerator<never> {}

  watchEnds(_listeners: EndListeners, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  async usage(): Promise<null> {
    return null;
  }

  async execute(): Promise<number | null> {
    return 0;
  }

  #change(id: string, change: Partial<ContainerState>): boolean {
    const state = this.containers.get(id);
    if (state) this.containers.set(id, { ...state, ...change });
    return state !== undefined;
  }
}

/** The site of a platform on it. */
export async function siteOn(daemon: FakeDaemon, clock: Clock): Promise<DockerSite> {
  const { volumes } = daemon;
  return {
    engine: daemon,
    volumes,
    talk: daemon,
    marks: new InstanceMarks(volumes, NAMESPACE),
    clock,
    namespace: NAMESPACE,
    identity: await daemon.identity(),
    policy: openPolicy("worker.yaml", ["image"]),
    secrets: new SecretStore({ folder: "/nowhere", variables: {} }),
    drasiServerImage: "drasi-server:1",
    logMib: 64,
  };
}
